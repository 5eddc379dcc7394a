#pragma once
// OpenAI's Chat Completions and Completions: POST /v1/chat/completions, /v1/completions. Also what vLLM and llama.cpp
// add to them: top_k, min_p, repetition_penalty, guided_*, chat_template_kwargs, ...

#include <memory>
#include <optional>

#include "chat/dialect.h"

namespace shenbi::chat {

struct OpenAiChat {
  ChatRequest request;
  uint32_t n = 1;
  bool stream = false, include_usage = false;
};
OpenAiChat parse_openai_chat(std::string_view body);

struct OpenAiCompletion {
  std::vector<CompletionRequest> requests;  ///< one a prompt
  uint32_t n = 1;                           ///< answers to each; choice index = prompt * n + answer
  bool stream = false, include_usage = false, echo = false;
  uint32_t logprobs = 0;  ///< of so many best tokens; the requests say whether at all
};
OpenAiCompletion parse_openai_completion(std::string_view body);

/// "chat.completion" or its chunks. Thinking goes out as "reasoning_content", log-probabilities with their bytes.
class OpenAiChatWriter final : public AnswerWriter {
 public:
  OpenAiChatWriter(const OpenAiChat& call, AnswerHead head);
  ~OpenAiChatWriter() override;
  void prepare() override;
  std::string push(const Event& event, uint32_t choice = 0) override;
  std::string body() const override;
  bool finished() const noexcept override;
  std::string_view content_type() const noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "text_completion".
class OpenAiCompletionWriter final : public AnswerWriter {
 public:
  OpenAiCompletionWriter(const OpenAiCompletion& call, AnswerHead head);
  ~OpenAiCompletionWriter() override;
  std::string push(const Event& event, uint32_t choice = 0) override;
  std::string body() const override;
  bool finished() const noexcept override;
  std::string_view content_type() const noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// {"error": {"message", "type", "param", "code"}}. `code` is OpenAI's word for the reason, or the house's own; `param`
/// the house's own, or the field in front of our message's first ':', if it looks like one.
std::string openai_error(int status, std::string_view message, const ErrorFacts& facts = {});
/// As openai_error() says it, "" for none.
std::string openai_error_code(int status, const ErrorFacts& facts);
std::string openai_error(const Error& error);

}  // namespace shenbi::chat
