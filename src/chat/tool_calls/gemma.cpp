// Gemma 1 to 3 know calls from their prompt alone: JSON or Python, bare or in a code fence.
//
//   {"name": "get_weather", "parameters": {"city": "Paris"}}
//   ```tool_code
//   get_weather(city="Paris")
//   ```

#include "chat/readers/call_grammar.h"
#include "chat/readers/either_form.h"
#include "chat/readers/json_form.h"
#include "chat/readers/python_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax gemma() {
  ToolSyntax syntax;
  syntax.name = "gemma";
  syntax.rank = 70;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<start_of_turn>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"```tool_code\n", "```tool_call\n"};
  syntax.leading = {"```json\n", "{", "["};
  syntax.section = R"("```tool_call\n" root "\n```")";
  syntax.leading_section = R"(root | "```json\n" root "\n```")";
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    const JsonForm::Keys keys{.ignore = {"type"}};
    std::vector<Section> sections;
    sections.push_back({{"```tool_code\n"}, {}, std::make_unique<PythonForm>(PythonForm::Options{.end = {"```"}})});
    sections.push_back(
        {{"```tool_call\n"}, {}, std::make_unique<JsonForm>(keys, JsonForm::Options{.end = {"```"}, .bare = true})});
    sections.push_back(
        {{}, {"```json\n"}, std::make_unique<JsonForm>(keys, JsonForm::Options{.end = {"```"}, .bare = true})});
    sections.push_back({{}, {"{"}, std::make_unique<JsonForm>(keys, JsonForm::Options{.bare = true})});
    sections.push_back(
        {{},
         {"["},
         std::make_unique<EitherForm>("{", std::make_unique<JsonForm>(keys, JsonForm::Options{.bare = true}),
                                      std::make_unique<PythonForm>(PythonForm::Options{.bare = true}))});
    return make_reader(tools, parallel, std::move(sections));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "", "\n", "",
                         [](const Tool& tool) { return json_call(tool, "name", "parameters"); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
