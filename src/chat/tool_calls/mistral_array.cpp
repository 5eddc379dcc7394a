// Mistral's first form (Nemo, 7B v0.3, Large 2):
//
//   [TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "9charsID0"}]

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {
ToolSyntax mistral_array() {
  ToolSyntax syntax;
  syntax.name = "mistral_array";
  syntax.rank = 21;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "[TOOL_CALLS]") || mentions(text, "[AVAILABLE_TOOLS]");
  };
  syntax.thinking_begin = "[THINK]";
  syntax.thinking_end = "[/THINK]";
  syntax.triggers = {"[TOOL_CALLS]"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    std::vector<Section> sections;
    sections.push_back(
        {{"[TOOL_CALLS]"}, {}, std::make_unique<JsonForm>(JsonForm::Keys{.id = {"id"}}, JsonForm::Options())});
    return make_reader(tools, parallel, std::move(sections), {.make_id = nine_letter_id});
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "[TOOL_CALLS][", ", ", "]", [](const Tool& tool) { return json_call(tool); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
