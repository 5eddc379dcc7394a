// Apertus: an object whose one key is the name.
//
//   <|tools_prefix|>[{"get_weather": {"city": "Paris"}}]<|tools_suffix|>

#include "chat/readers/argument_value.h"
#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax apertus() {
  ToolSyntax syntax;
  syntax.name = "apertus";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<|tools_prefix|>"); };
  syntax.thinking_begin = "<|inner_prefix|>";
  syntax.thinking_end = "<|inner_suffix|>";
  syntax.triggers = {"<|tools_prefix|>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<|tools_prefix|>"},
                       std::make_unique<JsonForm>(JsonForm::Keys{.name_is_key = true},
                                                  JsonForm::Options{.end = {"<|tools_suffix|>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<|tools_prefix|>[", ", ", "]<|tools_suffix|>",
                         [](const Tool& tool) { return Around{"{" + json_string(tool.name) + ": ", "}"}; });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
