#pragma once
// Calls written as a header that holds the name, and a JSON object of arguments behind it.
//
//   [TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}
//   <|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/readers/call_reader.h"
#include "chat/readers/json_scanner.h"

namespace shenbi::chat {

class HeaderForm final : public Form {
 public:
  struct Head {
    std::string name;  ///< empty: this is no header
    std::string id;    ///< empty: made
  };
  struct Spec {
    std::string open;       ///< begins a call inside the section; empty: the trigger does
    std::string separator;  ///< ends the header; empty: the trigger is the header
    std::function<Head(std::string_view header)> head = plain_head;
    std::vector<std::string> skip;  ///< markers that may follow the arguments
    std::vector<std::string> end;   ///< markers that end the section
  };
  explicit HeaderForm(Spec spec);

  /// The header is the name and nothing else.
  static Head plain_head(std::string_view header);

  void begin(std::string_view trigger, Calls& calls) override;
  Step take(char c, Calls& calls) override;
  Step end(Calls& calls) override;

 private:
  enum class State { kOpen, kHeader, kBeforeArguments, kArguments, kAfter };
  Step open_marker(char c);
  Step header(char c);
  Step arguments(char c, Calls& calls);
  Step after(char c);
  bool take_head(std::string_view header);

  Spec spec_;
  std::vector<std::string> behind_;  ///< every marker that may stand behind a call
  State state_ = State::kOpen;
  std::string text_;  ///< of the header, or of a marker
  Head head_;
  JsonScanner scanner_;
};

std::string_view trimmed(std::string_view text) noexcept;

}  // namespace shenbi::chat
