// gpt-oss (harmony): the answer is a series of messages, each in a channel. Analysis is thinking, final is the answer,
// commentary is text for the user or, with a recipient, a call.
//
//   <|channel|>analysis<|message|>I need it.<|end|>
//   <|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city":
//   "Paris"}<|call|>
//
// The recipient may stand in front of the channel as well. Bodies stream; a body ends at the next control token.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "chat/readers/argument_value.h"
#include "chat/readers/call_grammar.h"
#include "chat/readers/call_reader.h"
#include "chat/readers/free_text.h"
#include "chat/readers/header_form.h"
#include "chat/readers/json_scanner.h"

namespace shenbi::chat::tool_calls {
namespace {

constexpr std::string_view kMessage = "<|message|>";
// What may end a body. <|start|> and <|channel|> begin a header where the end was left out.
constexpr std::string_view kEnds[] = {"<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>"};

class HarmonyReader final : public ToolSyntax::Reader {
 public:
  HarmonyReader(const std::vector<Tool>& tools, bool parallel) : parallel_(parallel) {
    for (const Tool& tool : tools) names_.push_back(tool.name);
  }

  void push(std::string_view text, std::vector<Event>& out) override {
    constexpr size_t kSlice = 4096;  // every message found makes the search begin again
    for (size_t from = 0; from < text.size(); from += kSlice) {
      pending_ += text.substr(from, kSlice);
      while (advance(out)) {
      }
    }
  }

  void finish(std::vector<Event>& out) override {
    if (state_ == State::kBody) {
      body(pending_, out);
      end_body(out, "the answer ended inside it");
    } else if (!trimmed(pending_).empty()) {
      emit(Event::Kind::kText, pending_, out);  // a header without a body
    }
    pending_.clear();
  }

  bool in_thinking() const noexcept override { return state_ == State::kBody && kind_ == Kind::kThinking; }

 private:
  enum class State { kHeader, kBody };
  enum class Kind { kText, kThinking, kCall };

  bool advance(std::vector<Event>& out) { return state_ == State::kHeader ? header(out) : read_body(out); }

  /// Everything up to <|message|>. An answer that begins with neither a channel nor a recipient has no frame at all.
  bool header(std::vector<Event>& out) {
    const std::string_view text(pending_);
    const size_t first = std::min(text.find_first_not_of(" \n\t\r"), text.size());
    const std::string_view begun = text.substr(first);
    const auto may_begin = [&](std::string_view with) {
      return begun.size() < with.size() ? with.starts_with(begun) : begun.starts_with(with);
    };
    if (!may_begin("<|") && !may_begin("to=")) {
      kind_ = Kind::kText;
      state_ = State::kBody;
      return true;
    }
    const size_t end = text.substr(0, limits::kMaxToolNameBytes).find(kMessage);
    if (end == std::string_view::npos) {
      if (text.size() < limits::kMaxToolNameBytes) return false;
      kind_ = Kind::kText;  // no header is so long
      state_ = State::kBody;
      return true;
    }
    begin_body(text.substr(0, end), out);
    pending_.erase(0, end + kMessage.size());
    return true;
  }

  void begin_body(std::string_view header, std::vector<Event>& out) {
    state_ = State::kBody;
    source_ = header;
    source_ += kMessage;
    const std::string_view recipient = value_behind(header, "to=");
    const std::string_view channel = value_behind(header, "<|channel|>");
    if (!recipient.empty()) {
      kind_ = Kind::kCall;
      begin_call(recipient, out);
    } else {
      kind_ = channel == "analysis" ? Kind::kThinking : Kind::kText;
    }
  }

  /// The word behind a sign in a header.
  static std::string_view value_behind(std::string_view header, std::string_view sign) {
    const size_t at = header.find(sign);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = header.substr(at + sign.size());
    return rest.substr(0, std::min(rest.find_first_of(" <\n"), rest.size()));
  }

  void begin_call(std::string_view recipient, std::vector<Event>& out) {
    if (recipient.starts_with("functions.")) recipient.remove_prefix(10);
    scanner_ = {};
    whole_ = false;
    announced_ = false;
    refusal_.clear();
    if (std::find(names_.begin(), names_.end(), recipient) == names_.end()) {
      refusal_ = fmt::format("there is no tool \"{}\"", recipient);
    } else if (!parallel_ && calls_ > 0) {
      refusal_ = "only one call was allowed";
    } else {
      name_ = recipient;
    }
  }

  bool read_body(std::vector<Event>& out) {
    const std::string_view text(pending_);
    size_t at = std::string_view::npos, length = 0, held = 0;
    for (const std::string_view end : kEnds) {
      const size_t found = text.find(end);
      if (found < at) {
        at = found;
        length = end == "<|start|>" || end == "<|channel|>" ? 0 : end.size();
      }
      held = std::max(held, partial_suffix(text, end));
    }
    if (at == std::string_view::npos) {
      body(text.substr(0, text.size() - held), out);
      pending_.erase(0, text.size() - held);
      return false;
    }
    body(text.substr(0, at), out);
    if (kind_ == Kind::kCall) source_ += text.substr(at, length);
    pending_.erase(0, at + length);
    end_body(out, "it does not have the form of one");
    state_ = State::kHeader;
    return true;
  }

  void body(std::string_view text, std::vector<Event>& out) {
    if (kind_ == Kind::kText) return emit(Event::Kind::kText, text, out);
    if (kind_ == Kind::kThinking) return emit(Event::Kind::kThinking, text, out);
    for (const char c : text) argument(c, out);
  }

