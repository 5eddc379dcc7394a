// Gemma 4: JSON without quotes around keys, and with quotes of its own around strings. A call is passed on when its
// braces close.
//
//   <|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:3}<tool_call|>

#include "base/limits.h"
#include "chat/readers/argument_value.h"
#include "chat/readers/call_grammar.h"
#include "chat/readers/call_reader.h"
#include "chat/readers/free_text.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr std::string_view kQuote = "<|\"|>";

class Gemma4Form final : public Form {
 public:
  void begin(std::string_view, Calls&) override {
    name_.clear();
    text_.clear();
    tail_.clear();
    depth_ = 0;
    in_string_ = closed_ = false;
  }

  Step take(char c, Calls& calls) override {
    if (closed_) return behind(c);
    if (text_.empty() && c != '{') {
      name_ += c;
      return name_.size() > limits::kMaxToolNameBytes || c == '<' ? Step::kBad : Step::kMore;
    }
    text_ += c;
    if (text_.ends_with(kQuote)) {
      in_string_ = !in_string_;
    } else if (!in_string_ && (c == '{' || c == '[')) {
      ++depth_;
    } else if (!in_string_ && (c == '}' || c == ']') && --depth_ == 0) {
      return close(calls);
    }
    return Step::kMore;
  }

  Step end(Calls&) override { return closed_ ? Step::kDone : Step::kBad; }

 private:
  Step close(Calls& calls) {
    const auto json = json_of_gemma(text_);
    if (!json) return Step::kBad;
    calls.open(name_);
    calls.arguments(*json);
    calls.close();
    closed_ = true;
    return Step::kMore;
  }

  Step behind(char c) {
    static const std::vector<std::string> kEnd = {"<tool_call|>"};
    if (tail_.empty() && is_white_space(c)) return Step::kMore;
    tail_ += c;
    const MarkerMatch match = match_marker(kEnd, tail_);
    if (match == MarkerMatch::kWhole) return Step::kDone;
    if (match == MarkerMatch::kPart) return Step::kMore;
    return tail_.size() == 1 ? Step::kDoneBefore : Step::kBad;
  }

  std::string name_, text_, tail_;
  int depth_ = 0;
  bool in_string_ = false, closed_ = false;
};

std::string value_rules() {
  return text_until("gemma-text", kQuote) +
         "gemma-value ::= \"<|\\\"|>\" gemma-text | json-number | json-boolean | \"null\" | gemma-array | "
         "gemma-object\n"
         "gemma-array ::= \"[\" (gemma-value (\",\" gemma-value)*)? \"]\"\n"
         "gemma-object ::= \"{\" (gemma-pair (\",\" gemma-pair)*)? \"}\"\n"
         "gemma-pair ::= [a-zA-Z_] [a-zA-Z0-9_-]{0,63} \":\" gemma-value\n";
}

}  // namespace

ToolSyntax gemma4() {
  ToolSyntax syntax;
  syntax.name = "gemma4";
  syntax.rank = 20;
  syntax.recognises = [](std::string_view text) { return mentions(text, "<|tool_call>call:"); };
  syntax.thinking_begin = "<|channel>thought";
  syntax.thinking_end = "<channel|>";
  syntax.triggers = {"<|tool_call>call:"};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return make_reader(tools, parallel, {"<|tool_call>call:"}, std::make_unique<Gemma4Form>());
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool parallel) {
    PairStyle style{
        .key_after = ":", .separator = ",", .text_before = std::string(kQuote), .text_after = std::string(kQuote)};
    style.text_rule = "gemma-text";
    style.other_rule = "gemma-value";
    style.json_values = false;
    style.rules = value_rules();
    return pairs_grammar(
        tools, parallel, "", "", "",
        [](const Tool& tool) { return Around{"<|tool_call>call:" + tool.name + "{", "}<tool_call|>"}; }, style);
  };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
