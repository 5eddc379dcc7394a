// DeepSeek V4: V3.2's form in a section of another name.
//
//   <｜DSML｜tool_calls>
//   <｜DSML｜invoke name="get_weather">
//   <｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>
//   </｜DSML｜invoke>
//   </｜DSML｜tool_calls>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax deepseek_v4() {
  ToolSyntax syntax = tagged_syntax("<｜DSML｜tool_calls>", {.call_open = "<｜DSML｜invoke name=\"",
                                                             .name_end = "\">",
                                                             .key_open = "<｜DSML｜parameter name=\"",
                                                             .key_end = "\"",
                                                             .value_end = "</｜DSML｜parameter>",
                                                             .call_close = "</｜DSML｜invoke>",
                                                             .end = {"</｜DSML｜tool_calls>"},
                                                             .shared_section = true,
                                                             .between = "\n",
                                                             .text_attribute = "string=\"true\"",
                                                             .other_attribute = "string=\"false\""});
  syntax.name = "deepseek_v4";
  syntax.rank = 21;
  syntax.recognises = [](std::string_view text) { return mentions(text, "｜DSML｜"); };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
