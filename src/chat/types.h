#pragma once
// The neutral words: what every API dialect is translated to and from, and what every provider speaks. N dialects and M
// providers meet here, so there are N + M translations and never N x M.
//
// A request is data; a field that is absent is std::nullopt or empty and means the model's own default. An answer is a
// series of Events.

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shenbi::chat {

using OrderedJson = nlohmann::ordered_json;  ///< keeps the order of keys: templates show tools as they were written

enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool };
std::string_view role_name(Role role) noexcept;

struct Part {
  enum class Kind { kText, kThinking, kImage, kAudio, kFile };
  Kind kind = Kind::kText;
  std::string text;        ///< kText, kThinking
  std::string signature;   ///< kThinking: what its maker signed it with; must travel back unchanged
  std::string mime, data;  ///< kImage, kAudio, kFile: the bytes themselves
  std::string name;        ///< kFile; kThinking: "redacted" if it stays hidden and the signature is all there is
};

struct ToolCall {
  std::string id, name;
  std::string arguments;  ///< JSON text, as the model wrote it
};

struct Message {
  Role role = Role::kUser;
  std::vector<Part> parts;
  std::vector<ToolCall> tool_calls;  ///< kAssistant
  std::string tool_call_id;          ///< kTool: which call this answers
  std::string name;                  ///< of the speaker or the tool, if given

  /// The text parts, joined.
  std::string text() const;
  std::string thinking() const;
};

struct Tool {
  std::string name, description;
  OrderedJson parameters;  ///< JSON Schema of the arguments; null: none
  bool strict = false;     ///< arguments must match the schema
};

struct ToolChoice {
  enum class Mode { kAuto, kNone, kRequired, kFunction };
  Mode mode = Mode::kAuto;
  std::string name;  ///< kFunction
};

/// What form the answer must have.
struct ResponseFormat {
  enum class Kind { kText, kJsonObject, kJsonSchema, kRegex, kChoice, kGrammar };
  Kind kind = Kind::kText;
  OrderedJson schema;                ///< kJsonSchema
  std::string text;                  ///< kRegex, kGrammar (GBNF)
  std::vector<std::string> choices;  ///< kChoice
};

struct Sampling {
  std::optional<double> temperature, top_p, min_p, typical_p, repetition_penalty, frequency_penalty, presence_penalty,
      dry_multiplier, dry_base;
  std::optional<int64_t> top_k, dry_allowed_length, dry_last_n;
  std::optional<uint64_t> seed;
  std::map<int32_t, double> logit_bias;
};

/// What chat and plain completion have in common.
struct Generation {
  std::string model;
  Sampling sampling;
  std::optional<uint64_t> max_tokens;
  std::vector<std::string> stop;
  std::vector<int32_t> stop_ids;
  bool ignore_end = false;
  bool logprobs = false;
  uint32_t top_logprobs = 0;
  ResponseFormat format;
  int priority = 0;    ///< lower runs first
  std::string tenant;  ///< whose key; prompts of different tenants share no cache when isolation is on
};

struct ChatRequest : Generation {
  std::vector<Message> messages;
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  bool parallel_tool_calls = true;
  std::string reasoning_effort;             ///< "", "none", "minimal", "low", "medium", "high"
  std::optional<bool> thinking;             ///< on or off, where the model can do both
  std::optional<uint64_t> thinking_budget;  ///< most tokens of thinking
  OrderedJson template_arguments;           ///< chat_template_kwargs: an object or null
  bool continue_last = false;               ///< the last message is an assistant's, and is gone on with
};

struct CompletionRequest : Generation {
  std::string prompt;
  std::vector<int32_t> prompt_ids;  ///< instead of `prompt`, if not empty
  std::string suffix;               ///< fill in the middle
  bool add_special = true;          ///< bos in front of `prompt`, where the model wants one
  /// Log-probabilities of the prompt's own tokens as well (echo): events of kind kPrompt come first.
  bool prompt_logprobs = false;
};

struct Usage {
  uint64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0, reasoning_tokens = 0;
  uint64_t cache_write_tokens = 0;  ///< of the prompt, put into the house's cache, which some charge more for
};

struct TokenLogprob {
  int32_t id = -1;
  std::string bytes;   ///< may be part of a character
  double logprob = 0;  ///< natural log
  std::vector<std::pair<int32_t, double>> top;
  std::vector<std::string> top_bytes;  ///< of `top`, in its order
};

enum class Finish { kStop, kLength, kToolCalls, kContentFilter, kCancelled, kError };

/// One piece of an answer, in order. Fields beyond `kind` are set where the kind says so.
struct Event {
  enum class Kind {
    kQueued,         ///< index: so many requests wait before this one; before kStart, no part of the answer
    kStart,          ///< model, usage.prompt_tokens and cached_tokens known
    kText,           ///< text
    kThinking,       ///< text
    kSignature,      ///< text: the signature of the thinking before it; name "redacted": of thinking that stays hidden
    kToolCall,       ///< index, id, name: a new call begins
    kToolArguments,  ///< index, text: more of its arguments
    kPrompt,         ///< logprobs of the prompt's tokens
    kWarning,        ///< text: what was not as asked (a malformed call, a field the model has no form for); id: of a
                     ///< call that had begun and is taken back, its source follows as kText
    kFinish,         ///< finish, stop_string, usage: always the last, unless kError is
    kError,          ///< text, status; stop_string: what error_facts.h says: the answer ends here
  };
  Kind kind = Kind::kText;
  std::string text;
  std::vector<TokenLogprob> logprobs;  ///< of the tokens behind kText / kThinking, if asked for
  uint32_t tokens = 0;                 ///< generated tokens this event accounts for
  uint32_t index = 0;
  std::string id, name;
  Finish finish = Finish::kStop;
  std::string stop_string;
  Usage usage;
  std::string model;
  int status = 500;
  /// kFinish of a model of ours: when the request joined the queue and when it was taken up; zero where not known.
  std::chrono::steady_clock::time_point queued{}, begun{};
};

}  // namespace shenbi::chat
