// Chat Completions and Completions as a client reads them, in the variants that houses are known to write:
//
//   usage                 in a last chunk without choices (OpenAI), in the last chunk with one, in each, in
//                         choices[0].usage (Moonshot)
//   cached tokens         prompt_tokens_details.cached_tokens, prompt_cache_hit_tokens (DeepSeek), cached_tokens
//   thinking              reasoning_content, reasoning, parts of type "thinking" in a list of content (Mistral)
//   first chunk           empty choices, with what a filter found in the prompt (Azure)
//   calls                 without index, all with index 0 and ids of their own, arguments as an object
//   the end               without [DONE], without finish_reason before [DONE]
//   last chunk            the whole message once more (MiniMax)

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "chat/asking/answer_reading.h"
#include "chat/asking/openai_asking.h"
#include "chat/dialects/request_parts.h"

namespace shenbi::chat {
namespace {

struct FinishWord {
  std::string_view word;
  Finish finish;
  int status = 0;  // of kError
};
constexpr FinishWord kFinishWords[] = {{"stop", Finish::kStop},
                                       {"length", Finish::kLength},
                                       {"tool_calls", Finish::kToolCalls},
                                       {"content_filter", Finish::kContentFilter},
                                       {"function_call", Finish::kToolCalls},
                                       {"eos", Finish::kStop},
                                       {"eos_token", Finish::kStop},
                                       {"end_turn", Finish::kStop},
                                       {"stop_sequence", Finish::kStop},
                                       {"normal", Finish::kStop},
                                       {"max_tokens", Finish::kLength},
                                       {"model_length", Finish::kLength},
                                       {"sensitive", Finish::kContentFilter},
                                       {"safety", Finish::kContentFilter},
                                       {"abort", Finish::kCancelled},
                                       {"cancelled", Finish::kCancelled},
                                       {"error", Finish::kError, 502},
                                       {"network_error", Finish::kError, 502},
                                       {"insufficient_system_resource", Finish::kError, 503}};

// What Chat Completions and Completions share: frames, usage, how an answer ends.
class CommonReader : public BaseReader {
 public:
  explicit CommonReader(const AskingTraits& traits) : BaseReader(traits.house, traits.error_status) {}

 protected:
  virtual void read_choice(const OrderedJson& choice, bool whole) = 0;

  void read_event(std::string_view name, std::string_view data) override {
    while (!data.empty() && (data.back() == ' ' || data.back() == '\n')) data.remove_suffix(1);
    if (data == "[DONE]") return complete();
    if (data.empty()) return;
    const OrderedJson json = parsed(data);
    if (told_error(json)) return;
    if (name == "error") return fail(502, fmt::format("{}: {}", house_, data));
    read_frame(json, false);
  }

  void read_body(const OrderedJson& json) override {
    read_frame(json, true);
    if (over()) return;
    const OrderedJson* choices = found_list(json, "choices");
    if (!choices || choices->empty()) throw Error(Code::kUpstream, "choices: the answer has none");
    if (!finish_) finish_ = Finish::kStop;
    finish();
  }

  void read_end() override { finish_ ? finish() : cut(); }

  void read_finish(const OrderedJson& choice) {
    const std::string& word = found_text(choice, "finish_reason");
    if (word.empty()) return;
    if (const OrderedJson* stop = found(choice, "stop_reason"); stop && stop->is_string()) {
      stop_string_ = stop->get<std::string>();  // vLLM's
    }
    for (const FinishWord& known : kFinishWords) {
      if (known.word != word) continue;
      if (known.finish == Finish::kError)
        return fail(known.status, fmt::format("{}: the answer ended with \"{}\"", house_, word));
      if (finish_ != Finish::kContentFilter) finish_ = known.finish;  // which a refusal may have said before
      return;
    }
    finish_ = Finish::kStop;
    warn_once(fmt::format("{} ended its answer with the unknown reason \"{}\"", house_, one_line(word.substr(0, 64))));
  }

