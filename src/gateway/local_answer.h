#pragma once
// From the engine's token events to the neutral events of one answer: thinking and tool calls taken out of the text,
// log- probabilities carried beside it, usage counted.

#include <memory>
#include <string>
#include <vector>

#include "chat/answer_parser.h"
#include "engine/engine.h"
#include "gateway/provider.h"

namespace shenbi::gateway {

struct AnswerOptions {
  std::string model;
  uint64_t prompt_tokens = 0;
  bool logprobs = false, prompt_logprobs = false;
  std::vector<std::string> hidden_stops;     ///< stop strings of the prompt's form, which the caller did not ask for
  bool trim_start = false;                   ///< the prompt's form leaves a space in front of the answer
  const chat::ToolSyntax* syntax = nullptr;  ///< none: the text is passed on as it is
  chat::AnswerParser::Options parser;
};

class LocalAnswer {
 public:
  LocalAnswer(std::shared_ptr<const engine::Model> model, AnswerOptions options, EventSink sink);
  void waits(uint32_t ahead);
  void token(const engine::TokenEvent& event);
  void prompt(const std::vector<engine::PromptToken>& tokens);
  bool wants_prompt() const noexcept { return options_.prompt_logprobs; }

 private:
  void start(uint32_t cached);
  void pass_on(std::vector<chat::Event> events);
  void finish(const engine::TokenEvent& event);
  chat::TokenLogprob logprob(int32_t id, float value, const engine::Sampler::TopLogprobs* top) const;

  std::shared_ptr<const engine::Model> model_;
  AnswerOptions options_;
  EventSink sink_;
  std::unique_ptr<chat::AnswerParser> parser_;
  chat::Usage usage_;
  std::vector<chat::TokenLogprob> held_;  // of tokens whose text has not left yet
  uint32_t held_tokens_ = 0;
  bool started_ = false;
};

}  // namespace shenbi::gateway
