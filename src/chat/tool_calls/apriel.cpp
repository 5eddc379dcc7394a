// Apriel (an array) and MiniMax-M1 (an object a line):
//
//   <tool_calls>[{"name": "get_weather", "arguments": {"city": "Paris"}}]</tool_calls>

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax apriel() {
  ToolSyntax syntax;
  syntax.name = "apriel";
  syntax.rank = 50;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<tool_calls>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<tool_calls>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<tool_calls>"},
                       std::make_unique<JsonForm>(JsonForm::Keys(), JsonForm::Options{.end = {"</tool_calls>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<tool_calls>[", ", ", "]</tool_calls>",
                         [](const Tool& tool) { return json_call(tool); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
