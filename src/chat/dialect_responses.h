#pragma once
// OpenAI's Responses: POST /v1/responses. Without a store: previous_response_id and conversation are refused by name,
// and the input carries the whole conversation.

#include <memory>

#include "chat/dialect.h"

namespace shenbi::chat {

struct OpenAiResponses {
  ChatRequest request;
  bool stream = false;
  OrderedJson echo;  ///< the fields that the answer repeats: instructions, tools, tool_choice, temperature, ...
};
OpenAiResponses parse_openai_responses(std::string_view body);

/// "response", or its events with their sequence numbers. head.id begins with "resp_". Thinking is an item of type
/// "reasoning" with "reasoning_text"; log-probabilities if include asks for "message.output_text.logprobs".
class OpenAiResponsesWriter final : public AnswerWriter {
 public:
  OpenAiResponsesWriter(const OpenAiResponses& call, AnswerHead head);
  ~OpenAiResponsesWriter() override;
  std::string push(const Event& event, uint32_t choice = 0) override;
  std::string body() const override;
  bool finished() const noexcept override;
  std::string_view content_type() const noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Errors outside a stream: openai_error().

}  // namespace shenbi::chat
