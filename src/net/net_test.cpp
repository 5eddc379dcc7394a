#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

#include "base/error.h"
#include "net/address.h"
#include "net/http.h"
#include "net/sha256.h"

namespace shenbi::net {
namespace {

bool is_private(const char* text) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, text, &v4->sin_addr) == 1)
    v4->sin_family = AF_INET;
  else if (::inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
    v6->sin6_family = AF_INET6;
  else
    ADD_FAILURE() << text;
  return is_private_address(reinterpret_cast<sockaddr&>(storage));
}

}  // namespace

TEST(Address, knows_every_private_range_also_behind_ipv4_mapped_forms) {
  for (const char* text :
       {"127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0.0.0.0",
        "169.254.169.254", "100.64.0.1", "::1", "::", "fe80::1", "fd00::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(is_private(text)) << text;
  }
  for (const char* text : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:4860:4860::8888", "::ffff:8.8.8.8"}) {
    EXPECT_FALSE(is_private(text)) << text;
  }
}

TEST(Http, refuses_addresses_that_are_not_http) {
  EXPECT_THROW(get("file:///etc/passwd"), Error);
  EXPECT_THROW(get("gopher://127.0.0.1/"), Error);
  EXPECT_THROW(get("not a url"), Error);
}

TEST(Http, an_address_where_nobody_listens_is_an_error_that_names_the_host) {
  try {
    get("http://127.0.0.1:1/");  // port 1 (tcpmux) is never served
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kUpstream);
    EXPECT_NE(std::string(error.what()).find("127.0.0.1"), std::string::npos);
  }
}

TEST(Http, encodes_what_a_path_may_not_hold) { EXPECT_EQ(encode_path("a b/中?.gguf"), "a%20b/%E4%B8%AD%3F.gguf"); }

TEST(Http, decodes_what_is_percent_encoded_and_leaves_the_rest) {
  EXPECT_EQ(decode_path("My%20Model%2e%E4%B8%AD"), "My Model.中");
  EXPECT_EQ(decode_path("%"), "%");
  EXPECT_EQ(decode_path("%4"), "%4");
  EXPECT_EQ(decode_path("%zz%-1%+1% 1"), "%zz%-1%+1% 1");
}

TEST(Sha256, equals_the_published_answer) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span("abc", 3)));
  EXPECT_EQ(hash.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, a_digest_is_64_lower_case_digits_and_nothing_else) {
  EXPECT_TRUE(is_sha256_hex(std::string(64, 'a')));
  EXPECT_FALSE(is_sha256_hex(std::string(64, 'A')));
  EXPECT_FALSE(is_sha256_hex("../../../etc/passwd"));
  EXPECT_FALSE(is_sha256_hex(std::string(63, 'a') + "/"));
}

}  // namespace shenbi::net
