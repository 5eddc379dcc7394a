#pragma once
// What the readers of all dialects have in common: the door that turns whatever is wrong into one kError, the events
// they make, and JSON read with the wrong type as an error that names the field.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/asking.h"
#include "chat/upstream_error.h"

namespace shenbi::chat {

// null counts as absent; a wrong type is Error{kUpstream} naming the key.
const OrderedJson* found(const OrderedJson& json, const char* key) noexcept;
const OrderedJson* found_object(const OrderedJson& json, const char* key);
const OrderedJson* found_list(const OrderedJson& json, const char* key);
/// "" if absent.
const std::string& found_text(const OrderedJson& json, const char* key);
/// 0 if absent. Counts only: below 0 or no whole number is an error.
uint64_t found_count(const OrderedJson& json, const char* key);

/// [{"token", "logprob", "bytes", "top_logprobs"}]
std::vector<TokenLogprob> read_openai_logprobs(const OrderedJson& list);

class BaseReader : public AnswerReader {
 public:
  BaseReader(std::string house, std::map<std::string, int> error_status = {})
      : house_(std::move(house)), error_status_(std::move(error_status)) {}

  void event(std::string_view name, std::string_view data, std::vector<Event>& out) final;
  void body(std::string_view bytes, std::vector<Event>& out) final;
  void end(std::vector<Event>& out) final;
  const std::string& raw_usage() const noexcept final { return raw_usage_; }

 protected:
  virtual void read_event(std::string_view name, std::string_view data) = 0;
  virtual void read_body(const OrderedJson& json) = 0;
  /// The stream is over and no finish() was told.
  virtual void read_end() { cut(); }

  // --- what the answer says, as events ---

  OrderedJson parsed(std::string_view data) const;
  /// True where `json` was an error: it has been told and the answer is over.
  bool told_error(const OrderedJson& json);
  void start();  ///< once; the others do it by themselves
  void text(std::string_view text, std::vector<TokenLogprob> logprobs = {});
  void thinking(std::string_view text);
  void signature(std::string_view text);
  /// Thinking that its maker hides: a kSignature whose name is "redacted".
  void redacted(std::string_view data);
  /// The index of the new call.
  uint32_t begin_call(std::string_view id, std::string_view name);
  void arguments(uint32_t index, std::string_view text);
  void warn(std::string_view text);
  void warn_once(std::string_view text);
  void finish();
  void fail(int status, std::string_view message, const ErrorFacts& facts = {});
  [[noreturn]] void cut() const;
  void keep_usage(const OrderedJson& usage);

  bool over() const noexcept { return over_; }
  uint32_t calls() const noexcept { return calls_; }

  const std::string house_;
  std::string model_;  ///< until start()
  Usage usage_;
  std::optional<Finish> finish_;
  std::string stop_string_;
  bool has_thought_ = false, has_said_ = false;

 private:
  template <class Read>
  void guarded(std::vector<Event>& out, Read read);
  Event& add(Event::Kind kind);

  const std::map<std::string, int> error_status_;
  std::vector<Event>* out_ = nullptr;
  std::string raw_usage_;
  std::vector<std::string> warned_;
  uint64_t argument_bytes_ = 0;
  uint32_t calls_ = 0;
  bool started_ = false, over_ = false;
};

}  // namespace shenbi::chat
