// FireFunction 2:
//
//    functools[{"name": "get_weather", "arguments": {"city": "Paris"}}]

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax firefunction() {
  ToolSyntax syntax;
  syntax.name = "firefunction";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "functools["); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"functools"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"functools"},
                       std::make_unique<JsonForm>(JsonForm::Keys(), JsonForm::Options{.end = {}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "functools[", ", ", "]", [](const Tool& tool) { return json_call(tool); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
