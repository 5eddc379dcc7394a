#include "gateway/local_grammar.h"

#include <fmt/format.h>

#include "base/error.h"
#include "trace/span.h"

namespace shenbi::gateway {
namespace {

using grammar::Grammar;

std::string gbnf_literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

std::string class_of(std::string_view characters, bool negated) {
  std::string out = negated ? "[^" : "[";
  for (const char c : characters) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == ']' || c == '\\' || c == '^' || c == '-') out += '\\';
    out += c;
  }
  return out + "]";
}

// Rules for "any text up to and with the first `marker`", followed by rule `then`: the marker's prefix automaton
// (Knuth, Morris, Pratt) written as right-linear rules. State i: the last i bytes read are the marker's first i.
std::string until_marker(std::string_view name, std::string_view marker, std::string_view then) {
  const size_t n = marker.size();
  // After `i` bytes of the marker, byte c leads to the longest prefix of the marker that is a suffix of what was read.
  const auto next = [&](size_t i, char c) {
    std::string read(marker.substr(0, i));
    read += c;
    for (size_t k = std::min(n, read.size()); k > 0; --k) {
      if (std::string_view(read).ends_with(marker.substr(0, k))) return k;
    }
    return size_t{0};
  };
  std::string distinct;
  for (const char c : marker) {
    if (distinct.find(c) == std::string::npos) distinct += c;
  }
  std::string rules;
  for (size_t i = 0; i < n; ++i) {
    rules += fmt::format("{}-{} ::= {} {}-0", name, i, class_of(distinct, true), name);
    for (const char c : distinct) {
      const size_t to = next(i, c);
      rules += fmt::format(" | {} {}", class_of({&c, 1}, false),
                           to == n ? std::string(then) : fmt::format("{}-{}", name, to));
    }
    rules += '\n';
  }
  return rules;
}

bool must_call(const chat::ChatRequest& request) {
  return !request.tools.empty() && (request.tool_choice.mode == chat::ToolChoice::Mode::kRequired ||
                                    request.tool_choice.mode == chat::ToolChoice::Mode::kFunction);
}

std::string call_rules(const chat::ChatRequest& request, const chat::ToolSyntax& syntax) {
  std::vector<chat::Tool> tools = request.tools;
  if (request.tool_choice.mode == chat::ToolChoice::Mode::kFunction) {
    std::erase_if(tools, [&](const chat::Tool& tool) { return tool.name != request.tool_choice.name; });
    if (tools.empty()) {
      throw Error(Code::kInvalidArgument, fmt::format("tool_choice: no tool is called '{}'", request.tool_choice.name));
    }
  }
  const bool parallel = request.parallel_tool_calls && request.tool_choice.mode == chat::ToolChoice::Mode::kRequired;
  std::string rules = syntax.grammar(tools, parallel) + '\n';
  for (size_t i = 0; i < tools.size(); ++i) {
    static const chat::OrderedJson kNoArguments = {
        {"type", "object"}, {"properties", chat::OrderedJson::object()}, {"additionalProperties", false}};
    const auto& schema = tools[i].parameters;
    rules += Grammar::gbnf_of_json_schema(schema.is_null() ? kNoArguments : schema, fmt::format("args-{}", i)) + '\n';
  }
  return rules;
}

std::string renamed_root(std::string rules, std::string_view name) {
  // "root" is a rule of its own only where no rule-name character touches it.
  const auto part_of_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; };
  std::string out;
  bool in_quotes = false;
  for (size_t i = 0; i < rules.size();) {
    const bool at_root = !in_quotes && rules.compare(i, 4, "root") == 0 && (i == 0 || !part_of_name(rules[i - 1])) &&
                         (i + 4 == rules.size() || !part_of_name(rules[i + 4]));
    if (at_root) {
      out += name;
      i += 4;
      continue;
    }
    if (rules[i] == '\\' && i + 1 < rules.size())
      out += rules[i++];
    else if (rules[i] == '"')
      in_quotes = !in_quotes;
    out += rules[i++];
  }
  return out;
}

}  // namespace

std::shared_ptr<const Grammar> grammar_for(const chat::ResponseFormat& format) {
  const bool free = format.kind == chat::ResponseFormat::Kind::kText;
  const trace::Span span = free ? trace::Span() : trace::child("compile grammar");
  switch (format.kind) {
    case chat::ResponseFormat::Kind::kText:
      return nullptr;
    case chat::ResponseFormat::Kind::kJsonObject:
      return Grammar::any_json_object();
    case chat::ResponseFormat::Kind::kJsonSchema:
      return Grammar::from_json_schema(format.schema);
    case chat::ResponseFormat::Kind::kRegex:
      return Grammar::from_regex(format.text);
    case chat::ResponseFormat::Kind::kChoice:
      return Grammar::from_choices(format.choices);
    case chat::ResponseFormat::Kind::kGrammar:
      return Grammar::from_gbnf(format.text);
  }
  return nullptr;
}

std::shared_ptr<const Grammar> grammar_for(const chat::ChatRequest& request, const chat::ToolSyntax& syntax,
                                           bool thinking_open) {
  const bool calls = must_call(request);
  if (!calls && (request.format.kind == chat::ResponseFormat::Kind::kText || !thinking_open)) {
    return grammar_for(request.format);
  }
  const trace::Span span = trace::child("compile grammar");
  std::string rules;
  if (calls) {
    rules = call_rules(request, syntax);
    if (!thinking_open) return Grammar::from_gbnf(rules);
  } else {
    switch (request.format.kind) {
      case chat::ResponseFormat::Kind::kJsonSchema:
        rules = Grammar::gbnf_of_json_schema(request.format.schema, "root");
        break;
      case chat::ResponseFormat::Kind::kJsonObject:
        rules = Grammar::gbnf_of_json_schema(chat::OrderedJson{{"type", "object"}}, "root");
        break;
      case chat::ResponseFormat::Kind::kGrammar:
        rules = request.format.text;
        break;
      case chat::ResponseFormat::Kind::kChoice:
        rules = "root ::= ";
        for (size_t i = 0; i < request.format.choices.size(); ++i) {
          rules += (i ? " | " : "") + gbnf_literal(request.format.choices[i]);
        }
        break;
      default:
        throw Error(Code::kInvalidArgument,
                    "response_format: a regex cannot follow thinking; switch thinking off or use a schema");
    }
  }
  // Thinking is free text up to its closing marker and white space; then the rules.
  return Grammar::from_gbnf("root ::= thinking-0\n" + until_marker("thinking", syntax.thinking_end, "thought") +
                            "thought ::= [ \\t\\n]{0,4} answer\n" + renamed_root(std::move(rules), "answer"));
}

bool ends_inside_thinking(std::string_view prompt, const chat::ToolSyntax& syntax) {
  if (syntax.thinking_begin.empty()) return false;
  while (!prompt.empty() && (prompt.back() == '\n' || prompt.back() == ' ')) prompt.remove_suffix(1);
  return prompt.ends_with(syntax.thinking_begin);
}

}  // namespace shenbi::gateway
