// What breaks the rules of framing, byte by byte: each is refused, the connection closes, and what follows on it is
// never taken for a request.

#include <fmt/format.h>

#include <atomic>
#include <vector>

#include "base/limits.h"
#include "net/server_parser.h"
#include "net/test_client.h"

namespace shenbi::net {
namespace {

using namespace testing;
using namespace std::string_literals;

struct Hostile {
  const char* name;
  std::string bytes;
  int status = 400;
};

const std::string kPost = "POST / HTTP/1.1\r\nHost: x\r\n";
const std::string kChunks = kPost + "Transfer-Encoding: chunked\r\n\r\n";
// What an attacker hopes to have served as a request of its own.
const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

std::vector<Hostile> framing_cases() {
  return {
      {"length_and_chunks", kPost + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"chunks_and_length", kPost + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"},
      {"two_lengths", kPost + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n"},
      {"the_same_length_twice", kPost + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"},
      {"a_list_of_lengths", kPost + "Content-Length: 0, 0\r\n\r\n"},
      {"a_length_with_a_sign", kPost + "Content-Length: +0\r\n\r\n"},
      {"a_negative_length", kPost + "Content-Length: -1\r\n\r\n"},
      {"a_hexadecimal_length", kPost + "Content-Length: 0x0\r\n\r\n"},
      {"an_empty_length", kPost + "Content-Length:\r\n\r\n"},
      {"a_length_beyond_64_bits", kPost + "Content-Length: 18446744073709551616\r\n\r\n"},
      {"an_unknown_coding", kPost + "Transfer-Encoding: xchunked\r\n\r\n"},
      {"a_coding_before_chunked", kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {"a_coding_after_chunked", kPost + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
      {"chunked_twice", kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"chunked_with_a_vertical_tab", kPost + "Transfer-Encoding: \x0b"
                                              "chunked\r\n\r\n0\r\n\r\n"},
      {"chunks_in_HTTP_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"a_chunk_size_that_is_none", kChunks + "g\r\n"},
      {"a_chunk_size_with_a_prefix", kChunks + "0x1\r\na\r\n0\r\n\r\n"},
      {"a_chunk_size_with_a_sign", kChunks + "-1\r\n"},
      {"a_chunk_size_beyond_64_bits", kChunks + "10000000000000000\r\n"},
      {"a_chunk_longer_than_its_size", kChunks + "3\r\nabcd\r\n0\r\n\r\n"},
      {"a_chunk_that_ends_in_LF", kChunks + "3\r\nabc\n0\r\n\r\n"},
      {"a_chunk_line_that_ends_in_LF", kChunks + "3\nabc\r\n0\r\n\r\n"},
      {"a_chunk_line_without_end", kChunks + "3;" + std::string(limits::kMaxChunkLineBytes + 1, 'a')},
      {"a_trailer_without_end", kChunks + "0\r\nA: " + std::string(limits::kMaxChunkLineBytes + 1, 'a')},
      {"a_length_in_the_trailer", kChunks + "0\r\nContent-Length: 5\r\n\r\n"},
      {"a_bare_CR_in_a_value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"},
      {"a_NUL_in_a_value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s},
      {"an_escape_in_a_value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\x1b[2J\r\n\r\n"},
      {"lines_that_end_in_LF", "GET / HTTP/1.1\nHost: x\n\n"},
      {"one_line_that_ends_in_LF", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"},
      {"a_folded_line", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"},
      {"a_folded_first_line", "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
      {"a_space_before_the_colon", kPost + "Content-Length : 5\r\n\r\n"},
      {"a_header_without_name", "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n"},
      {"a_header_without_colon", "GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"},
      {"a_header_name_of_two_words", "GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n"},
      {"no_host", "GET / HTTP/1.1\r\n\r\n"},
      {"two_hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"},
      {"a_host_with_user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
      {"a_host_with_path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {"an_expectation_nobody_knows", kPost + "Expect: miracles\r\nContent-Length: 5\r\n\r\n", 417},
      {"HTTP_0_9", "GET /\r\n"},
      {"HTTP_2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"HTTP_1_2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n"},
      {"a_version_in_lower_case", "GET / http/1.1\r\nHost: x\r\n\r\n"},
      {"two_spaces_in_the_first_line", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"no_method", " / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a_TLS_greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s},
      {"bytes_of_zero", std::string(16, '\0')},
      {"three_empty_lines_first", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
  };
}

std::vector<Hostile> target_cases() {
  std::vector<Hostile> out;
  const auto add = [&](const char* name, const std::string& target) {
    out.push_back({name, "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"});
  };
  add("absolute_form", "http://x/");
  add("authority_form", "x:443");
  add("asterisk_form", "*");
  add("no_slash", "a");
  add("parent", "/a/../b");
  add("parent_at_the_end", "/a/..");
  add("escaped_parent", "/%2e%2e/etc/passwd");
  add("half_escaped_parent", "/a/.%2E/b");
  add("escaped_slash_parent", "/a%2f..%2fb");
  add("here", "/./a");
  add("empty_segment", "/a//b");
  add("two_slashes_first", "//host/a");
  add("escaped_NUL", "/a%00.png");
  add("escaped_line_end", "/a%0d%0aSet-Cookie:x");
  add("backslash_parent", "/..\\..\\windows");
  add("escaped_backslash", "/a%5c..%5cb");
  add("half_an_escape", "/a%2");
  add("an_escape_of_no_digits", "/a%zz");
  add("broken_UTF_8", "/a%ff");
  add("overlong_slash", "/a%c0%af..");
  add("fragment", "/a#b");
  return out;
}

void expect_refused(const std::vector<Hostile>& cases) {
  std::atomic<int> served{0};
  Server server([&](ServerRequest, ExchangePtr exchange) {
    ++served;
    exchange->send({200, {}, ""});
  });
  for (const Hostile& hostile : cases) {
    SCOPED_TRACE(hostile.name);
    Client client(server.port);
    client.send(hostile.bytes + kSmuggled);
    const Reply reply = client.read();
    EXPECT_EQ(reply.status, hostile.status);
    EXPECT_EQ(Json::parse(reply.body)["error"]["type"], "invalid_request_error");
    EXPECT_EQ(reply.headers.at("Connection"), "close");
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(served, 0);
  EXPECT_EQ(server.http.counts().bad_requests, cases.size());
}

TEST(HttpFraming, what_two_readers_could_understand_differently_is_refused) { expect_refused(framing_cases()); }

TEST(HttpTarget, what_leads_out_of_the_tree_or_is_no_path_is_refused) { expect_refused(target_cases()); }

TEST(HttpFraming, the_verdict_does_not_depend_on_how_the_bytes_are_packed) {
  for (const Hostile& hostile : framing_cases()) {
    SCOPED_TRACE(hostile.name);
    RequestParser parser(64 << 10, 1 << 20);
    std::string input;
    bool in_body = false;
    for (const char c : hostile.bytes + kSmuggled) {
      input += c;
      input.erase(0, in_body ? parser.read_body(input) : parser.read_head(input));
      if (!in_body && parser.step() == RequestParser::Step::kDone) {
        in_body = true;
        input.erase(0, parser.read_body(input));
      }
      ASSERT_FALSE(in_body && parser.step() == RequestParser::Step::kDone);
      if (parser.step() == RequestParser::Step::kRefused) break;
    }
    EXPECT_EQ(parser.step(), RequestParser::Step::kRefused);
    EXPECT_EQ(parser.refusal().status, hostile.status) << parser.refusal().message;
  }
}

// Found by the test above: the parser below asserts on four bytes of this.
TEST(HttpFraming, an_empty_chunked_body_may_come_byte_by_byte) {
  Server server;
  Client client(server.port);
  for (const char c : kChunks + "0\r\n\r\n") ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(Json::parse(client.read().body)["body"], "");
}

TEST(HttpTarget, decodes_what_is_harmless) {
  std::string path, query;
  EXPECT_EQ(read_target("/", path, query), "");
  EXPECT_EQ(path, "/");
  EXPECT_EQ(read_target("/a/", path, query), "");
  EXPECT_EQ(path, "/a/");
  EXPECT_EQ(read_target("/%E4%B8%AD/..a/.b/c..?../x", path, query), "");
  EXPECT_EQ(path, "/中/..a/.b/c..");
  EXPECT_EQ(query, "../x");
  EXPECT_EQ(read_target("/%252e%252e/", path, query), "");  // decoded once, not twice
  EXPECT_EQ(path, "/%2e%2e/");
}

TEST(HttpLimits, a_body_over_the_bound_gets_413_before_it_is_read) {
  Server server(echo, {.max_body_bytes = 10});
  Client exact(server.port);
  EXPECT_EQ(exact.ask(kPost + "Content-Length: 10\r\n\r\n0123456789").status, 200);
  EXPECT_EQ(exact.ask(kChunks + "a\r\n0123456789\r\n0\r\n\r\n").status, 200);
  for (const std::string& bytes : {kPost + "Content-Length: 11\r\n\r\n", kChunks + "b\r\n01",
                                   kChunks + "6\r\n012345\r\n5\r\n", kChunks + "ffffffffffffffff\r\n"}) {
    Client client(server.port);
    EXPECT_EQ(client.ask(bytes).status, 413) << bytes;
    EXPECT_TRUE(client.closed());
  }
}

TEST(HttpLimits, bodies_that_are_too_long_together_get_503) {
  Server server(echo, {.max_unhandled_bytes = 1000});
  Client first(server.port), second(server.port);
  first.send(kPost + "Content-Length: 700\r\nExpect: 100-continue\r\n\r\n");
  first.until("\r\n\r\n");
  first.send(std::string(600, 'a'));
  // A body in work counts from its first byte on, so the second is let in or not by what the first has sent.
  ASSERT_TRUE(eventually([&] {
    return Client(server.port).ask(kPost + "Content-Length: 500\r\n\r\n" + std::string(500, 'b')).status == 503;
  }));
  EXPECT_EQ(second.ask(kPost + "Content-Length: 300\r\n\r\n" + std::string(300, 'c')).status, 200);
  first.send(std::string(100, 'a'));
  EXPECT_EQ(first.read().status, 200);
  EXPECT_EQ(second.ask(kPost + "Content-Length: 900\r\n\r\n" + std::string(900, 'd')).status, 200);
}

TEST(HttpLimits, a_head_over_the_bound_gets_431) {
  Server server(echo, {.max_head_bytes = 4096});
  const std::string begin = "GET / HTTP/1.1\r\nHost: x\r\nA: ", end = "\r\n\r\n";
  Client exact(server.port);
  EXPECT_EQ(exact.ask(begin + std::string(4096 - begin.size() - end.size(), 'a') + end).status, 200);
  EXPECT_EQ(exact.ask(begin + std::string(4097 - begin.size() - end.size(), 'a') + end).status, 431);
  EXPECT_TRUE(exact.closed());
  Client endless(server.port);
  EXPECT_EQ(endless.ask(begin + std::string(5000, 'a')).status, 431);
  Client target(server.port);
  EXPECT_EQ(target.ask("GET /" + std::string(5000, 'a')).status, 431);
}

TEST(HttpLimits, too_many_headers_get_431) {
  Server server;
  std::string head = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (uint64_t i = 1; i < limits::kMaxHttpHeaders; ++i) head += fmt::format("A{}: b\r\n", i);
  Client client(server.port);
  EXPECT_EQ(client.ask(head + "\r\n").status, 200);
  EXPECT_EQ(client.ask(head + "One: more\r\n\r\n").status, 431);
  Client flood(server.port);
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 100'000; ++i) many += "A:\r\n";
  flood.send(many);
  EXPECT_EQ(flood.read().status, 431);
}

}  // namespace
}  // namespace shenbi::net
