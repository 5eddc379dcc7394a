// Qwen3-Coder, Qwen3.5, Nemotron 3, Step 3.5; some leave the outer tag out.
//
//   <tool_call>
//   <function=get_weather>
//   <parameter=city>
//   Paris
//   </parameter>
//   </function>
//   </tool_call>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr const char* kTrigger = "<tool_call>";

TaggedForm::Spec spec() {
  return {.call_open = "<function=",
          .name_end = ">",
          .key_open = "<parameter=",
          .key_end = ">",
          .value_end = "</parameter>",
          .call_close = "</function>",
          .end = {"</tool_call>"},
          .lines = true,
          .between = "\n"};
}

}  // namespace

ToolSyntax qwen3_coder() {
  ToolSyntax syntax;
  syntax.name = "qwen3_coder";
  syntax.rank = 40;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "<function=") && mentions(text, "<parameter=");
  };
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {"<tool_call>"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    std::vector<Section> sections;
    sections.push_back({{kTrigger}, {}, std::make_unique<TaggedForm>(spec())});
    TaggedForm::Spec bare = spec();
    bare.call_open.clear();
    sections.push_back({{"<function="}, {}, std::make_unique<TaggedForm>(bare)});
    return make_reader(tools, parallel, std::move(sections));
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return tagged_grammar(tools, parallel, spec(), kTrigger);
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
