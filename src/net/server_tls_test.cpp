// TLS with a certificate made on the spot, and a client that is OpenSSL itself.

#include <openssl/ssl.h>

#include <memory>

#include "base/error.h"
#include "net/test_certificate.h"
#include "net/test_client.h"

namespace shenbi::net {
namespace {

using namespace testing;

class TlsClient {
 public:
  explicit TlsClient(uint16_t port, int newest = TLS1_3_VERSION) : tcp_(port) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context_.get(), newest);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_cipher_list(context_.get(), "DEFAULT@SECLEVEL=0");
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), tcp_.descriptor());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  bool connected() const { return connected_; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  void send(std::string_view bytes) { SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); }
  // All until the other side says that it closes; `clean` is whether it said so.
  std::string rest(bool& clean) {
    std::string out;
    char bytes[4096];
    int size;
    while ((size = SSL_read(ssl_.get(), bytes, sizeof bytes)) > 0) out.append(bytes, static_cast<size_t>(size));
    clean = SSL_get_error(ssl_.get(), size) == SSL_ERROR_ZERO_RETURN;
    return out;
  }
  std::string until(std::string_view mark) {
    std::string out;
    for (char c; !out.ends_with(mark) && SSL_read(ssl_.get(), &c, 1) == 1;) out += c;
    return out;
  }
  void close() { tcp_.close(); }

 private:
  Client tcp_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  bool connected_ = false;
};

class HttpsServer : public ::testing::Test {
 protected:
  void SetUp() override { make_certificate(folder_ / "cert.pem", folder_ / "key.pem"); }
  ServerOptions options() const { return {.certificate_file = folder_ / "cert.pem", .key_file = folder_ / "key.pem"}; }
  Folder folder_;
};

TEST_F(HttpsServer, serves_over_TLS_1_2_and_1_3_and_nothing_older) {
  Server server(echo, options());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port, version);
    ASSERT_TRUE(client.connected());
    client.send(kGet);
    EXPECT_TRUE(client.until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
  }
  EXPECT_FALSE(TlsClient(server.port, TLS1_1_VERSION).connected());
}

TEST_F(HttpsServer, tells_a_request_that_came_through_TLS) {
  const auto tell = [](ServerRequest request, ExchangePtr exchange) {
    exchange->send({200, {}, request.secure ? "secure" : "plain"});
  };
  Server server(tell, options()), open(tell);
  TlsClient client(server.port);
  client.send(kGet);
  client.until("\r\n\r\n");
  EXPECT_EQ(client.until("e"), "se");
  EXPECT_EQ(Client(open.port).ask(kGet).body, "plain");
}

TEST_F(HttpsServer, ends_a_connection_with_a_close_notify) {
  Server server(echo, options());
  TlsClient client(server.port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  bool clean = false;
  EXPECT_TRUE(client.rest(clean).starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(clean);
}

TEST_F(HttpsServer, streams_and_notices_a_client_that_leaves) {
  Signal arrived, gone;
  ExchangePtr exchange;
  Server server(
      [&](ServerRequest, ExchangePtr e) {
        exchange = std::move(e);
        exchange->on_gone([&] { gone.raise(); });
        exchange->begin(200, {});
        exchange->write(std::string(300'000, 'x'));
        arrived.raise();
      },
      options());
  TlsClient client(server.port);
  client.send(kGet);
  ASSERT_TRUE(arrived.wait());
  client.until("\r\n\r\n");
  EXPECT_EQ(client.until("x\r\n").size(), 7 + 300'000 + 2);  // "493e0\r\n", the chunk, its end
  exchange->write("more");
  EXPECT_EQ(client.until("more\r\n"), "4\r\nmore\r\n");
  client.close();
  EXPECT_TRUE(gone.wait());
}

TEST_F(HttpsServer, shrugs_off_a_client_that_speaks_plain_HTTP_or_nothing) {
  ServerOptions quick = options();
  quick.head_timeout = 400ms;  // a busy machine must manage a handshake in it
  Server server(echo, quick);
  Client plain(server.port), silent(server.port);
  plain.send(kGet);
  plain.rest();
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(TlsClient(server.port).connected());
  EXPECT_EQ(server.http.counts().requests, 0u);
}

std::string start_error(ServerOptions options) {
  HttpServer server(std::move(options), nullptr, echo);
  try {
    server.start();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST_F(HttpsServer, names_the_file_that_is_no_certificate_or_key) {
  const std::string text = folder_ / "text.pem", other = folder_ / "other.pem", other_key = folder_ / "other_key.pem";
  write_pem(text, [](std::FILE* out) { std::fputs("not PEM\n", out); });
  make_certificate(other, other_key);
  ServerOptions bad = options();
  bad.certificate_file = folder_ / "absent.pem";
  EXPECT_TRUE(start_error(bad).starts_with(bad.certificate_file + ": no usable PEM certificate: ")) << start_error(bad);
  bad = options();
  bad.key_file = text;
  EXPECT_TRUE(start_error(bad).starts_with(text + ": not the PEM private key of the certificate: "))
      << start_error(bad);
  bad.key_file = other_key;
  EXPECT_NE(start_error(bad).find("key values mismatch"), std::string::npos) << start_error(bad);
  bad.key_file.clear();
  EXPECT_EQ(start_error(bad), "TLS needs both a certificate file and a key file");
}

}  // namespace
}  // namespace shenbi::net
