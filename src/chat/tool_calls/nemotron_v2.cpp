// Nemotron Nano 2:
//
//   <TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Paris"}}]</TOOLCALL>

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax nemotron_v2() {
  ToolSyntax syntax;
  syntax.name = "nemotron_v2";
  syntax.rank = 50;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<TOOLCALL>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<TOOLCALL>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<TOOLCALL>"},
                       std::make_unique<JsonForm>(JsonForm::Keys(), JsonForm::Options{.end = {"</TOOLCALL>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<TOOLCALL>[", ", ", "]</TOOLCALL>",
                         [](const Tool& tool) { return json_call(tool); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
