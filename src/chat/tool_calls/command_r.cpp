// Command R: actions, with thinking and response markers (R7B, A), or in a code fence behind "Action:" (R, R+).
//
//   <|START_ACTION|>[{"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Paris"}}]<|END_ACTION|>
//
// The numbers count from 0 in every turn, so they are no ids.

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax command_r() {
  ToolSyntax syntax;
  syntax.name = "command_r";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<|START_OF_TURN_TOKEN|>"); };
  syntax.thinking_begin = "<|START_THINKING|>";
  syntax.thinking_end = "<|END_THINKING|>";
  syntax.triggers = {"<|START_ACTION|>", "Action: ```json", "Action:\n```json"};
  syntax.section = R"(root | "Action:" [ \n] "```json\n[" calls "]\n```")";
  syntax.framed = true;
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    const JsonForm::Keys keys{.name = {"tool_name"}, .arguments = {"parameters"}, .ignore = {"tool_call_id"}};
    std::vector<Section> sections;
    sections.push_back(
        {{"<|START_ACTION|>"}, {}, std::make_unique<JsonForm>(keys, JsonForm::Options{.end = {"<|END_ACTION|>"}})});
    sections.push_back({{"Action: ```json", "Action:\n```json"},
                        {},
                        std::make_unique<JsonForm>(keys, JsonForm::Options{.end = {"```"}})});
    return make_reader(tools, parallel, std::move(sections),
                       {.silent = {"<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"}});
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "<|START_ACTION|>[", ", ", "]<|END_ACTION|>",
                         [](const Tool& tool) { return json_call(tool, "tool_name", "parameters"); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
