#pragma once
// Pieces that answers of several dialects are made of.

#include <string>
#include <string_view>

#include "base/error.h"
#include "chat/dialect.h"
#include "chat/dialects/request_parts.h"

namespace shenbi::chat {

/// "data: {...}\n\n"
std::string sse(const OrderedJson& json);
/// "event: name\ndata: {...}\n\n"
std::string sse(std::string_view event, const OrderedJson& json);

/// An event of a stream in which one text changes from one to the next. All else is written once: a token costs a tenth
/// of what making and writing its objects does.
class TextFrame {
 public:
  TextFrame() = default;
  /// `event`: as it is written with "" for the text, which is the value of the first `key` in it that holds "".
  TextFrame(const std::string& event, std::string_view key);
  explicit operator bool() const noexcept { return !before_.empty(); }
  /// What writing the whole event with this text would give.
  std::string with(const std::string& text) const;

 private:
  std::string before_, after_;
};

/// Bytes of a token as text; what is no whole character becomes U+FFFD (the bytes are given beside it).
std::string token_text(std::string_view bytes);
OrderedJson byte_list(std::string_view bytes);
/// JSON has no infinity; OpenAI writes -9999 for what cannot occur.
double finite_logprob(double logprob);

/// [{"token", "logprob", "bytes", "top_logprobs": [...]}]
OrderedJson openai_logprobs(const std::vector<TokenLogprob>& tokens);

OrderedJson openai_usage(const Usage& usage);

/// Arguments as an object; {} if they are none.
OrderedJson arguments_object(const std::string& arguments);

/// Seconds since 1970 as "2026-11-22T12:43:00Z".
std::string rfc3339(int64_t seconds);

/// The sum of what n choices used; they share one prompt.
Usage total_usage(const std::vector<Collected>& choices);

/// The field in front of an error's first ": ", "" if that is no field's name.
std::string_view field_of_message(std::string_view message);

}  // namespace shenbi::chat