 private:
  void read_frame(const OrderedJson& json, bool whole) {
    if (!json.is_object()) throw Error(Code::kUpstream, "an event of the stream is no object");
    if (model_.empty()) model_ = found_text(json, "model");
    if (const OrderedJson* usage = found_object(json, "usage")) read_usage(*usage);
    if (const OrderedJson* warnings = found(json, "warnings"); warnings && warnings->is_array()) {  // another Shenbi's
      for (const OrderedJson& one : *warnings) {
        if (one.is_string()) warn_once(one_line(one.get_ref<const std::string&>()));
      }
    }
    const OrderedJson* choices = found_list(json, "choices");
    if (!choices) return;
    for (const OrderedJson& choice : *choices) {
      if (over()) return;
      // One was asked for: of a stream its events are told by their number, of a whole answer it is the first.
      if (whole ? &choice != &choices->front() : found_count(choice, "index") != 0) continue;
      if (const OrderedJson* usage = found_object(choice, "usage")) read_usage(*usage);
      if (!model_.empty()) start();
      read_choice(choice, whole);
      if (!over()) read_finish(choice);
    }
  }

  void read_usage(const OrderedJson& usage) {
    if (usage.empty()) return;
    keep_usage(usage);
    usage_.prompt_tokens = found_count(usage, "prompt_tokens");
    usage_.completion_tokens = found_count(usage, "completion_tokens");
    usage_.cached_tokens = 0;
    if (const OrderedJson* details = found_object(usage, "prompt_tokens_details")) {
      usage_.cached_tokens = found_count(*details, "cached_tokens");
      usage_.cache_write_tokens = found_count(*details, "cache_write_tokens");
    }
    for (const char* key : {"prompt_cache_hit_tokens", "cached_tokens"}) {
      if (usage_.cached_tokens == 0) usage_.cached_tokens = found_count(usage, key);
    }
    usage_.reasoning_tokens = found_count(usage, "reasoning_tokens");
    if (const OrderedJson* details = found_object(usage, "completion_tokens_details")) {
      usage_.reasoning_tokens = found_count(*details, "reasoning_tokens");
    }
    // Some houses count thinking beside the completion instead of in it; the total tells.
    const uint64_t total = found_count(usage, "total_tokens"), sum = usage_.prompt_tokens + usage_.completion_tokens;
    if (usage_.reasoning_tokens > 0 && total == sum + usage_.reasoning_tokens) {
      usage_.completion_tokens += usage_.reasoning_tokens;
    }
  }

  void complete() {
    if (!finish_) {
      if (!has_said_ && !has_thought_ && calls() == 0) cut();
      finish_ = Finish::kStop;
      warn(fmt::format("{} did not say why its answer ended", house_));
    }
    finish();
  }
};

class ChatReader final : public CommonReader {
 public:
  using CommonReader::CommonReader;

 private:
  struct Call {
    std::string id, name, waiting;  // arguments that came before the name
    uint64_t given = 0;             // the house's index
    bool begun = false;
    uint32_t index = 0;
  };

  void read_choice(const OrderedJson& choice, bool whole) override {
    const OrderedJson* delta = found_object(choice, whole ? "message" : "delta");
    if (!delta && !whole && !has_said_) delta = found_object(choice, "message");
    if (!delta) return;
    if (const std::string& thought = found_text(*delta, "reasoning_content"); !thought.empty()) {
      thinking(thought);
    } else if (const OrderedJson* reasoning = found(*delta, "reasoning"); reasoning && reasoning->is_string()) {
      thinking(reasoning->get_ref<const std::string&>());
    }
    read_content(*delta, choice);
    if (const std::string& refusal = found_text(*delta, "refusal"); !refusal.empty()) {
      text(refusal);
      finish_ = Finish::kContentFilter;
    }
    if (const OrderedJson* list = found_list(*delta, "tool_calls")) {
      for (const OrderedJson& call : *list) read_call(call);
    }
    for (const char* key : {"audio", "images"}) {
      const OrderedJson* media = found(*delta, key);
      if (media && !media->empty()) warn_once(fmt::format("the answer has {}, which this API leaves out", key));
    }
  }

