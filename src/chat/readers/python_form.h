#pragma once
// Calls written as Python: [get_weather(city='Paris', days=3), noop()]. A call is passed on when its bracket closes.

#include <string>
#include <string_view>
#include <vector>

#include "chat/readers/call_reader.h"

namespace shenbi::chat {

class PythonForm final : public Form {
 public:
  struct Options {
    std::vector<std::string> end;  ///< markers that may close the section
    bool bare = false;             ///< what is no call is ordinary text, without a warning
  };
  explicit PythonForm(Options options) : options_(std::move(options)) {}

  void begin(std::string_view trigger, Calls& calls) override;
  Step take(char c, Calls& calls) override;
  Step end(Calls& calls) override;

 private:
  enum class State { kBefore, kName, kArguments, kAfter };
  Step name(char c);
  Step arguments(char c, Calls& calls);
  Step after(char c, Calls& calls);

  Options options_;
  State state_ = State::kBefore;
  bool in_list_ = false, separated_ = false;
  std::string name_, text_;
  int depth_ = 0;
  char quote_ = 0;
  bool escape_ = false;
  std::string tail_;
};

}  // namespace shenbi::chat
