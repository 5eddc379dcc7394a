// Against what the houses' own libraries made of the same requests (tools/make_signatures.py).

#include "gateway/signers.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace shenbi::gateway {
namespace {

nlohmann::json golden() {
  std::ifstream in(SHENBI_SOURCE_DIR "/tests/golden/gateway/signatures.json");
  return nlohmann::json::parse(in);
}

std::string header(const net::ClientRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Signers, the_signature_of_AWS_is_that_of_its_own_library) {
  const auto cases = golden().at("aws");
  ASSERT_GE(cases.size(), 4u);
  for (const auto& one : cases) {
    net::ClientRequest request{.method = one.at("method"), .url = one.at("url"), .body = one.at("body")};
    if (!request.body.empty()) request.headers = {{"Content-Type", "application/json"}};
    aws_signature(one.at("service"))(request, {.key = one.at("key"), .settings = {{"region", one.at("region")}}},
                                     one.at("now"));
    EXPECT_EQ(header(request, "X-Amz-Date"), one.at("date").get<std::string>()) << one;
    EXPECT_EQ(header(request, "Authorization"), one.at("authorization").get<std::string>()) << one;
  }
}

TEST(Signers, the_token_of_Zhipu_is_that_of_its_own_library) {
  const auto cases = golden().at("zhipu");
  ASSERT_GE(cases.size(), 3u);
  for (const auto& one : cases) {
    net::ClientRequest request;
    zhipu_token()(request, {.key = one.at("key"), .settings = {}}, one.at("now"));
    EXPECT_EQ(header(request, "Authorization"), one.at("authorization").get<std::string>()) << one;
  }
}

TEST(Signers, the_signature_of_Tencent_is_that_of_its_own_library) {
  const auto cases = golden().at("tencent");
  ASSERT_GE(cases.size(), 4u);
  for (const auto& one : cases) {
    net::ClientRequest request{
        .url = one.at("url"), .headers = {{"Content-Type", "application/json"}}, .body = one.at("body")};
    tc3_signature("hunyuan")(request, {.key = one.at("key"), .settings = {}}, one.at("now"));
    EXPECT_EQ(header(request, "X-TC-Timestamp"), one.at("timestamp").get<std::string>()) << one;
    EXPECT_EQ(header(request, "X-TC-Region"), "") << one;
    EXPECT_EQ(header(request, "Authorization"), one.at("authorization").get<std::string>()) << one;
  }
}

TEST(Signers, the_signature_of_Volcengine_is_that_of_its_own_library) {
  const auto cases = golden().at("volcengine");
  ASSERT_GE(cases.size(), 4u);
  for (const auto& one : cases) {
    net::ClientRequest request{
        .url = one.at("url"), .headers = {{"Content-Type", "application/json"}}, .body = one.at("body")};
    volc_signature(one.at("service"), one.at("region"))(request, {.key = one.at("key"), .settings = {}}, one.at("now"));
    EXPECT_EQ(header(request, "X-Date"), one.at("date").get<std::string>()) << one;
    EXPECT_EQ(header(request, "X-Content-Sha256"), one.at("digest").get<std::string>()) << one;
    EXPECT_EQ(header(request, "Authorization"), one.at("authorization").get<std::string>()) << one;
  }
}

TEST(Signers, the_address_of_iFlytek_is_that_of_its_own_library) {
  const auto cases = golden().at("iflytek");
  ASSERT_GE(cases.size(), 4u);
  for (const auto& one : cases) {
    net::ClientRequest request{.url = one.at("url")};
    iflytek_address()(request, {.key = one.at("key"), .settings = {}}, one.at("now"));
    EXPECT_EQ(request.url, one.at("signed").get<std::string>()) << one;
  }
}

TEST(Signers, a_region_of_Tencent_is_named_if_the_account_has_one) {
  net::ClientRequest request{.url = "https://hunyuan.tencentcloudapi.com"};
  tc3_signature("hunyuan")(request, {.key = "id:secret", .settings = {{"region", "ap-guangzhou"}}}, 0);
  EXPECT_EQ(header(request, "X-TC-Region"), "ap-guangzhou");
}

TEST(Signers, a_key_that_cannot_sign_is_told_without_being_shown) {
  for (const char* key : {"", "whole", ".half", "half.", "a\".b"}) {
    net::ClientRequest request;
    try {
      zhipu_token()(request, {.key = key, .settings = {}}, 0);
      ADD_FAILURE() << key;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("whole"), std::string::npos);
    }
  }
  net::ClientRequest request{.url = "https://a.example/"};
  EXPECT_THROW(aws_signature("bedrock")(request, {.key = "whole", .settings = {{"region", "r"}}}, 0), Error);
  for (const Authorise& sign : {tc3_signature("s"), volc_signature("s", "r"), iflytek_address()}) {
    for (const char* key : {"", "whole", ":half", "half:"}) EXPECT_THROW(sign(request, {.key = key}, 0), Error) << key;
  }
}

TEST(Signers, base64_for_addresses_has_no_padding) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("\xff\xef\xbe"), "_---");
  EXPECT_EQ(base64("\xff\xef\xbe"), "/+++");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("f"), "Zg==");
}

}  // namespace
}  // namespace shenbi::gateway
