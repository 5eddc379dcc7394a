#pragma once
// The door that every model stands behind, local or remote: a request of neutral words goes in, events come out.

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "chat/types.h"
#include "gateway/media.h"
#include "gateway/rerank.h"

namespace shenbi::gateway {

/// What a model can do and what it is, for lists and for routing.
struct ModelInfo {
  std::string id;
  std::string owner;     ///< "local", "openai", ...
  std::string alias_of;  ///< the model this name stands for; empty: it is one itself
  bool chat = true;      ///< has a chat form of its own; false: a base model, talked to in a plain dialogue
  bool embeddings = false, tools = false, thinking = false;
  bool loaded = false;
  uint64_t context = 0;  ///< tokens; 0 unknown
  uint64_t bytes = 0;    ///< of its files
  uint64_t parameters = 0;
  std::string architecture, quantisation, format, digest;
  int64_t created = 0;  ///< seconds since 1970
};

/// Called in order, never twice at once, from a thread of the provider; must not block. Cheap: it is on the way of
/// every token.
using EventSink = std::function<void(chat::Event)>;

/// A running call. Destroying it does not cancel it.
class Call {
 public:
  virtual ~Call() = default;
  /// The answer ends with Finish::kCancelled within one token; no error if it has ended.
  virtual void cancel() = 0;
};
using CallPtr = std::shared_ptr<Call>;

struct EmbedRequest {
  std::string model;
  std::vector<std::string> inputs;
  uint32_t dimensions = 0;  ///< 0: as many as the model makes
  std::string tenant;       ///< whose key
};

struct Embeddings {
  std::vector<std::vector<float>> vectors;  ///< each of length 1, unless not asked to normalise
  uint64_t tokens = 0;
  std::string upstream, model;  ///< set by the router: who made them ("local" for the engine), and of which model
};

class Provider {
 public:
  virtual ~Provider() = default;

  virtual std::vector<ModelInfo> models() = 0;

  /// Makes the model ready (a local one is loaded). Blocking. Throws Error{kNotFound} if there is none of that name.
  virtual void prepare(const std::string& model) = 0;

  /// Both check the request at once and throw Error naming the field; what fails later arrives as Event::kError.
  virtual CallPtr chat(chat::ChatRequest request, EventSink sink) = 0;
  virtual CallPtr complete(chat::CompletionRequest request, EventSink sink) = 0;

  /// Blocking; call from a worker thread. Ends with Error{kCancelled} soon after `stop` is asked for.
  virtual Embeddings embed(const EmbedRequest& request, std::stop_token stop) = 0;

  /// As embed(). The base class refuses: Error{kNotFound} if there is no such model, {kInvalidArgument} saying that its
  /// own do not rank.
  virtual Ranking rerank(const RerankRequest& request, std::stop_token stop);

  /// Whether a plain request (chat::RequestPeek) for `model` gets through chat() or complete() without waiting: the
  /// model is in memory, and nothing is asked of a disk, a database or a house. For threads that must not wait; what
  /// was true may change, and then chat() takes longer.
  virtual bool is_ready(const std::string&) { return false; }

  /// An image, a sound or a text of one, which come as they are made. As chat(). The base class refuses, as everything
  /// of media does: Error{kNotFound} if there is no such model, {kInvalidArgument} naming what it makes instead.
  virtual CallPtr media(const MediaRequest& request, MediaWire wire, EventSink sink);
  /// A job that takes minutes, and what becomes of it. These four are blocking, and end with Error{kCancelled} soon
  /// after `stop` is asked for. Error{kNotFound}: the house does not know the job.
  virtual MediaJob submit(const MediaRequest& request, std::stop_token stop);
  virtual MediaJob look(const MediaJob& job, std::stop_token stop);
  /// False if the house cannot stop it.
  virtual bool cancel(const MediaJob& job, std::stop_token stop);
  /// Of a job that is done; returns the type of the bytes. Throws Error{kUpstream} where they end too early or exceed
  /// kMaxMediaFileBytes.
  virtual std::string fetch(const MediaJob& job, const MediaWriter& write, std::stop_token stop);

  virtual std::vector<int32_t> tokenize(const std::string& model, std::string_view text, bool add_special,
                                        bool parse_special) = 0;
  virtual std::string detokenize(const std::string& model, const std::vector<int32_t>& ids) = 0;
  /// Ends every answer with this error, those under way and those asked for later. For good: before the program ends.
  virtual void end_all(const Error&) {}

  /// The prompt text that a chat request becomes, and its ids.
  virtual std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest& request) = 0;
};

}  // namespace shenbi::gateway
