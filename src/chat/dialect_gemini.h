#pragma once
// Google's generateContent: POST /v1beta/models/{model}:generateContent, :streamGenerateContent, :countTokens. The
// model and whether to stream stand in the path, so they are given beside the body. Field names in either case (topK,
// top_k).

#include <memory>

#include "chat/dialect.h"

namespace shenbi::chat {

struct GeminiGenerate {
  ChatRequest request;
  uint32_t n = 1;
  bool stream = false;
  bool sse = true;               ///< a stream of SSE events (?alt=sse), else one JSON array
  bool include_thoughts = true;  ///< thinkingConfig.includeThoughts
};
GeminiGenerate parse_gemini_generate(std::string_view body, std::string_view model, bool stream, bool sse = true);
/// The body of countTokens: {"contents"} or {"generateContentRequest"}.
GeminiGenerate parse_gemini_count(std::string_view body, std::string_view model);

/// GenerateContentResponse, whole or in pieces. A piece is a whole response: calls go out when they are complete.
class GeminiWriter final : public AnswerWriter {
 public:
  GeminiWriter(const GeminiGenerate& call, AnswerHead head);
  ~GeminiWriter() override;
  std::string push(const Event& event, uint32_t choice = 0) override;
  std::string body() const override;
  bool finished() const noexcept override;
  std::string ping() const override;
  std::string_view content_type() const noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// {"totalTokens": n}
std::string gemini_token_count(uint64_t tokens);
/// {"error": {"code", "message", "status"}}; where there is a reason, with an ErrorInfo of Google's (AIP-193) in
/// "details":
/// {"@type", "reason", "domain"}.
std::string gemini_error(int status, std::string_view message, const ErrorFacts& facts = {});
std::string gemini_error(const Error& error);

}  // namespace shenbi::chat