  void read_content(const OrderedJson& delta, const OrderedJson& choice) {
    std::vector<TokenLogprob> tokens;
    if (const OrderedJson* logprobs = found_object(choice, "logprobs")) {
      if (const OrderedJson* list = found_list(*logprobs, "content")) tokens = read_openai_logprobs(*list);
    }
    const OrderedJson* content = found(delta, "content");
    if (!content || !content->is_array()) return text(found_text(delta, "content"), std::move(tokens));
    for (const OrderedJson& part : *content) {
      if (const OrderedJson* thoughts = found_list(part, "thinking")) {
        for (const OrderedJson& one : *thoughts) thinking(found_text(one, "text"));
      } else {
        text(found_text(part, "text"));
      }
    }
  }

  // Which call a piece belongs to. A new id is a new call whatever the index says; a piece without either goes on.
  Call& call_of(const OrderedJson& json) {
    const std::string& id = found_text(json, "id");
    const bool indexed = found(json, "index") != nullptr;
    const uint64_t given = found_count(json, "index");
    for (size_t i = calls_.size(); i-- > 0;) {
      if (!id.empty() && calls_[i].id == id) return calls_[i];
    }
    for (size_t i = calls_.size(); i-- > 0;) {
      const bool same = indexed ? calls_[i].given == given : i + 1 == calls_.size();
      if (same && (id.empty() || calls_[i].id.empty())) return calls_[i];
    }
    if (calls_.size() >= limits::kMaxRequestTools) {
      throw Error(Code::kUpstream, fmt::format("the answer calls more than {} tools", limits::kMaxRequestTools));
    }
    calls_.push_back({.given = given});
    return calls_.back();
  }

  void read_call(const OrderedJson& json) {
    Call& call = call_of(json);
    if (call.id.empty()) call.id = found_text(json, "id");
    const OrderedJson* function = found_object(json, "function");
    if (!function) return;
    if (!call.begun) call.name += found_text(*function, "name");
    const OrderedJson* given = found(*function, "arguments");
    const std::string piece = given && given->is_object() ? dumped(*given) : found_text(*function, "arguments");
    if (!call.begun && !call.name.empty()) {
      call.begun = true;
      call.index = begin_call(call.id, call.name);
      arguments(call.index, std::exchange(call.waiting, {}));
    }
    if (call.begun) return arguments(call.index, piece);
    call.waiting += piece;
    if (call.waiting.size() > limits::kMaxToolCallBytes) throw Error(Code::kUpstream, "tool_calls: a call has no name");
  }

  std::vector<Call> calls_;
};

class CompletionReader final : public CommonReader {
 public:
  using CommonReader::CommonReader;

 private:
  void read_choice(const OrderedJson& choice, bool) override { text(found_text(choice, "text"), tokens_of(choice)); }

  // Four lists side by side.
  static std::vector<TokenLogprob> tokens_of(const OrderedJson& choice) {
    std::vector<TokenLogprob> out;
    const OrderedJson* logprobs = found_object(choice, "logprobs");
    const OrderedJson* texts = logprobs ? found_list(*logprobs, "tokens") : nullptr;
    if (!texts) return out;
    const OrderedJson* values = found_list(*logprobs, "token_logprobs");
    const OrderedJson* tops = found_list(*logprobs, "top_logprobs");
    for (size_t i = 0; i < texts->size(); ++i) {
      if (!(*texts)[i].is_string()) throw Error(Code::kUpstream, "logprobs.tokens: expected strings");
      TokenLogprob token{.bytes = (*texts)[i].get<std::string>()};
      if (values && i < values->size() && (*values)[i].is_number()) token.logprob = (*values)[i].get<double>();
      if (tops && i < tops->size() && (*tops)[i].is_object()) {
        for (const auto& [text, value] : (*tops)[i].items()) {
          token.top.emplace_back(-1, value.is_number() ? value.get<double>() : 0.0);
          token.top_bytes.push_back(text);
        }
      }
      out.push_back(std::move(token));
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<AnswerReader> openai_reader(const AskingTraits& traits) { return std::make_unique<ChatReader>(traits); }

std::unique_ptr<AnswerReader> openai_completion_reader(const AskingTraits& traits) {
  return std::make_unique<CompletionReader>(traits);
}

}  // namespace shenbi::chat
