// GigaChat 3: the marker is <|function_call|>, or the header of a message with that role.
//
//   <|function_call|>{"name": "get_weather", "arguments": {"city": "Paris"}}

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax gigachat() {
  ToolSyntax syntax;
  syntax.name = "gigachat";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<|role_sep|>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<|function_call|>", "<|message_sep|>\n\nfunction call<|role_sep|>\n"};
  syntax.section = R"(root | "<|message_sep|>\n\nfunction call<|role_sep|>\n" calls)";
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<|function_call|>", "<|message_sep|>\n\nfunction call<|role_sep|>\n"},
                       std::make_unique<JsonForm>());
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<|function_call|>", "<|function_call|>", "",
                         [](const Tool& tool) { return json_call(tool); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
