#pragma once
// Anthropic's Messages: POST /v1/messages, /v1/messages/count_tokens.

#include <memory>

#include "chat/dialect.h"

namespace shenbi::chat {

struct AnthropicMessages {
  ChatRequest request;
  bool stream = false;
};
/// `count_only`: the body of count_tokens, which needs no max_tokens.
AnthropicMessages parse_anthropic_messages(std::string_view body, bool count_only = false);

/// "message" or message_start, content_block_*, message_delta, message_stop. Thinking is a block with its signature.
class AnthropicWriter final : public AnswerWriter {
 public:
  AnthropicWriter(const AnthropicMessages& call, AnswerHead head);
  ~AnthropicWriter() override;
  std::string push(const Event& event, uint32_t choice = 0) override;
  std::string body() const override;
  bool finished() const noexcept override;
  std::string ping() const override;
  std::string_view content_type() const noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// {"input_tokens": n}
std::string anthropic_token_count(uint64_t tokens);
/// {"type": "error", "error": {"type", "message"}}. The API has no words for reasons; a type of the house's is kept.
std::string anthropic_error(int status, std::string_view message, const ErrorFacts& facts = {});
std::string anthropic_error(const Error& error);

}  // namespace shenbi::chat
