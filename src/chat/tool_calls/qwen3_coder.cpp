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

ToolSyntax qwen3_coder() {
  ToolSyntax syntax = tagged_syntax("<tool_call>",
                                    {.call_open = "<function=",
                                     .name_end = ">",
                                     .key_open = "<parameter=",
                                     .key_end = ">",
                                     .value_end = "</parameter>",
                                     .call_close = "</function>",
                                     .end = {"</tool_call>"},
                                     .lines = true,
                                     .between = "\n"},
                                    true);
  syntax.name = "qwen3_coder";
  syntax.rank = 40;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "<function=") && mentions(text, "<parameter=");
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
