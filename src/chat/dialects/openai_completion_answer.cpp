// OpenAI's Completions: the answers. Log-probabilities are four lists side by side; offsets count characters.

#include <algorithm>

#include "base/utf8.h"
#include "chat/dialect_openai.h"
#include "chat/dialects/answer_parts.h"

namespace shenbi::chat {
namespace {

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string joined_bytes(const std::vector<TokenLogprob>& tokens) {
  std::string all;
  for (const TokenLogprob& token : tokens) all += token.bytes;
  return all;
}

}  // namespace

struct OpenAiCompletionWriter::Impl {
  AnswerHead head;
  bool stream, include_usage, echo, logprobs;
  uint32_t n;
  std::vector<std::string> prompts;  ///< echoed; empty where the events tell it
  std::vector<Collected> choices;
  std::vector<size_t> offsets;  ///< characters written so far of each choice, where offsets are asked for
  std::vector<bool> begun;
  bool failed = false;

  OrderedJson frame() const {
    return {{"id", head.id},
            {"object", "text_completion"},
            {"created", head.created},
            {"model", head.model},
            {"system_fingerprint", "shenbi"}};
  }

  OrderedJson token_lists(const std::vector<TokenLogprob>& tokens, size_t& offset, bool prompt) const {
    OrderedJson texts = OrderedJson::array(), values = texts, tops = texts, offsets = texts;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const TokenLogprob& token = tokens[i];
      const bool first = prompt && i == 0;  // nothing stands before it
      OrderedJson top = OrderedJson::object();
      for (size_t j = 0; j < token.top.size() && j < token.top_bytes.size(); ++j) {
        top[token_text(token.top_bytes[j])] = finite_logprob(token.top[j].second);
      }
      texts.push_back(token_text(token.bytes));
      values.push_back(first ? OrderedJson() : OrderedJson(finite_logprob(token.logprob)));
      tops.push_back(first ? OrderedJson() : std::move(top));
      offsets.push_back(offset);
      offset += characters(token.bytes);
    }
    return {{"tokens", texts}, {"token_logprobs", values}, {"top_logprobs", tops}, {"text_offset", offsets}};
  }

  OrderedJson choice_json(uint32_t choice, std::string text, OrderedJson tokens, OrderedJson finish) const {
    return {{"index", choice},
            {"text", std::move(text)},
            {"logprobs", std::move(tokens)},
            {"finish_reason", std::move(finish)}};
  }

  std::string chunk(OrderedJson choice, std::string_view warning = {}) const {
    OrderedJson json = frame();
    json["choices"] = OrderedJson::array({std::move(choice)});
    if (include_usage) json["usage"] = nullptr;
    if (!warning.empty()) json["warnings"] = OrderedJson::array({warning});
    return sse(json);
  }

  /// The prompt in front of the first text: known from the request, or told by kPrompt.
  std::string streamed_prompt(uint32_t choice, const Event& event) {
    if (!echo || begun[choice] || event.kind == Event::Kind::kStart) return {};
    begun[choice] = true;
    const bool told = event.kind == Event::Kind::kPrompt;
    const std::string text = told ? joined_bytes(event.logprobs) : prompts[choice / n];
    OrderedJson tokens;
    if (told && logprobs) tokens = token_lists(event.logprobs, offsets[choice], true);
    return chunk(choice_json(choice, token_text(text), tokens, nullptr));
  }

  std::string streamed(const Event& event, uint32_t choice) {
    std::string out = streamed_prompt(choice, event);
    if (event.kind == Event::Kind::kText || event.kind == Event::Kind::kThinking) {
      OrderedJson tokens;
      if (logprobs) tokens = token_lists(event.logprobs, offsets[choice], false);
      out += chunk(choice_json(choice, event.text, tokens, nullptr));
    } else if (event.kind == Event::Kind::kFinish) {
      out += chunk(choice_json(choice, "", nullptr, openai_finish(event.finish)));
    } else if (event.kind == Event::Kind::kWarning) {
      out += chunk(choice_json(choice, "", nullptr, nullptr), event.text);
    }
    return out;
  }

