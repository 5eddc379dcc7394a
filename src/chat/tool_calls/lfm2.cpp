// LFM2: Python.
//
//   <|tool_call_start|>[get_weather(city='Paris', days=3)]<|tool_call_end|>

#include "chat/readers/call_grammar.h"
#include "chat/readers/python_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax lfm2() {
  ToolSyntax syntax;
  syntax.name = "lfm2";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "<|tool_call_start|>") || mentions(text, "<|tool_list_start|>") ||
           mentions(text, "List of tools: [");
  };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<|tool_call_start|>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<|tool_call_start|>"},
                       std::make_unique<PythonForm>(PythonForm::Options{.end = {"<|tool_call_end|>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    PairStyle style{.key_after = "=", .separator = ", ", .text_before = "\"", .text_after = "\""};
    style.text_rule = "string-rest";
    style.other_rule = "json-value";
    style.rules = R"(string-rest ::= ([^"\\\x00-\x1F] | "\\" ["\\nrt])* "\"")";
    return pairs_grammar(
        tools, parallel, "<|tool_call_start|>[", ", ", "]<|tool_call_end|>",
        [](const Tool& tool) { return Around{tool.name + "(", ")"}; }, style);
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
