// No form of its own: a JSON object that is the whole answer, bare or in a code fence.
//
//   {"name": "get_weather", "arguments": {"city": "Paris"}}

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax plain() {
  ToolSyntax syntax;
  syntax.name = "plain";
  syntax.rank = 1000;
  syntax.recognises = [](std::string_view) { return true; };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.leading = {"{", "[", "```json\n"};
  syntax.section = "";
  syntax.leading_section = R"(root | "```json\n" root "\n```")";
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    JsonForm::Keys keys{.ignore = {"type"}};
    std::vector<Section> sections;
    sections.push_back({{}, {"{", "["}, std::make_unique<JsonForm>(keys, JsonForm::Options{.bare = true})});
    sections.push_back(
        {{}, {"```json\n"}, std::make_unique<JsonForm>(keys, JsonForm::Options{.end = {"```"}, .bare = true})});
    return make_reader(tools, parallel, std::move(sections));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "", "\n", "", [](const Tool& tool) { return json_call(tool); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
