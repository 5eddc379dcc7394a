// GLM-4.5 to 4.7, Ling 3, Laguna, Spark 2.5; with or without line breaks between the tags.
//
//   <tool_call>get_weather
//   <arg_key>city</arg_key>
//   <arg_value>Paris</arg_value>
//   </tool_call>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr const char* kTrigger = "<tool_call>";

TaggedForm::Spec spec() {
  return {.key_open = "<arg_key>",
          .key_end = "</arg_key>",
          .value_open = "<arg_value>",
          .value_end = "</arg_value>",
          .call_close = "</tool_call>",
          .between = "\n"};
}

}  // namespace

ToolSyntax glm45() {
  ToolSyntax syntax;
  syntax.name = "glm45";
  syntax.rank = 40;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<arg_key>"); };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<tool_call>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    std::vector<Section> sections;
    sections.push_back({{kTrigger}, {}, std::make_unique<TaggedForm>(spec())});
    return make_reader(tools, parallel, std::move(sections));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return tagged_grammar(tools, parallel, spec(), kTrigger);
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
