// GLM-4.5 to 4.7, Ling 3, Laguna, Spark 2.5; with or without line breaks between the tags.
//
//   <tool_call>get_weather
//   <arg_key>city</arg_key>
//   <arg_value>Paris</arg_value>
//   </tool_call>

#include "chat/readers/tagged_form.h"

namespace shenbi::chat::tool_calls {

ToolSyntax glm45() {
  ToolSyntax syntax = tagged_syntax("<tool_call>", {.key_open = "<arg_key>",
                                                    .key_end = "</arg_key>",
                                                    .value_open = "<arg_value>",
                                                    .value_end = "</arg_value>",
                                                    .call_close = "</tool_call>",
                                                    .between = "\n"});
  syntax.name = "glm45";
  syntax.rank = 40;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<arg_key>"); };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