  OrderedJson whole(uint32_t choice) const {
    const Collected& one = choices[choice];
    std::string text = one.text;
    if (echo) text = token_text(one.prompt.empty() ? prompts[choice / n] : joined_bytes(one.prompt)) + text;
    OrderedJson tokens;
    if (logprobs) {
      size_t offset = 0;
      std::vector<TokenLogprob> all = echo ? one.prompt : std::vector<TokenLogprob>();
      const bool prompt = !all.empty();
      all.insert(all.end(), one.logprobs.begin(), one.logprobs.end());
      tokens = token_lists(all, offset, prompt);
    }
    return choice_json(choice, std::move(text), std::move(tokens), openai_finish(one.finish));
  }

  Usage usage() const {
    Usage total;
    for (size_t first = 0; first < choices.size(); first += n) {
      const auto begin = choices.begin() + static_cast<ptrdiff_t>(first);
      const Usage one = total_usage({begin, begin + static_cast<ptrdiff_t>(n)});
      total.prompt_tokens += one.prompt_tokens;
      total.cached_tokens += one.cached_tokens;
      total.completion_tokens += one.completion_tokens;
      total.reasoning_tokens += one.reasoning_tokens;
    }
    return total;
  }
};

OpenAiCompletionWriter::OpenAiCompletionWriter(const OpenAiCompletion& call, AnswerHead head) {
  const size_t count = call.requests.size() * call.n;
  std::vector<std::string> prompts(call.requests.size());
  for (size_t i = 0; call.echo && i < prompts.size(); ++i) prompts[i] = call.requests[i].prompt;
  const bool logprobs = !call.requests.empty() && call.requests[0].logprobs;
  impl_.reset(new Impl{std::move(head), call.stream, call.include_usage, call.echo, logprobs, call.n,
                       std::move(prompts), std::vector<Collected>(count), std::vector<size_t>(count),
                       std::vector<bool>(count)});
}

OpenAiCompletionWriter::~OpenAiCompletionWriter() = default;

std::string OpenAiCompletionWriter::push(const Event& event, uint32_t choice) {
  Impl& impl = *impl_;
  Collected& one = impl.choices.at(choice);
  if (impl.failed || one.ended) return {};
  const bool summed = event.kind == Event::Kind::kStart || event.kind == Event::Kind::kFinish;
  if (event.kind == Event::Kind::kError) {
    impl.failed = true;
    status_ = event.status;
    one.add(event);
    return impl.stream ? "data: " + openai_error(event.status, event.text, facts_of(event)) + "\n\ndata: [DONE]\n\n"
                       : "";
  }
  if (!impl.stream || summed) one.add(event);
  if (!impl.stream) return {};
  std::string out = impl.streamed(event, choice);
  if (!finished()) return out;
  if (impl.include_usage) {
    OrderedJson json = impl.frame();
    json["choices"] = OrderedJson::array();
    json["usage"] = openai_usage(impl.usage());
    out += sse(json);
  }
  return out + "data: [DONE]\n\n";
}

std::string OpenAiCompletionWriter::body() const {
  const Impl& impl = *impl_;
  OrderedJson json = impl.frame();
  json["choices"] = OrderedJson::array();
  OrderedJson warnings = OrderedJson::array();
  for (uint32_t i = 0; i < impl.choices.size(); ++i) {
    const Collected& one = impl.choices[i];
    if (one.finish == Finish::kError) return openai_error(one.error_status, one.error, one.facts);
    json["choices"].push_back(impl.whole(i));
    for (const std::string& warning : one.warnings) warnings.push_back(warning);
  }
  json["usage"] = openai_usage(impl.usage());
  if (!warnings.empty()) json["warnings"] = std::move(warnings);
  return dumped(json);
}

bool OpenAiCompletionWriter::finished() const noexcept {
  return impl_->failed ||
         std::all_of(impl_->choices.begin(), impl_->choices.end(), [](const Collected& one) { return one.ended; });
}

std::string_view OpenAiCompletionWriter::content_type() const noexcept {
  return impl_->stream ? "text/event-stream" : "application/json";
}

}  // namespace shenbi::chat
