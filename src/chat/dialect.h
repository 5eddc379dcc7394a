#pragma once
// What the API dialects have in common. A dialect is a pair of translations: a request body becomes neutral words
// (parse_*), and the events of an answer become the dialect's bytes (a writer). Nothing here knows of HTTP connections.
//
//   const OpenAiChat call = parse_openai_chat(body);
//   OpenAiChatWriter writer(call, {.id = new_answer_id("chatcmpl-"), .model = call.request.model, .created = now});
//   for each event:  send(writer.push(event));      // a stream: whole SSE events or lines, often none
//   at the end:      send(writer.body());           // not a stream: the one JSON object, status writer.status()
//
// Parsers throw Error{kInvalidArgument} naming the field: "temperature: expected a number, found a string",
// "messages[2].content[0].image_url: ...". Every documented field is honoured, or accepted because it cannot change
// the answer (the tables at the top of dialects/*.cpp say which), or refused by name; so are unknown ones. Nothing is
// ignored in silence. Images and sound come as data URIs or base64: addresses are refused, no parser opens a
// connection.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "chat/error_facts.h"
#include "chat/types.h"

namespace shenbi::chat {

/// What an answer is called. Given, not made here, so that the same events make the same bytes.
struct AnswerHead {
  std::string id;       ///< with the dialect's prefix
  std::string model;    ///< as the client named it
  int64_t created = 0;  ///< seconds since 1970
};

/// Random, unguessable enough to be a name: prefix and 24 letters and digits.
std::string new_answer_id(std::string_view prefix);

/// OpenAI's word for how an answer ended: "stop" (also for what it has no word for), "length", "tool_calls",
/// "content_filter".
std::string_view openai_finish(Finish finish);

/// Writes one answer in a dialect. Events come in order for each choice (n > 1: any order between choices).
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  /// Takes one event. In a stream, the bytes to send now, framed ("data: {...}\n\n", or a line); maybe none. The last
  /// event of the last choice (kFinish or kError) brings what ends the stream ("data: [DONE]\n\n"). Else "".
  virtual std::string push(const Event& event, uint32_t choice = 0) = 0;

  /// Makes ahead what every stream begins with, while the model reads the prompt: no caches are warm when the first
  /// token comes. Nothing that push() says changes by it.
  virtual void prepare() {}

  /// Not in a stream: the whole answer, once finished(); an error object if a choice ended in kError.
  virtual std::string body() const = 0;

  /// Every choice has ended.
  virtual bool finished() const noexcept = 0;

  /// 200, or that of the kError event. Of use where nothing has been sent yet.
  int status() const noexcept { return status_; }

  /// What keeps an idle stream alive without meaning anything; "" if the dialect has no such thing.
  virtual std::string ping() const { return ": ping\n\n"; }

  /// "text/event-stream", "application/x-ndjson", "application/json".
  virtual std::string_view content_type() const noexcept = 0;

 protected:
  int status_ = 200;
};

/// What a finished choice is made of: the events put together. Every writer collects into one.
struct Collected {
  std::string text, thinking, signature;
  std::vector<ToolCall> calls;  ///< whole ones: what a kWarning takes back is gone
  std::vector<TokenLogprob> logprobs, prompt;
  std::vector<std::string> warnings;
  Finish finish = Finish::kStop;
  std::string stop_string, error;
  Usage usage;
  std::string model;  ///< which one answered
  int error_status = 500;
  ErrorFacts facts;  ///< of the error
  bool ended = false;

  void add(const Event& event);

 private:
  std::vector<uint32_t> indices_;  ///< of `calls`
};

}  // namespace shenbi::chat
