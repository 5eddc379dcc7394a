// Llama 3.1 to 3.3: an object that is the whole answer, or stands behind <|python_tag|>; several with ";" between them.
// Llama 3.2 and 4 also write Python: [get_weather(city='Paris')].
//
//   {"name": "get_weather", "parameters": {"city": "Paris"}}

#include "chat/readers/call_grammar.h"
#include "chat/readers/json_form.h"
#include "chat/readers/python_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax llama3() {
  ToolSyntax syntax;
  syntax.name = "llama3";
  syntax.rank = 80;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "<|start_header_id|>") || mentions(text, "<|header_start|>");
  };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<|python_tag|>"};
  syntax.leading = {"{", "["};
  syntax.section = "\"<|python_tag|>\" root";
  syntax.leading_section = "root";
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    const JsonForm::Keys keys{.ignore = {"type"}};
    std::vector<Section> sections;
    sections.push_back({{"<|python_tag|>"}, {}, std::make_unique<JsonForm>(keys, JsonForm::Options())});
    sections.push_back({{}, {"{"}, std::make_unique<JsonForm>(keys, JsonForm::Options{.bare = true})});
    sections.push_back({{}, {"["}, std::make_unique<PythonForm>(PythonForm::Options{.bare = true})});
    return make_reader(tools, parallel, std::move(sections));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "", "; ", "",
                         [](const Tool& tool) { return json_call(tool, "name", "parameters"); });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
