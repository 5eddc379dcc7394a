#pragma once
// The asking end of the dialects: what a client of such an API says, and how it understands the answer. The answering
// end is dialect.h; both meet in the neutral words of types.h.
//
//   Asking asking = openai_asking(traits);
//   std::string body = asking.chat(request, /*stream=*/true);
//   auto reader = asking.reader();
//   for each SSE event:  reader->event(name, data, events);      // or, not a stream: reader->body(bytes, events)
//   at the end:          reader->end(events);
//
// Nothing is dropped on the way out: a setting that the dialect, or the house behind it, has no word for is
// Error{kInvalidArgument} naming the field ("min_p: the Anthropic API has no such setting"). Three things bend instead,
// because refusing them would part dialects that mean the same: thinking of earlier turns stays here where the API has
// no place for it (its own clients do not send it either); a degree of reasoning becomes "on" where a house knows only
// on and off; "strict" of a function is left out where it is unknown, for its schema still goes. On the way in what the
// dialect says and we have no word for becomes a kWarning only if it changes the answer. A reader trusts nothing: wrong
// types, missing fields, events out of order are one kError event of status 502, never an exception. kStart comes with
// what is known by then: often the model alone, as most houses tell the usage last; kFinish has all of it.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/types.h"

namespace shenbi::chat {

/// Turns what one upstream call says into neutral events. One reader a call.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  /// One server-sent event; `name` is "message" where the stream names none.
  virtual void event(std::string_view name, std::string_view data, std::vector<Event>& out) = 0;
  /// The whole answer to a call that was not a stream. Status 200 says nothing: several houses report errors in it.
  virtual void body(std::string_view bytes, std::vector<Event>& out) = 0;
  /// The upstream has closed. If the answer is not complete: kError of status 502 saying so.
  virtual void end(std::vector<Event>& out) = 0;
  /// The usage object as the house wrote it, "" before it came: the ledger keeps it.
  virtual const std::string& raw_usage() const noexcept = 0;
};

/// An error answer: status and the house's own message and code, whatever shape its JSON has.
struct UpstreamError {
  int status = 502;
  std::string message, code;
};

/// What a house does otherwise than the dialect's owner. Data, so that a house is a few lines.
struct AskingTraits {
  std::string house = "OpenAI";                            ///< for error messages
  std::string max_tokens_field = "max_completion_tokens";  ///< "max_tokens" in most other houses; "": left out
  std::string seed_field = "seed";                         ///< "random_seed"; "" has none
  bool stream_usage = true;                                ///< understands stream_options.include_usage
  bool developer_role = true;                              ///< else kDeveloper goes as "system"
  bool json_schema = true;                                 ///< response_format json_schema; else refused by name
  bool strict_tools = true;                                ///< understands "strict" of a function; else left out
  bool logprobs = true, logit_bias = true, penalties = true, stop = true, images = true;
  bool extended_sampling = false;  ///< top_k, min_p, repetition_penalty as vLLM and others take them
  bool top_k = false;              ///< top_k alone
  bool llama_sampling = false;     ///< typical_p and dry_*: llama.cpp, another Shenbi
  bool guided = false;             ///< guided_regex, guided_choice, guided_grammar: vLLM, another Shenbi
  double top_p_below = 0;  ///< > 0: top_p must stay below this value; 1, which filters nothing, goes as just below
  /// Where thinking of earlier turns goes in an assistant's message: "reasoning_content", "reasoning"; "": nowhere.
  std::string thinking_field;
  /// How an assistant's last message is gone on with: "continue_final_message" of the request (vLLM), else a flag of
  /// that message: "prefix" (DeepSeek, Mistral), "partial" (Moonshot); "": not at all.
  std::string continue_field;
  /// How thinking is switched: not at all; "reasoning_effort": "low"; "enable_thinking": bool;
  /// "thinking": {"type": "enabled"}; chat_template_kwargs.enable_thinking.
  enum class Thinking { kNone, kEffort, kEnableThinking, kThinkingType, kTemplate } thinking = Thinking::kEffort;
  /// HTTP statuses of the house's own error codes, where it reports errors with status 200: {"336501", 429}.
  std::map<std::string, int> error_status;
};

struct AnthropicTraits {
  std::string house = "the Anthropic API";
  uint64_t default_max_tokens = 8192;  ///< the API wants a number; where the request has none
  bool effort = true;                  ///< output_config.effort; else a degree of reasoning becomes a budget of tokens
  bool adaptive_thinking = false;      ///< thinking "adaptive" instead of "enabled" with a budget
  bool strict_tools = true;            ///< understands "strict" of a tool; else left out
};

struct GeminiTraits {
  std::string house = "the Gemini API";
  bool thinking_levels = true;  ///< thinkingLevel; else a degree of reasoning becomes a budget of tokens
  bool call_ids = true;         ///< ids of calls; else they are told apart by their names and order
};

/// A dialect as a client speaks it.
struct Asking {
  std::function<std::string(const ChatRequest&, bool stream)> chat;
  /// Null where the dialect has no plain completions.
  std::function<std::string(const CompletionRequest&, bool stream)> complete;
  std::function<std::unique_ptr<AnswerReader>()> reader;
  std::function<std::unique_ptr<AnswerReader>()> completion_reader;
  std::function<UpstreamError(int status, std::string_view body)> error;
};

Asking openai_asking(AskingTraits traits = {});
/// Of the traits these count: house, developer_role, json_schema, strict_tools, logprobs, images, extended_sampling
/// (another Shenbi: also penalties, seed, stop and logit_bias, which OpenAI's Responses has not), thinking_field,
/// error_status. Nothing is stored upstream; reasoning comes back encrypted, as the signature of kSignature.
Asking responses_asking(AskingTraits traits = {});
Asking anthropic_asking(AnthropicTraits traits = {});
/// The model stands in the path, so the body names none.
Asking gemini_asking(GeminiTraits traits = {});

// Houses' own dialects, older than their OpenAI faces.

/// Tencent's ChatCompletions: OpenAI's words in CamelCase. It has no word for max_tokens, which is left out: clients
/// that must name a number could not ask at all.
Asking hunyuan_asking(AskingTraits traits = {});
/// Baidu's chat of v1 ("wenxinworkshop"). The model stands in the path; a turn calls one function at most.
Asking ernie_asking(std::string house = "Baidu Qianfan");
/// iFlytek's messages of a WebSocket; each is one event. `app_id` stands in every request. Results of calls cannot be
/// said in it.
Asking spark_asking(std::string app_id, std::string house = "iFlytek Spark");

}  // namespace shenbi::chat
