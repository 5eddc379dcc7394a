// Hunyuan 3:
//
//   <tool_calls:opensource>
//   <tool_call:opensource>get_weather<tool_sep:opensource>
//   <arg_key:opensource>city</arg_key:opensource>
//   <arg_value:opensource>Paris</arg_value:opensource>
//   </tool_call:opensource>
//   </tool_calls:opensource>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr const char* kTrigger = "<tool_calls:opensource>";

TaggedForm::Spec spec() {
  return {.call_open = "<tool_call:opensource>",
          .name_end = "<tool_sep:opensource>",
          .key_open = "<arg_key:opensource>",
          .key_end = "</arg_key:opensource>",
          .value_open = "<arg_value:opensource>",
          .value_end = "</arg_value:opensource>",
          .call_close = "</tool_call:opensource>",
          .end = {"</tool_calls:opensource>"},
          .shared_section = true,
          .between = "\n"};
}

}  // namespace

ToolSyntax hy3() {
  ToolSyntax syntax;
  syntax.name = "hy3";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "｜hy_"); };
  syntax.thinking_begin = "<think:opensource>";
  syntax.thinking_end = "</think:opensource>";
  syntax.triggers = {"<tool_calls:opensource>"};
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
