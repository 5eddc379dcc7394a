// Seed-OSS:
//
//   <seed:tool_call>
//   <function=get_weather>
//   <parameter=city>Paris</parameter>
//   </function>
//   </seed:tool_call>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax seed_oss() {
  ToolSyntax syntax = tagged_syntax("<seed:tool_call>", {.call_open = "<function=",
                                                         .name_end = ">",
                                                         .key_open = "<parameter=",
                                                         .key_end = ">",
                                                         .value_end = "</parameter>",
                                                         .call_close = "</function>",
                                                         .end = {"</seed:tool_call>"},
                                                         .between = "\n"});
  syntax.name = "seed_oss";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<seed:tool_call>"); };
  syntax.thinking_begin = "<seed:think>";
  syntax.thinking_end = "</seed:think>";
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
