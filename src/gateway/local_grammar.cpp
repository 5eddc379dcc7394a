#include "gateway/local_grammar.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "chat/answer_rules.h"
#include "trace/span.h"

namespace shenbi::gateway {
namespace {

using chat::OrderedJson;
using chat::ResponseFormat;
using chat::Tool;
using chat::ToolChoice;
using grammar::Grammar;
constexpr auto kReplace = OrderedJson::error_handler_t::replace;  // what is not UTF-8 is refused by the schema's reader
using GrammarPtr = std::shared_ptr<const Grammar>;

bool must_call(const chat::ChatRequest& request) {
  return !request.tools.empty() && (request.tool_choice.mode == ToolChoice::Mode::kRequired ||
                                    request.tool_choice.mode == ToolChoice::Mode::kFunction);
}

bool may_call_strictly(const chat::ChatRequest& request) {
  return request.tool_choice.mode == ToolChoice::Mode::kAuto &&
         std::any_of(request.tools.begin(), request.tools.end(), [](const Tool& tool) { return tool.strict; });
}

std::vector<Tool> callable_tools(const chat::ChatRequest& request) {
  std::vector<Tool> tools = request.tools;
  if (request.tool_choice.mode != ToolChoice::Mode::kFunction) return tools;
  std::erase_if(tools, [&](const Tool& tool) { return tool.name != request.tool_choice.name; });
  if (tools.empty()) {
    throw Error(Code::kInvalidArgument, fmt::format("tool_choice: no tool is called '{}'", request.tool_choice.name));
  }
  return tools;
}

// The schema of one property, on its own: what it refers to comes along.
OrderedJson property_schema(const OrderedJson& parameters, OrderedJson property) {
  for (const char* shared : {"$defs", "definitions"}) {
    if (property.is_object() && parameters.contains(shared)) property[shared] = parameters[shared];
  }
  return property;
}

// args-N and value-N-K, as far as `rules` ask for them. In auto mode tools that are not strict may be called with any
// object.
std::string argument_rules(const std::vector<Tool>& tools, std::string_view rules, bool only_strict) {
  static const OrderedJson kNoArguments = {
      {"type", "object"}, {"properties", OrderedJson::object()}, {"additionalProperties", false}};
  static const OrderedJson kAnyObject = {{"type", "object"}}, kAny = true;
  const auto asked_for = [&](const std::string& rule) {
    return rules.find(" " + rule + " ") != rules.npos || rules.find(" " + rule + "\n") != rules.npos;
  };
  std::string out;
  const auto define = [&](const std::string& rule, const OrderedJson& schema) {
    out += Grammar::gbnf_of_json_schema(schema, rule) + '\n';
  };
  for (size_t i = 0; i < tools.size(); ++i) {
    const OrderedJson& schema = tools[i].parameters;
    const bool bound = tools[i].strict || !only_strict;
    if (const auto rule = fmt::format("args-{}", i); asked_for(rule)) {
      define(rule, !bound ? kAnyObject : schema.is_null() ? kNoArguments : schema);
    }
    if (!schema.is_object() || !schema.contains("properties") || !schema["properties"].is_object()) continue;
    size_t k = 0;
    for (const auto& [name, property] : schema["properties"].items()) {
      const auto rule = fmt::format("value-{}-{}", i, k++);
      if (asked_for(rule)) define(rule, bound ? property_schema(schema, property) : kAny);
    }
  }
  return out;
}

GrammarPtr compiled(const ResponseFormat& format) {
  switch (format.kind) {
    case ResponseFormat::Kind::kText:
      return nullptr;
    case ResponseFormat::Kind::kJsonObject:
      return Grammar::any_json_object();
    case ResponseFormat::Kind::kJsonSchema:
      return Grammar::from_json_schema(format.schema);
    case ResponseFormat::Kind::kRegex:
      return Grammar::from_regex(format.text);
    case ResponseFormat::Kind::kChoice:
      return Grammar::from_choices(format.choices);
    case ResponseFormat::Kind::kGrammar:
      return Grammar::from_gbnf(format.text);
  }
  return nullptr;
}

// The format's rules, with root "root".
std::string format_rules(const ResponseFormat& format) {
  switch (format.kind) {
    case ResponseFormat::Kind::kJsonSchema:
      return Grammar::gbnf_of_json_schema(format.schema, "root");
    case ResponseFormat::Kind::kJsonObject:
      return Grammar::gbnf_of_json_schema(OrderedJson{{"type", "object"}}, "root");
    case ResponseFormat::Kind::kGrammar:
      return format.text;
    case ResponseFormat::Kind::kChoice: {
      std::string rules = "root ::= ";
      for (size_t i = 0; i < format.choices.size(); ++i) {
        rules += (i ? " | " : "") + chat::gbnf_literal(format.choices[i]);
      }
      return rules;
    }
    default:
      throw Error(Code::kInvalidArgument,
                  "response_format: a regex cannot follow thinking; switch thinking off or use a schema");
  }
}

GrammarPtr compiled(const chat::ChatRequest& request, const chat::ToolSyntax& syntax, bool thinking_open,
                    std::span<const std::string> control_texts) {
  std::string rules;
  std::string_view start = "answer";
  if (must_call(request)) {
    const std::vector<Tool> tools = callable_tools(request);
    const bool parallel = request.parallel_tool_calls && request.tool_choice.mode == ToolChoice::Mode::kRequired;
    rules = syntax.grammar(tools, parallel) + '\n';
    rules += argument_rules(tools, rules, false);
    if (thinking_open) rules += chat::after_thinking(syntax, "root");
    if (!thinking_open) start = "root";
  } else if (may_call_strictly(request)) {
    rules = chat::calls_in_text(syntax, request.tools, request.parallel_tool_calls, thinking_open) + '\n';
    rules += argument_rules(request.tools, rules, true);
  } else {
    rules = format_rules(request.format) + '\n' + chat::after_thinking(syntax, "root");
  }
  return Grammar::from_gbnf(rules, {.start = start, .control_texts = control_texts});
}

std::string source_of(const ResponseFormat& format) {
  std::string source = fmt::format("format {}\n{}\n", static_cast<int>(format.kind), format.text);
  if (format.kind == ResponseFormat::Kind::kJsonSchema) source += format.schema.dump(-1, ' ', false, kReplace);
  for (const std::string& choice : format.choices) source += fmt::format("{}:{}", choice.size(), choice);
  return source;
}

std::string source_of(const chat::ChatRequest& request, const chat::ToolSyntax& syntax, bool thinking_open) {
  std::string source = fmt::format("tools {} {} {} {} {}\n", syntax.name, thinking_open, request.parallel_tool_calls,
                                   static_cast<int>(request.tool_choice.mode), request.tool_choice.name);
  for (const Tool& tool : request.tools) {
    const std::string schema = tool.parameters.dump(-1, ' ', false, kReplace);
    source += fmt::format("{}:{} {} {}:{}\n", tool.name.size(), tool.name, tool.strict, schema.size(), schema);
  }
  return source;
}

}  // namespace

std::optional<AnswerGrammar> grammar_for(const ResponseFormat& format) {
  if (format.kind == ResponseFormat::Kind::kText) return std::nullopt;
  return AnswerGrammar{source_of(format), [&format](auto) {
                         const trace::Span span = trace::child("compile grammar");
                         return compiled(format);
                       }};
}

std::optional<AnswerGrammar> grammar_for(const chat::ChatRequest& request, const chat::ToolSyntax& syntax,
                                         bool thinking_open) {
  const bool formatted = request.format.kind != ResponseFormat::Kind::kText;
  const bool calls = must_call(request) || (!formatted && may_call_strictly(request));
  if (!calls && (!formatted || !thinking_open)) return grammar_for(request.format);
  return AnswerGrammar{
      calls ? source_of(request, syntax, thinking_open) : "thinking " + syntax.name + ' ' + source_of(request.format),
      [&request, &syntax, thinking_open](std::span<const std::string> control_texts) {
        const trace::Span span = trace::child("compile grammar");
        return compiled(request, syntax, thinking_open, control_texts);
      }};
}

bool ends_inside_thinking(std::string_view prompt, const chat::ToolSyntax& syntax) {
  if (syntax.thinking_begin.empty()) return false;
  while (!prompt.empty() && (prompt.back() == '\n' || prompt.back() == ' ')) prompt.remove_suffix(1);
  return prompt.ends_with(syntax.thinking_begin);
}

}  // namespace shenbi::gateway
