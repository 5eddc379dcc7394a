#include "net/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::net {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kType = "multipart/form-data; boundary=XX";

std::string part(const std::string& headers, const std::string& content) {
  return "--XX\r\n" + headers + "\r\n\r\n" + content + "\r\n";
}

std::string field(const std::string& name, const std::string& content) {
  return part("Content-Disposition: form-data; name=\"" + name + "\"", content);
}

std::string refusal(std::string_view type, const std::string& body) {
  try {
    parse_multipart(type, body);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "was accepted";
}

TEST(Multipart, fields_and_files_come_in_order_with_their_bytes) {
  const std::string bytes("\r\n\0--X\r\n--\r\n", 12);
  const std::string body =
      field("purpose", "batch") +
      part("content-disposition: Form-Data; name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: text/plain", bytes) +
      field("empty", "") + "--XX--\r\n";
  const auto parts = parse_multipart(kType, body);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].name, "purpose");
  EXPECT_EQ(parts[0].content, "batch");
  EXPECT_FALSE(parts[0].filename);
  EXPECT_EQ(parts[1].filename, "a.jsonl");
  EXPECT_EQ(parts[1].content_type, "text/plain");
  EXPECT_EQ(parts[1].content, bytes);
  EXPECT_EQ(parts[2].content, "");
}

TEST(Multipart, names_are_read_as_browsers_and_curl_write_them) {
  const auto name_of = [](const std::string& parameters) {
    const std::string body = part("Content-Disposition: form-data; " + parameters, "x") + "--XX--";
    return parse_multipart(R"(Multipart/Form-Data; charset=utf-8; boundary="XX")", body).at(0).filename.value_or("-");
  };
  EXPECT_EQ(name_of(R"(name=file; filename=plain.txt)"), "plain.txt");
  EXPECT_EQ(name_of(R"(name="file"; filename="a%22b%0D%0A.txt")"), "a\"b\r\n.txt");
  EXPECT_EQ(name_of(R"(name="file"; filename="a\"b\\c.txt")"), "a\"b\\c.txt");
  EXPECT_EQ(name_of(R"(name="file"; filename="C:\x;y.txt")"), "C:\\x;y.txt");
  EXPECT_EQ(name_of(R"(name="file"; filename="神笔.jsonl")"), "神笔.jsonl");
}

TEST(Multipart, what_two_readers_could_read_differently_is_refused) {
  const std::string end = "--XX--\r\n", good = field("a", "1");
  EXPECT_THAT(refusal("application/json", good + end),
              HasSubstr("expected multipart/form-data, found application/json"));
  EXPECT_THAT(refusal("", good + end), HasSubstr("no Content-Type"));
  EXPECT_THAT(refusal("multipart/form-data", good + end), HasSubstr("boundary"));
  EXPECT_THAT(refusal("multipart/form-data; boundary=" + std::string(71, 'X'), good + end), HasSubstr("boundary"));
  EXPECT_THAT(refusal(kType, "preamble\r\n" + good + end), HasSubstr("does not begin"));
  EXPECT_THAT(refusal(kType, good + end + "epilogue"), HasSubstr("behind the last"));
  EXPECT_THAT(refusal(kType, good + "--XXY\r\n"), HasSubstr("a boundary's line goes on"));
  EXPECT_THAT(refusal(kType, good), HasSubstr("does not end"));
  EXPECT_THAT(refusal(kType, part("Content-Disposition: form-data; name=\"a\"\nX: y", "1") + end),
              HasSubstr("control character"));
  EXPECT_THAT(refusal(kType, "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1"), HasSubstr("does not end"));
  EXPECT_THAT(refusal(kType, end), HasSubstr("no part"));
  EXPECT_THAT(refusal(kType, part("Content-Type: text/plain", "1") + end), HasSubstr("without Content-Disposition"));
  EXPECT_THAT(refusal(kType, part("Content-Disposition: form-data", "1") + end), HasSubstr("without a name"));
  EXPECT_THAT(refusal(kType, part("Content-Disposition: attachment; name=\"a\"", "1") + end),
              HasSubstr("not form-data"));
  EXPECT_THAT(refusal(kType, part("Content-Disposition: form-data; name=\"a\"; name=\"b\"", "1") + end),
              HasSubstr("twice"));
  EXPECT_THAT(refusal(kType, part("Content-Disposition: form-data; name=\"a\"; filename*=utf-8''b", "1") + end),
              HasSubstr("filename*"));
  EXPECT_THAT(refusal(kType, part("Content-Disposition: form-data; name=\"a\r\n\r\n", "1") + end),
              HasSubstr("does not end"));
  EXPECT_THAT(
      refusal(kType,
              part("Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64", "1") + end),
      HasSubstr("base64"));
}

TEST(Multipart, parts_and_their_headers_are_bounded) {
  std::string many;
  for (size_t i = 0; i <= limits::kMaxMultipartParts; ++i) many += field("a", "1");
  EXPECT_THAT(refusal(kType, many + "--XX--"), HasSubstr("more than"));
  const std::string long_head = "X: " + std::string(limits::kMaxMultipartHeadBytes, 'x');
  EXPECT_THAT(refusal(kType, part(long_head, "1") + "--XX--"), HasSubstr("do not end within"));
}

}  // namespace
}  // namespace shenbi::net