  void argument(char c, std::vector<Event>& out) {
    if (!lost_.empty()) return emit(Event::Kind::kText, std::string_view(&c, 1), out);
    source_ += c;
    if (!refusal_.empty() || (whole_ && is_white_space(c))) return;
    if (!scanner_.started() && is_white_space(c)) return;
    if (source_.size() > limits::kMaxToolCallBytes) return give_up("it is too long", out);
    const bool object = scanner_.started() || c == '{';
    const std::string byte = scanner_.escaped(c);
    const auto status = object && !whole_ ? scanner_.push(c) : JsonScanner::Status::kBad;
    if (status == JsonScanner::Status::kBad) {
      refusal_ = "it does not have the form of one";
      return;
    }
    if (!std::exchange(announced_, true)) {
      Event event{.kind = Event::Kind::kToolCall};
      event.index = index_++;
      event.id = id_ = call_id();
      event.name = name_;
      out.push_back(std::move(event));
    }
    emit(Event::Kind::kToolArguments, byte, out);
    whole_ = status == JsonScanner::Status::kDone;
  }

  void end_body(std::vector<Event>& out, std::string_view unfinished) {
    if (kind_ == Kind::kCall && lost_.empty()) {
      if (whole_ && refusal_.empty()) {
        ++calls_;
      } else {
        give_up(refusal_.empty() ? unfinished : std::string_view(refusal_), out);
      }
    }
    lost_.clear();
    source_.clear();
  }

  void give_up(std::string_view reason, std::vector<Event>& out) {
    Event event{.kind = Event::Kind::kWarning};
    event.text = lost_ = fmt::format("a tool call was left as text: {}", reason);
    if (announced_) event.id = id_;
    out.push_back(std::move(event));
    emit(Event::Kind::kText, std::exchange(source_, {}), out);
  }

  void emit(Event::Kind kind, std::string_view text, std::vector<Event>& out) {
    if (text.empty()) return;
    const uint32_t index = kind == Event::Kind::kToolArguments ? index_ - 1 : 0;
    if (!out.empty() && out.back().kind == kind && out.back().index == index) {
      out.back().text += text;
      return;
    }
    Event event{.kind = kind};
    event.text = text;
    event.index = index;
    out.push_back(std::move(event));
  }

  std::vector<std::string> names_;
  bool parallel_;
  State state_ = State::kHeader;
  Kind kind_ = Kind::kText;
  std::string pending_;
  std::string source_;   ///< of the call being read
  std::string lost_;     ///< not empty: the rest of this call's body is text
  std::string refusal_;  ///< why the call being read is none
  std::string name_, id_;
  JsonScanner scanner_;
  bool announced_ = false, whole_ = false;
  uint32_t index_ = 0, calls_ = 0;
};

// <|call|> is an end token in most vocabularies, so no grammar asks for it.
std::string call_rules(const std::vector<Tool>& tools) {
  return calls_grammar(tools, false, "<|channel|>commentary to=functions.", "", "",
                       [](const Tool& tool) { return Around{tool.name + " <|constrain|>json<|message|>", ""}; });
}

// Messages, each in its channel, the last of which may be a call: the model stops behind one. An answer without any
// frame is text.
std::string answer_rules(const std::vector<Tool>& tools) {
  const std::vector<std::string> ends(std::begin(kEnds), std::end(kEnds));
  std::string to_first;
  for (size_t i = 0; i < tools.size(); ++i) {
    to_first += fmt::format("{}{} kind args-{}", i == 0 ? "" : " | ",
                            gbnf_literal(" to=functions." + tools[i].name + "<|channel|>commentary"), i);
  }
  return call_rules(tools) + R"GBNF(answer ::= (bare | message) (next message)* (next call-message)? | call-message
next ::= "<|end|>"? "<|start|>assistant"
message ::= "<|channel|>" ("analysis" | "final" | "commentary") "<|message|>" body
call-message ::= (root | to-first) "<|call|>"?
kind ::= (" <|constrain|>json" | " json")? "<|message|>"
to-first ::= )GBNF" +
         to_first + "\n" + free_text("body", {.without = ends, .control_tokens = false}) +
         free_text("bare", {.without = ends, .not_first = {"<|", "to="}, .control_tokens = false});
}

}  // namespace

ToolSyntax gpt_oss() {
  ToolSyntax syntax;
  syntax.name = "gpt_oss";
  syntax.rank = 10;
  syntax.recognises = [](std::string_view text) {
    return mentions(text, "<|channel|>") && mentions(text, "<|message|>");
  };
  syntax.framed = true;  // thinking is a channel: the reader splits it
  syntax.thinking_channel = {"<|channel|>analysis<|message|>", "<|end|>",
                             "<|end|><|start|>assistant<|channel|>final<|message|>"};
  syntax.triggers = {"<|channel|>commentary to=functions."};
  syntax.reader = [](const std::vector<Tool>& tools, bool parallel) {
    return std::make_unique<HarmonyReader>(tools, parallel);
  };
  syntax.grammar = [](const std::vector<Tool>& tools, bool) { return call_rules(tools); };
  syntax.auto_grammar = [](const std::vector<Tool>& tools, bool) { return answer_rules(tools); };
  return syntax;
}

}  // namespace shenbi::chat::tool_calls
