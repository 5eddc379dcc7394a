// What the houses' errors are understood as. The bodies have the form of the houses' own pages of error codes.

#include "chat/upstream_error.h"

#include <gtest/gtest.h>

namespace shenbi::chat {
namespace {

Reason reason(int status, std::string_view body) { return read_error_facts(status, body).reason; }

TEST(ErrorFacts, a_refusal_for_safety_is_known_by_each_houses_word) {
  const std::string_view bodies[] = {
      R"({"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter","status":400,
          "innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
      R"({"error":{"message":"filtered","code":"odd","innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
      R"({"error":{"message":"Your request was rejected","type":"invalid_request_error",
          "code":"content_policy_violation"}})",
      R"({"code":"DataInspectionFailed","message":"Input data may contain inappropriate content.","request_id":"1"})",
      R"({"error":{"code":"data_inspection_failed","param":null,"message":"x","type":"data_inspection_failed"}})",
      R"({"contentFilter":[{"level":0,"role":"user"}],"error":{"code":"1301","message":"unsafe"}})",
      R"({"error":{"code":"SensitiveContentDetected.Violence","message":"x","param":"","type":"BadRequest"}})",
      R"({"error":{"message":"The request was rejected because it was considered high risk","type":"content_filter"}})",
      R"({"type":"error","error":{"type":"invalid_request_error",
          "message":"Output blocked by content filtering policy"}})",
      R"({"base_resp":{"status_code":1026,"status_msg":"input new_sensitive"}})"};
  for (const std::string_view body : bodies) EXPECT_EQ(reason(400, body), Reason::kContentFilter) << body;
  EXPECT_EQ(reason(403, R"({"error":{"code":403,"message":"m requires moderation. Your input was flagged"}})"),
            Reason::kContentFilter);
}

TEST(ErrorFacts, a_prompt_too_long_is_known_by_each_houses_word) {
  const std::string_view bodies[] = {
      R"({"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}})",
      R"({"object":"error","message":"This model's maximum context length is 8 tokens.","type":"BadRequestError",
          "param":null,"code":400})",
      R"({"type":"error","error":{"type":"invalid_request_error",
          "message":"prompt is too long: 214803 tokens > 200000 maximum"}})",
      R"({"error":{"code":400,"status":"INVALID_ARGUMENT",
          "message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}})",
      R"({"code":"InvalidParameter","message":"Range of input length should be [1, 30720]"})",
      R"({"error":{"code":400,"message":"the request exceeds it","type":"exceed_context_size_error"}})",
      R"({"error":{"code":"1261","message":"Prompt"}})",
      R"({"error_code":336103,"error_msg":"too long"})",
      R"({"error":{"code":"tokens_too_long","message":"m","type":"invalid_request_error"}})"};
  for (const std::string_view body : bodies) EXPECT_EQ(reason(400, body), Reason::kContextLength) << body;
  // Whoever breaks down has not refused.
  EXPECT_EQ(reason(500, R"({"error":{"message":"maximum context length table is broken"}})"), Reason::kUnsaid);
}

TEST(ErrorFacts, a_model_that_a_house_has_not_is_no_wrong_address) {
  const std::string_view bodies[] = {
      R"({"error":{"message":"The model `x` does not exist","type":"invalid_request_error","code":"model_not_found"}})",
      R"({"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404})",
      R"({"type":"error","error":{"type":"not_found_error","message":"model: claude-0"}})",
      R"({"error":{"code":404,"message":"models/x is not found for API version v1beta","status":"NOT_FOUND"}})",
      R"({"error":{"code":"1211","message":"no such model"}})",
      R"({"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}})",
      R"({"error":{"code":"InvalidEndpointOrModel.NotFound","message":"x","type":"NotFound"}})"};
  for (const std::string_view body : bodies) EXPECT_EQ(reason(404, body), Reason::kModelNotFound) << body;
  EXPECT_EQ(reason(404, R"({"detail":"Not Found"})"), Reason::kUnsaid);
  EXPECT_EQ(reason(404, R"({"error":{"message":"file model.txt was not found"}})"), Reason::kUnsaid);
  EXPECT_EQ(reason(404, "<html>"), Reason::kUnsaid);
}

TEST(ErrorFacts, what_concerns_our_account_is_told_apart) {
  const std::string_view bodies[] = {
      R"({"error":{"message":"You exceeded","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
      R"({"error":{"message":"Incorrect API key","type":"invalid_request_error","code":"invalid_api_key"}})",
      R"({"code":"Arrearage","message":"Access denied"})",
      R"({"error":{"code":"1113","message":"arrears"}})",
      R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to"}})",
      R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
          "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}})"};
  for (const std::string_view body : bodies) EXPECT_EQ(reason(400, body), Reason::kAccount) << body;
}

TEST(ErrorFacts, the_houses_own_words_are_kept_as_far_as_they_are_words) {
  const auto own = [](std::string_view code, std::string_view type, std::string_view param) {
    return ErrorFacts{.code = std::string(code), .type = std::string(type), .param = std::string(param)};
  };
  EXPECT_EQ(read_error_facts(400, R"({"error":{"message":"m","type":"invalid_request_error",
                                      "param":"messages[0].role","code":"invalid_value"}})"),
            own("invalid_value", "invalid_request_error", "messages[0].role"));
  EXPECT_EQ(read_error_facts(400, R"({"type":"error","error":{"type":"invalid_request_error","message":"m"}})"),
            own("", "invalid_request_error", ""));
  EXPECT_EQ(read_error_facts(400, R"([{"error":{"code":400,"message":"m","status":"FAILED_PRECONDITION",
                                      "details":[{"reason":"REGION"}]}}])"),
            own("REGION", "FAILED_PRECONDITION", ""));
  // A sentence, a number, what is no text, what is longer than any word.
  EXPECT_EQ(read_error_facts(400, R"({"error":{"message":"m","type":"a sentence","param":7,"code":"20015"}})"),
            ErrorFacts());
  EXPECT_EQ(read_error_facts(400, R"({"error":{"message":"m","code":")" + std::string(129, 'a') + R"("}})"),
            ErrorFacts());
  EXPECT_EQ(read_error_facts(400, R"({"error":{"message":"m","code":"a\"b\u0000"}})"), ErrorFacts());
  EXPECT_EQ(read_error_facts(400, "not JSON"), ErrorFacts());
  EXPECT_EQ(read_error_facts(400, R"({"choices":[]})"), ErrorFacts());
}

TEST(ErrorFacts, travel_in_the_event) {
  Event event{.kind = Event::Kind::kError};
  EXPECT_EQ(facts_of(event), ErrorFacts());
  const ErrorFacts facts{.reason = Reason::kContentFilter, .code = "a", .type = "b", .param = "c"};
  put_facts(event, facts);
  EXPECT_EQ(facts_of(event), facts);
  put_facts(event, {});
  EXPECT_TRUE(event.stop_string.empty());
  const Event thrown = error_event(ReasonedError(Code::kNotFound, Reason::kModelNotFound, "model 'x' is not here"));
  EXPECT_EQ(thrown.status, 404);
  EXPECT_EQ(facts_of(thrown).reason, Reason::kModelNotFound);
  EXPECT_TRUE(facts_of(error_event(Error(Code::kNotFound, "model 'x' is not here"))).empty());
}

}  // namespace
}  // namespace shenbi::chat
