#pragma once
// What must be known of a request's body that goes on as it is: the model's name and where it stands, whether a stream
// is wanted, and how long the answer may become. The body is walked through once and nothing is built of it, so a
// megabyte costs a fraction of a millisecond; it must be JSON by the letter, for what two readers take for different
// things is how checks are got around.
//
//   const RequestPeek peek = peek_request(body);
//   send(peek.with_model(body, "deepseek-chat"));

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shenbi::chat {

struct RequestPeek {
  std::string model;                      ///< "" if the body names none
  size_t model_begin = 0, model_end = 0;  ///< its string in the body, with the quotes
  bool stream = false;
  bool stream_options = false;  ///< the body has a field of that name
  /// Nothing but words to answer, and how long and how freely: no tools, formats, files or anything else that may need
  /// more than a moment before the answer can begin.
  bool plain = true;
  bool signatures = false;  ///< somewhere in it may be thinking that its maker signed
  /// Of an answer, in any dialect's words, the largest of them; at most kMostTokens. Nothing: it is not said, or not as
  /// a count ("-1").
  std::optional<uint64_t> max_tokens;
  uint64_t answers = 1;  ///< asked for at once ("n", "candidateCount"); at most kMostAnswers
  static constexpr uint64_t kMostTokens = uint64_t{1} << 40,
                            kMostAnswers = 1u << 16;  // their product stays far from 2^64

  /// The body with another model's name in the place of its own.
  std::string with_model(std::string_view body, std::string_view name) const;
};

/// Throws Error{kInvalidArgument}: not a JSON object, nested too deep, one of those fields twice or of a wrong type.
RequestPeek peek_request(std::string_view body);

}  // namespace shenbi::chat
