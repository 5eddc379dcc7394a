#pragma once
// Keeps a model's thinking to a number of tokens: watches the text for its beginning and end, and when the number is
// reached says which tokens end it.
//
//   ThinkingWatch watch({.tokens = 1024, .begin = "<think>", .end = "</think>", .closing = ids, .open = true});
//   if (const auto id = watch.forced()) ...   // take this token instead of drawing one
//   watch.push(text_of_the_token);
//
// Thinking stands at the beginning of an answer. A model that does not begin with it is left alone.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::engine {

struct ThinkingLimit {
  uint64_t tokens = 0;  ///< of thinking, without its markers
  std::string begin, end;
  std::vector<int32_t> closing;  ///< what is written in the model's place; its text holds `end`
  bool open = false;             ///< the prompt ends inside thinking
};

class ThinkingWatch {
 public:
  ThinkingWatch() = default;
  explicit ThinkingWatch(ThinkingLimit limit);

  /// One more token and its text, which may be empty or part of a character.
  void push(std::string_view text);
  /// The token that must come next, if thinking is being ended.
  std::optional<int32_t> forced() const noexcept;

 private:
  enum class State { kBefore, kThinking, kClosing, kOver };
  void begin_with(std::string_view text);
  void count();

  ThinkingLimit limit_;
  State state_ = State::kOver;
  std::string seen_;  // of the answer's beginning, or the end of the thinking so far
  uint64_t tokens_ = 0;
  size_t closed_ = 0;
};

}  // namespace shenbi::engine
