#include "gateway/local_answer.h"

#include <algorithm>

#include "base/error.h"

namespace shenbi::gateway {

using chat::Event;

LocalAnswer::LocalAnswer(std::shared_ptr<const engine::Model> model, AnswerOptions options, EventSink sink)
    : model_(std::move(model)), options_(std::move(options)), sink_(std::move(sink)) {
  if (options_.syntax) parser_ = std::make_unique<chat::AnswerParser>(*options_.syntax, std::move(options_.parser));
  usage_.prompt_tokens = options_.prompt_tokens;
}

chat::TokenLogprob LocalAnswer::logprob(int32_t id, float value, const engine::Sampler::TopLogprobs* top) const {
  chat::TokenLogprob out{.id = id, .bytes = model_->tokenizer->token_bytes(id), .logprob = value};
  if (!top) return out;
  for (const auto& [other, other_value] : *top) {
    out.top.emplace_back(other, other_value);
    out.top_bytes.push_back(model_->tokenizer->token_bytes(other));
  }
  return out;
}

void LocalAnswer::start(uint32_t cached) {
  if (started_) return;
  started_ = true;
  usage_.cached_tokens = cached;
  Event event{.kind = Event::Kind::kStart};
  event.usage = usage_;
  event.model = options_.model;
  sink_(std::move(event));
}

void LocalAnswer::waits(uint32_t ahead) {
  Event event{.kind = Event::Kind::kQueued};
  event.index = ahead;
  sink_(std::move(event));
}

void LocalAnswer::prompt(const std::vector<engine::PromptToken>& tokens) {
  start(0);
  Event event{.kind = Event::Kind::kPrompt};
  for (const engine::PromptToken& token : tokens) {
    auto one = logprob(token.id, token.logprob, token.top.empty() ? nullptr : &token.top);
    // A control token (bos) counts as a token of the prompt but is no part of its text.
    if (model_->tokenizer->token_kind(token.id) == tokenizers::TokenKind::kControl) one.bytes.clear();
    event.logprobs.push_back(std::move(one));
  }
  sink_(std::move(event));
}

void LocalAnswer::token(const engine::TokenEvent& event) {
  if (event.finish == engine::FinishReason::kFailed) {
    sink_(
        {.kind = Event::Kind::kError, .text = std::string(event.text), .status = code_info(event.failure).http_status});
    return;
  }
  start(event.cached_tokens);
  const bool end_token =
      event.id >= 0 && event.finish == engine::FinishReason::kStop && event.text.empty() && event.stop_string.empty();
  if (event.id >= 0) {
    ++usage_.completion_tokens;
    ++held_tokens_;
    if (parser_ && parser_->in_thinking()) ++usage_.reasoning_tokens;
    // The token that ends an answer is no part of it.
    if (options_.logprobs && !end_token) held_.push_back(logprob(event.id, event.logprob, event.top));
  }
  std::string_view text = event.text;
  if (options_.trim_start) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    options_.trim_start = text.empty();
  }
  if (!text.empty()) {
    if (parser_) {
      pass_on(parser_->push(text));
    } else {
      std::vector<Event> events(1);
      events[0].kind = Event::Kind::kText;
      events[0].text = std::string(text);
      pass_on(std::move(events));
    }
  }
  if (event.finish != engine::FinishReason::kNone) finish(event);
}

void LocalAnswer::pass_on(std::vector<Event> events) {
  for (Event& event : events) {
    const bool carries = event.kind == Event::Kind::kText || event.kind == Event::Kind::kThinking ||
                         event.kind == Event::Kind::kToolArguments;
    if (carries) {
      event.logprobs = std::move(held_);
      held_.clear();
      event.tokens = std::exchange(held_tokens_, 0);
    }
    sink_(std::move(event));
  }
}

void LocalAnswer::finish(const engine::TokenEvent& event) {
  if (parser_) pass_on(parser_->finish());
  if (!held_.empty()) {
    std::vector<Event> rest(1);
    rest[0].kind = Event::Kind::kText;
    pass_on(std::move(rest));
  }
  Event last{.kind = Event::Kind::kFinish};
  last.usage = usage_;
  last.queued = event.queued;
  last.begun = event.begun;
  last.model = options_.model;
  switch (event.finish) {
    case engine::FinishReason::kLength:
      last.finish = chat::Finish::kLength;
      break;
    case engine::FinishReason::kCancelled:
      last.finish = chat::Finish::kCancelled;
      break;
    default:
      last.finish = parser_ && parser_->saw_tool_call() ? chat::Finish::kToolCalls : chat::Finish::kStop;
  }
  const auto& hidden = options_.hidden_stops;
  if (std::find(hidden.begin(), hidden.end(), event.stop_string) == hidden.end()) last.stop_string = event.stop_string;
  sink_(std::move(last));
}

}  // namespace shenbi::gateway
