// DeepSeek V3.1:
//
//   <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city":
//   "Paris"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>

#include "chat/readers/call_grammar.h"
#include "chat/readers/header_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax deepseek_v31() {
  ToolSyntax syntax;
  syntax.name = "deepseek_v31";
  syntax.rank = 36;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<｜tool▁calls▁begin｜>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<｜tool▁calls▁begin｜>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<｜tool▁calls▁begin｜>"},
                       std::make_unique<HeaderForm>(HeaderForm::Spec{.open = "<｜tool▁call▁begin｜>",
                                                                     .separator = "<｜tool▁sep｜>",
                                                                     .skip = {"<｜tool▁call▁end｜>"},
                                                                     .end = {"<｜tool▁calls▁end｜>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<｜tool▁calls▁begin｜>", "", "<｜tool▁calls▁end｜>", [](const Tool& tool) {
      return Around{"<｜tool▁call▁begin｜>" + tool.name + "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"};
    });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
