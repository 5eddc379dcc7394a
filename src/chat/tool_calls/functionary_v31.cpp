// Functionary 3.1:
//
//   <function=get_weather>{"city": "Paris"}</function>

#include "chat/readers/call_grammar.h"
#include "chat/readers/header_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax functionary_v31() {
  ToolSyntax syntax;
  syntax.name = "functionary_v31";
  syntax.rank = 45;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "<function=") && mentions(text, "<|start_header_id|>");
  };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<function="};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<function="},
                       std::make_unique<HeaderForm>(HeaderForm::Spec{.separator = ">", .end = {"</function>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "", "", "",
                         [](const Tool& tool) { return Around{"<function=" + tool.name + ">", "</function>"}; });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
