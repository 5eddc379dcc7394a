// Mistral: the name and its arguments (Small 3.2, Devstral, Ministral 3, Magistral); the array of older models is read
// as well.
//
//   [TOOL_CALLS]get_weather[CALL_ID]9charsID0[ARGS]{"city": "Paris"}

#include "chat/readers/call_grammar.h"
#include "chat/readers/either_form.h"
#include "chat/readers/header_form.h"
#include "chat/readers/json_form.h"

namespace shenbi::chat::tool_calls {
namespace {

HeaderForm::Head name_and_id(std::string_view header) {
  constexpr std::string_view kSeparator = "[CALL_ID]";
  const size_t at = header.find(kSeparator);
  if (at == std::string_view::npos) return HeaderForm::plain_head(header);
  return {std::string(trimmed(header.substr(0, at))), std::string(trimmed(header.substr(at + kSeparator.size())))};
}

}  // namespace

ToolSyntax mistral() {
  ToolSyntax syntax;
  syntax.name = "mistral";
  syntax.rank = 20;
  syntax.recognises = [](std::string_view text) { return mentions(text, "[TOOL_CALLS]") && mentions(text, "[ARGS]"); };
  syntax.thinking_begin = "[THINK]";
  syntax.thinking_end = "[/THINK]";
  syntax.triggers = {"[TOOL_CALLS]"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    std::vector<Section> sections;
    sections.push_back(
        {{"[TOOL_CALLS]"},
         {},
         std::make_unique<EitherForm>(
             "[{", std::make_unique<JsonForm>(JsonForm::Keys{.id = {"id"}}, JsonForm::Options()),
             std::make_unique<HeaderForm>(HeaderForm::Spec{.separator = "[ARGS]", .head = name_and_id}))});
    return make_reader(tools, parallel, std::move(sections), {.make_id = nine_letter_id});
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    return calls_grammar(tools, parallel, "[TOOL_CALLS]", "[TOOL_CALLS]", "",
                         [](const Tool& tool) { return Around{tool.name + "[ARGS]", ""}; });
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
