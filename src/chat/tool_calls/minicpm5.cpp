// MiniCPM 5:
//
//   <function name="get_weather"><param name="city">Paris</param></function>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr const char* kTrigger = "<function name=\"";

TaggedForm::Spec spec() {
  return {.name_end = "\">",
          .key_open = "<param name=\"",
          .key_end = "\">",
          .value_end = "</param>",
          .call_close = "</function>"};
}

}  // namespace

ToolSyntax minicpm5() {
  ToolSyntax syntax;
  syntax.name = "minicpm5";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<param name="); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<function name=\""};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    std::vector<Section> sections;
    sections.push_back({{kTrigger}, {}, std::make_unique<TaggedForm>(spec())});
    return make_reader(tools, parallel, std::move(sections));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return tagged_grammar(tools, parallel, spec(), kTrigger);
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
