// Hermes 2 and 3, Qwen 2.5 and 3, QwQ, Granite 4 and many that follow them:
//
//   <tool_call>
//   {"name": "get_weather", "arguments": {"city": "Paris"}}
//   </tool_call>

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax hermes() {
  ToolSyntax syntax;
  syntax.name = "hermes";
  syntax.rank = 60;
  syntax.recognises = [](std::string_view text) {
    // MiniMax-M3 puts a sign of its own in front of every tag of another form.
    return mentions(text, "<tool_call>") && !mentions(text, "]<]minimax[>[");
  };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<tool_call>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<tool_call>"},
                       std::make_unique<JsonForm>(JsonForm::Keys(), JsonForm::Options{.end = {"</tool_call>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<tool_call>\n", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>",
                         [](const Tool& tool) { return json_call(tool); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
