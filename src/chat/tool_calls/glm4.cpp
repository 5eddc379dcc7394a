// GLM-4: the name on a line, the arguments on the next.
//
//   get_weather
//   {"city": "Paris"}

#include "chat/readers/call_grammar.h"
#include "chat/readers/header_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax glm4() {
  ToolSyntax syntax;
  syntax.name = "glm4";
  syntax.rank = 75;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<|observation|>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.named = [](const std::vector<Tool>& tools) {
    std::vector<std::string> leading;
    for (const Tool& tool : tools) leading.push_back(tool.name + "\n");
    return std::pair(std::vector<std::string>(), std::move(leading));
  };
  syntax.section = "";
  syntax.leading_section = "root";
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    std::vector<std::string> leading;
    for (const Tool& tool : tools) leading.push_back(tool.name + "\n");
    std::vector<Section> sections;
    sections.push_back({{}, std::move(leading), std::make_unique<HeaderForm>(HeaderForm::Spec{})});
    return make_reader(tools, parallel, std::move(sections));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, false, "", "", "", [](const Tool& tool) { return Around{tool.name + "\n", ""}; });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
