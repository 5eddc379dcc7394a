// Granite 3:
//
//   <|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}]

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax granite() {
  ToolSyntax syntax;
  syntax.name = "granite";
  syntax.rank = 50;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "<|start_of_role|>") && !mentions(text, "<tool_call>");
  };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<|tool_call|>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<|tool_call|>"},
                       std::make_unique<JsonForm>(JsonForm::Keys(), JsonForm::Options{.end = {}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<|tool_call|>[", ", ", "]",
                         [](const Tool& tool) { return json_call(tool); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
