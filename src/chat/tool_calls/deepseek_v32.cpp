// DeepSeek V3.2 (V4 names the section tool_calls):
//
//   <｜DSML｜function_calls>
//   <｜DSML｜invoke name="get_weather">
//   <｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>
//   </｜DSML｜invoke>
//   </｜DSML｜function_calls>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax deepseek_v32() {
  ToolSyntax syntax = tagged_syntax("<｜DSML｜function_calls>", {.call_open = "<｜DSML｜invoke name=\"",
                                                                 .name_end = "\">",
                                                                 .key_open = "<｜DSML｜parameter name=\"",
                                                                 .key_end = "\"",
                                                                 .value_end = "</｜DSML｜parameter>",
                                                                 .call_close = "</｜DSML｜invoke>",
                                                                 .end = {"</｜DSML｜function_calls>"},
                                                                 .shared_section = true,
                                                                 .between = "\n",
                                                                 .text_attribute = "string=\"true\"",
                                                                 .other_attribute = "string=\"false\""});
  syntax.name = "deepseek_v32";
  syntax.rank = 20;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "function_calls") && mentions(text, "｜DSML｜");
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
