// DeepSeek V3 and R1 with their distillations:
//
//   <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
//   ```json
//   {"city": "Paris"}
//   ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>

#include "chat/readers/call_grammar.h"
#include "chat/readers/header_form.h"

namespace shenbi::chat::tool_calls {
namespace {

HeaderForm::Head typed_head(std::string_view header) {
  constexpr std::string_view kSeparator = "<｜tool▁sep｜>";
  const size_t at = header.find(kSeparator);
  if (at == std::string_view::npos) return {};
  return HeaderForm::plain_head(header.substr(at + kSeparator.size()));
}

}  // namespace

ToolSyntax deepseek() {
  ToolSyntax syntax;
  syntax.name = "deepseek";
  syntax.rank = 35;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "<｜tool▁calls▁begin｜>") && mentions(text, "```json");
  };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<｜tool▁calls▁begin｜>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<｜tool▁calls▁begin｜>"},
                       std::make_unique<HeaderForm>(HeaderForm::Spec{.open = "<｜tool▁call▁begin｜>",
                                                                     .separator = "```json",
                                                                     .head = typed_head,
                                                                     .skip = {"```", "<｜tool▁call▁end｜>"},
                                                                     .end = {"<｜tool▁calls▁end｜>"}}));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<｜tool▁calls▁begin｜>", "\n", "<｜tool▁calls▁end｜>", [](const Tool& tool) {
      return Around{"<｜tool▁call▁begin｜>function<｜tool▁sep｜>" + tool.name + "\n```json\n",
                    "\n```<｜tool▁call▁end｜>"};
    });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
