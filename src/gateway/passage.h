#pragma once
// A request as its caller wrote it, on the way to an upstream that speaks the same dialect: its bytes go through
// untouched but for the model's name. What no dialect of ours has a word for (cache markers, citations, signatures,
// fields of next year) arrives as it was said, and so does the answer.

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "chat/request_peek.h"
#include "gateway/house.h"
#include "gateway/provider.h"

namespace shenbi::gateway {

struct Passage {
  Dialect dialect = Dialect::kOpenAi;
  std::shared_ptr<const std::string> body;
  chat::RequestPeek peek;
  std::string model;  ///< in the body, or in the path where the dialect has it there
  bool stream = false;
  net::Headers headers;  ///< of the caller's, that belong to the dialect: "anthropic-beta"
  std::string tenant;
  /// The request in neutral words, for a model that is reached in another dialect. Throws Error naming what cannot be
  /// carried. Called from one thread at a time.
  std::function<const chat::ChatRequest&()> translated;
};

/// Takes bytes of the answer, in order, each before the events that say what is in them. `last`: the end of the answer
/// is among them. From the threads of an EventSink; nothing comes if somebody answers in another dialect.
using WireSink = std::function<void(std::string_view bytes, bool last)>;

/// Who can pass requests on.
class Passing {
 public:
  virtual ~Passing() = default;
  /// Whether requests are passed on at all.
  virtual bool passes_any() = 0;
  /// Whether somebody behind `model` speaks the dialect.
  virtual bool passes(const std::string& model, Dialect dialect) = 0;
  /// Whether pass() to `model` does so without waiting for a disk, a database or a token. For threads that must not
  /// wait.
  virtual bool passes_at_once(const std::string& model, Dialect dialect) = 0;
  /// As Provider::chat().
  virtual CallPtr pass(Passage passage, WireSink wire, EventSink sink) = 0;
  /// What a house answers to who asks how long a prompt is, as it wrote it. Nothing: who is asked first for the model
  /// does not tell that in this dialect. Nothing is reserved or filed: houses do not charge for it. Blocking; ends with
  /// Error{kCancelled} soon after `stop` is asked for. Error{kUpstream}: what came is no count.
  virtual std::optional<std::string> count(Passage passage, std::stop_token stop) = 0;
};

}  // namespace shenbi::gateway
