#pragma once
// Calls written as JSON objects: one, several behind each other, or an array of them.
//
//   {"name": "get_weather", "arguments": {"city": "Paris"}}
//
// The keys differ between families. Arguments stream once the name is known; where the name comes last they wait for
// it.

#include <string>
#include <string_view>
#include <vector>

#include "chat/readers/call_reader.h"
#include "chat/readers/json_scanner.h"

namespace shenbi::chat {

class JsonForm final : public Form {
 public:
  struct Keys {
    std::vector<std::string> name = {"name"};
    std::vector<std::string> arguments = {"arguments", "parameters"};
    std::vector<std::string> id;      ///< the call's id, if the family writes one that counts
    std::vector<std::string> ignore;  ///< other keys that occur in calls
    /// {"get_weather": {"city": "Paris"}}: the key is the name.
    bool name_is_key = false;
  };
  struct Options {
    std::vector<std::string> end;  ///< markers that may close the section
    /// The trigger is the value's first byte or a code fence: an object whose keys are not a call's is ordinary text.
    bool bare = false;
  };
  JsonForm() = default;
  JsonForm(Keys keys, Options options) : keys_(std::move(keys)), options_(std::move(options)) {}

  void begin(std::string_view trigger, Calls& calls) override;
  Step take(char c, Calls& calls) override;
  Step end(Calls& calls) override;

 private:
  enum class State { kBefore, kKey, kInKey, kColon, kName, kId, kArguments, kOther, kNext, kBetween };
  Step before(char c, Calls& calls);
  Step key(char c, Calls& calls);
  Step key_read();
  Step value(char c, Calls& calls);
  Step value_read(Calls& calls);
  Step arguments_byte(char c, Calls& calls);
  Step next(char c, Calls& calls);
  Step object_read(Calls& calls);
  Step between(char c, Calls& calls);
  void begin_object();
  void open(Calls& calls);

  Keys keys_;
  Options options_;
  State state_ = State::kBefore;
  State value_ = State::kOther;  ///< what the key says of the value behind it
  bool in_array_ = false;
  JsonScanner scanner_;
  std::string text_;  ///< the key or value being read
  std::string name_, id_, arguments_;
  bool opened_ = false;  ///< the call is announced, arguments go out as they come
  bool has_name_ = false, has_arguments_ = false;
  bool separated_ = false;  ///< a comma behind the last call: another must follow
  std::string tail_;        ///< of an end marker
};

}  // namespace shenbi::chat
