// MiniCPM 5:
//
//   <function name="get_weather"><param name="city">Paris</param></function>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax minicpm5() {
  ToolSyntax syntax = tagged_syntax("<function name=\"", {.name_end = "\">",
                                                          .key_open = "<param name=\"",
                                                          .key_end = "\">",
                                                          .value_end = "</param>",
                                                          .call_close = "</function>"});
  syntax.name = "minicpm5";
  syntax.rank = 30;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<param name="); };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
