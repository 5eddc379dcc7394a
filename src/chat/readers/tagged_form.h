#pragma once
// Calls written as tags, a tag an argument. What a value is (text, number, object) the tool's schema says.
//
//   <function=get_weather><parameter=city>Paris</parameter></function>
//   <tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>
//
// Text values stream; others wait until their tag closes, because only the whole shows whether they are JSON.

#include <string>
#include <string_view>
#include <vector>

#include "chat/readers/call_reader.h"

namespace shenbi::chat {

class TaggedForm final : public Form {
 public:
  struct Spec {
    std::string call_open;  ///< in front of the name; empty: the trigger is
    std::string name_end;   ///< behind the name; empty: a line break or the next tag
    std::string key_open, key_end;
    std::string value_open;  ///< between key_end and the value, behind white space; may be empty
    std::string value_end;
    std::string call_close;
    std::vector<std::string> end;  ///< markers that end the section
    bool lines = false;            ///< a line break on either side of a value is not part of it
    bool shared_section = false;   ///< several calls stand in one section; else each has its own
    std::string between;           ///< white space that the family puts between tags
    /// Between key_end and ">" stands an attribute that says whether the value is text.
    std::string text_attribute, other_attribute;
  };
  explicit TaggedForm(Spec spec);

  void begin(std::string_view trigger, Calls& calls) override;
  Step take(char c, Calls& calls) override;
  Step end(Calls& calls) override;

 private:
  enum class State { kOpen, kName, kBody, kKey, kAttribute, kValueOpen, kValue, kAfter };
  Step marker(char c, const std::vector<std::string>& markers, bool& whole);
  Step open(char c);
  Step name(char c, Calls& calls);
  Step body(char c, Calls& calls);
  Step key(char c, Calls& calls);
  Step attribute(char c, Calls& calls);
  Step value_open(char c, Calls& calls);
  Step value(char c, Calls& calls);
  Step after(char c);
  void name_read(Calls& calls);
  void begin_value(Calls& calls);
  void stream_text(Calls& calls, bool last);

  Spec spec_;
  std::vector<std::string> in_body_, behind_;
  State state_ = State::kOpen;
  std::string text_;  ///< of a name, a key or a marker
  std::string key_;
  std::string value_;  ///< not yet passed on
  bool first_ = true;  ///< argument of the call
  bool is_text_ = false, value_begun_ = false;
  const Tool* tool_ = nullptr;
};

/// A family that writes calls in this form and thinks between <think> and </think>: its name, rank and sign are left to
/// fill in. `trigger` opens the section. Where `or_bare`, the section's tag may be missing.
ToolSyntax tagged_syntax(std::string trigger, TaggedForm::Spec spec, bool or_bare = false);

}  // namespace shenbi::chat
