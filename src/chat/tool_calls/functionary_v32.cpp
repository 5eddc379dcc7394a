// Functionary 3.2: the recipient of each part stands in front of it; text goes to "all". The prompt ends in the first
// ">>>".
//
//   >>>all
//   Looking.>>>get_weather
//   {"city": "Paris"}

#include "chat/readers/call_grammar.h"
#include "chat/readers/header_form.h"

namespace shenbi::chat::tool_calls {
namespace {

HeaderForm::Head recipient(std::string_view header) {
  if (header.starts_with(">>>")) header.remove_prefix(3);
  return HeaderForm::plain_head(header);
}

}  // namespace

ToolSyntax functionary_v32() {
  ToolSyntax syntax;
  syntax.name = "functionary_v32";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, ">>>all"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.framed = true;
  syntax.named = [](const std::vector<Tool>& tools) {
    std::vector<std::string> first, later;
    for (const Tool& tool : tools) {
      first.push_back(tool.name + "\n");
      later.push_back(">>>" + tool.name + "\n");
    }
    return std::pair(std::move(later), std::move(first));
  };
  syntax.section = "\">>>\" root";
  syntax.leading_section = "root";
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    std::vector<std::string> first, later;
    for (const Tool& tool : tools) {
      first.push_back(tool.name + "\n");
      later.push_back(">>>" + tool.name + "\n");
    }
    std::vector<Section> sections;
    sections.push_back({later, first, std::make_unique<HeaderForm>(HeaderForm::Spec{.head = recipient})});
    return make_reader(tools, parallel, std::move(sections), {.silent = {">>>all\n"}, .silent_leading = {"all\n"}});
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "", ">>>", "", [](const Tool& tool) { return Around{tool.name + "\n", ""}; });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
