// Seed-OSS:
//
//   <seed:tool_call>
//   <function=get_weather>
//   <parameter=city>Paris</parameter>
//   </function>
//   </seed:tool_call>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr const char* kTrigger = "<seed:tool_call>";

TaggedForm::Spec spec() {
  return {.call_open = "<function=",
          .name_end = ">",
          .key_open = "<parameter=",
          .key_end = ">",
          .value_end = "</parameter>",
          .call_close = "</function>",
          .end = {"</seed:tool_call>"},
          .between = "\n"};
}

}  // namespace

ToolSyntax seed_oss() {
  ToolSyntax syntax;
  syntax.name = "seed_oss";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<seed:tool_call>"); };
  syntax.thinking_begin = "<seed:think>";
  syntax.thinking_end = "</seed:think>";
  syntax.triggers = {"<seed:tool_call>"};
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
