// Kimi K2: the header is the call's id, which holds the name.
//
//   <|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}
//   <|tool_call_end|><|tool_calls_section_end|>

#include "chat/readers/call_grammar.h"
#include "chat/readers/header_form.h"

namespace shenbi::chat::tool_calls {
namespace {

HeaderForm::Head numbered_head(std::string_view header) {
  const std::string_view id = trimmed(header);
  std::string_view name = id.substr(0, id.rfind(':'));
  constexpr std::string_view kPrefix = "functions.";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  return {std::string(name), std::string(id)};
}

}  // namespace

ToolSyntax kimi_k2() {
  ToolSyntax syntax;
  syntax.name = "kimi_k2";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<|tool_calls_section_begin|>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<|tool_calls_section_begin|>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<|tool_calls_section_begin|>"},
                       std::make_unique<HeaderForm>(HeaderForm::Spec{.open = "<|tool_call_begin|>",
                                                                     .separator = "<|tool_call_argument_begin|>",
                                                                     .head = numbered_head,
                                                                     .skip = {"<|tool_call_end|>"},
                                                                     .end = {"<|tool_calls_section_end|>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    // The number counts the conversation's calls; the grammar cannot know it.
    return calls_grammar(tools, parallel, "<|tool_calls_section_begin|>", "", "<|tool_calls_section_end|>",
                         [](const Tool& tool) {
                           return Around{"<|tool_call_begin|>functions." + tool.name + ":", "<|tool_call_end|>",
                                         "number"};
                         }) +
           "number ::= [0-9]{1,4} \"<|tool_call_argument_begin|>\"\n";
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
