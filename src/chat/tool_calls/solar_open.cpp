// Solar Open:
//
//   <|tool_calls|><|tool_call:begin|>ID<|tool_call:name|>get_weather<|tool_call:args|>{"city":
//   "Paris"}<|tool_call:end|><|calls|>

#include "chat/readers/call_grammar.h"
#include "chat/readers/header_form.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr std::string_view kConstrainedId = "call";

HeaderForm::Head id_and_name(std::string_view header) {
  constexpr std::string_view kSeparator = "<|tool_call:name|>";
  const size_t at = header.find(kSeparator);
  if (at == std::string_view::npos) return {};
  const std::string_view id = trimmed(header.substr(0, at));
  // Under the grammar below every call has this id, so it is none.
  return {std::string(trimmed(header.substr(at + kSeparator.size()))), std::string(id == kConstrainedId ? "" : id)};
}

}  // namespace

ToolSyntax solar_open() {
  ToolSyntax syntax;
  syntax.name = "solar_open";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<|tool_call:begin|>"); };
  syntax.thinking_begin = "<|think|>";
  syntax.thinking_end = "<|end|>";
  syntax.triggers = {"<|tool_calls|>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<|tool_calls|>"},
                       std::make_unique<HeaderForm>(HeaderForm::Spec{.open = "<|tool_call:begin|>",
                                                                     .separator = "<|tool_call:args|>",
                                                                     .head = id_and_name,
                                                                     .skip = {"<|tool_call:end|>"},
                                                                     .end = {"<|calls|>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<|tool_calls|>", "", "", [](const Tool& tool) {
      return Around{"<|tool_call:begin|>call<|tool_call:name|>" + tool.name + "<|tool_call:args|>",
                    "<|tool_call:end|>"};
    });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
