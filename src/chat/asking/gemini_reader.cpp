// Google's generateContent as a client reads it: each piece of a stream is a whole response with the parts that are
// new. There is no mark of the end: a finishReason has come, or the answer was cut.

#include "chat/asking/gemini_reader.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "chat/asking/answer_reading.h"
#include "chat/dialects/request_parts.h"

namespace shenbi::chat {
namespace {

std::vector<TokenLogprob> read_logprobs(const OrderedJson& result) {
  const auto value_of = [](const OrderedJson& json) {
    const OrderedJson* value = found(json, "logProbability");
    return value && value->is_number() ? value->get<double>() : 0.0;
  };
  std::vector<TokenLogprob> out;
  const OrderedJson* chosen = found_list(result, "chosenCandidates");
  const OrderedJson* tops = found_list(result, "topCandidates");
  for (size_t i = 0; chosen && i < chosen->size(); ++i) {
    const OrderedJson& one = (*chosen)[i];
    TokenLogprob token{.bytes = found_text(one, "token"), .logprob = value_of(one)};
    const OrderedJson* best = tops && i < tops->size() ? found_list((*tops)[i], "candidates") : nullptr;
    for (size_t j = 0; best && j < best->size(); ++j) {
      token.top.emplace_back(-1, value_of((*best)[j]));
      token.top_bytes.push_back(found_text((*best)[j], "token"));
    }
    out.push_back(std::move(token));
  }
  return out;
}

class GenerateReader final : public BaseReader {
 public:
  explicit GenerateReader(const GeminiTraits& traits) : BaseReader(traits.house) {}

 private:
  void read_event(std::string_view, std::string_view data) override {
    const OrderedJson json = parsed(data);
    if (!told_error(json)) read_response(json);
  }

  void read_body(const OrderedJson& json) override {
    read_response(json);
    if (!over()) read_end();
  }

  void read_end() override { finish_ ? finish() : cut(); }

  void read_response(const OrderedJson& json) {
    if (!json.is_object()) throw Error(Code::kUpstream, "a piece of the answer is no object");
    if (model_.empty()) model_ = found_text(json, "modelVersion");
    if (const OrderedJson* usage = found_object(json, "usageMetadata")) read_usage(*usage);
    if (!model_.empty()) start();
    if (const OrderedJson* feedback = found_object(json, "promptFeedback")) {
      if (const std::string& reason = found_text(*feedback, "blockReason"); !reason.empty()) {
        finish_ = Finish::kContentFilter;
        warn_once(fmt::format("{} blocked the prompt: {}", house_, one_line(reason.substr(0, 64))));
      }
    }
    if (const OrderedJson* warnings = found_list(json, "warnings")) {  // another Shenbi's
      for (const OrderedJson& one : *warnings) {
        if (one.is_string()) warn_once(one_line(one.get_ref<const std::string&>()));
      }
    }
    const OrderedJson* candidates = found_list(json, "candidates");
    for (size_t i = 0; candidates && i < candidates->size(); ++i) {
      const OrderedJson& one = (*candidates)[i];
      if (found_count(one, "index") == 0) read_candidate(one);
    }
  }

  void read_candidate(const OrderedJson& candidate) {
    std::vector<TokenLogprob> tokens;
    if (const OrderedJson* result = found_object(candidate, "logprobsResult")) tokens = read_logprobs(*result);
    if (const OrderedJson* content = found_object(candidate, "content")) {
      const OrderedJson* parts = found_list(*content, "parts");
      for (size_t i = 0; parts && i < parts->size(); ++i) read_part((*parts)[i], tokens);
    }
    const std::string& reason = found_text(candidate, "finishReason");
    if (!reason.empty() && reason != "FINISH_REASON_UNSPECIFIED") read_finish(reason);
  }

  // A signature stands on the part whose thinking it signs: after thinking, before anything else.
  void read_part(const OrderedJson& part, std::vector<TokenLogprob>& tokens) {
    const OrderedJson* thought = found(part, "thought");
    const bool is_thought = thought && thought->is_boolean() && thought->get<bool>();
    const std::string& given = found_text(part, "thoughtSignature");
    if (!is_thought) signature(given);
    if (const OrderedJson* call = found_object(part, "functionCall")) {
      const uint32_t index = begin_call(found_text(*call, "id"), found_text(*call, "name"));
      const OrderedJson* values = found_object(*call, "args");
      arguments(index, values ? dumped(*values) : "{}");
    } else if (found(part, "text")) {
      if (is_thought) {
        thinking(found_text(part, "text"));
      } else {
        text(found_text(part, "text"), std::exchange(tokens, {}));
      }
    } else if (found(part, "inlineData") || found(part, "fileData")) {
      warn_once("the answer has media, which this API leaves out");
    } else if (found(part, "executableCode") || found(part, "codeExecutionResult")) {
      warn_once("the answer has code that ran upstream, which is left out");
    }
    if (is_thought) signature(given);
  }

  void read_finish(const std::string& reason) {
    static const std::map<std::string_view, Finish> kReasons = {{"STOP", Finish::kStop},
                                                                {"MAX_TOKENS", Finish::kLength},
                                                                {"SAFETY", Finish::kContentFilter},
                                                                {"RECITATION", Finish::kContentFilter},
                                                                {"LANGUAGE", Finish::kContentFilter},
                                                                {"BLOCKLIST", Finish::kContentFilter},
                                                                {"PROHIBITED_CONTENT", Finish::kContentFilter},
                                                                {"SPII", Finish::kContentFilter},
                                                                {"IMAGE_SAFETY", Finish::kContentFilter}};
    const auto known = kReasons.find(reason);
    finish_ = known == kReasons.end() ? Finish::kStop : known->second;
    if (known == kReasons.end()) {  // MALFORMED_FUNCTION_CALL, OTHER, ...
      warn_once(fmt::format("{} ended its answer with the reason \"{}\"", house_, one_line(reason.substr(0, 64))));
    }
  }

  // Thinking is counted beside the candidates here, and within the completion in our words.
  void read_usage(const OrderedJson& usage) {
    keep_usage(usage);
    usage_.prompt_tokens = found_count(usage, "promptTokenCount") + found_count(usage, "toolUsePromptTokenCount");
    usage_.cached_tokens = found_count(usage, "cachedContentTokenCount");
    usage_.reasoning_tokens = found_count(usage, "thoughtsTokenCount");
    usage_.completion_tokens = found_count(usage, "candidatesTokenCount") + usage_.reasoning_tokens;
  }
};

}  // namespace

std::unique_ptr<AnswerReader> gemini_reader(const GeminiTraits& traits) {
  return std::make_unique<GenerateReader>(traits);
}

}  // namespace shenbi::chat
