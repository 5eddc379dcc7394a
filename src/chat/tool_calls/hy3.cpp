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

ToolSyntax hy3() {
  ToolSyntax syntax = tagged_syntax("<tool_calls:opensource>", {.call_open = "<tool_call:opensource>",
                                                                .name_end = "<tool_sep:opensource>",
                                                                .key_open = "<arg_key:opensource>",
                                                                .key_end = "</arg_key:opensource>",
                                                                .value_open = "<arg_value:opensource>",
                                                                .value_end = "</arg_value:opensource>",
                                                                .call_close = "</tool_call:opensource>",
                                                                .end = {"</tool_calls:opensource>"},
                                                                .shared_section = true,
                                                                .between = "\n"});
  syntax.name = "hy3";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "｜hy_"); };
  syntax.thinking_begin = "<think:opensource>";
  syntax.thinking_end = "</think:opensource>";
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
