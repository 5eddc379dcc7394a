// MiniMax-M2:
//
//   <minimax:tool_call>
//   <invoke name="get_weather">
//   <parameter name="city">Paris</parameter>
//   </invoke>
//   </minimax:tool_call>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr const char* kTrigger = "<minimax:tool_call>";

TaggedForm::Spec spec() {
  return {.call_open = "<invoke name=\"",
          .name_end = "\">",
          .key_open = "<parameter name=\"",
          .key_end = "\">",
          .value_end = "</parameter>",
          .call_close = "</invoke>",
          .end = {"</minimax:tool_call>"},
          .shared_section = true,
          .between = "\n"};
}

}  // namespace

ToolSyntax minimax() {
  ToolSyntax syntax;
  syntax.name = "minimax";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<minimax:tool_call>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<minimax:tool_call>"};
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
