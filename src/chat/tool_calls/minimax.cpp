// MiniMax-M2:
//
//   <minimax:tool_call>
//   <invoke name="get_weather">
//   <parameter name="city">Paris</parameter>
//   </invoke>
//   </minimax:tool_call>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax minimax() {
  ToolSyntax syntax = tagged_syntax("<minimax:tool_call>", {.call_open = "<invoke name=\"",
                                                            .name_end = "\">",
                                                            .key_open = "<parameter name=\"",
                                                            .key_end = "\">",
                                                            .value_end = "</parameter>",
                                                            .call_close = "</invoke>",
                                                            .end = {"</minimax:tool_call>"},
                                                            .shared_section = true,
                                                            .between = "\n"});
  syntax.name = "minimax";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<minimax:tool_call>"); };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
