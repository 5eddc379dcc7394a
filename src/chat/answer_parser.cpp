#include "chat/answer_parser.h"

#include <algorithm>

#include "chat/readers/call_reader.h"

namespace shenbi::chat {
namespace {

// White space around thinking is dropped up to this length: memory stays bounded, and where a piece ends does not
// matter.
constexpr size_t kWhiteSpace = 256;

void append(std::vector<Event>& out, Event::Kind kind, std::string_view text) {
  if (text.empty()) return;
  if (!out.empty() && out.back().kind == kind) {
    out.back().text += text;
    return;
  }
  Event event{.kind = kind};
  event.text = text;
  out.push_back(std::move(event));
}

}  // namespace

// start -> thinking -> after thinking -> answer. Thinking stands only at the beginning: an answer may speak of the
// marker.
struct AnswerParser::Impl {
  enum class State { kStart, kThinking, kAfterThinking, kAnswer };

  Impl(const ToolSyntax& family, Options given) : syntax(family), options(std::move(given)) {
    if (!options.tools.empty() || syntax.framed) reader = syntax.reader(options.tools, options.parallel);
    if (options.thinking_open) {
      state = State::kThinking;
    } else if (syntax.thinking_begin.empty()) {
      state = State::kAnswer;
    }
  }

  const ToolSyntax& syntax;
  Options options;
  std::unique_ptr<ToolSyntax::Reader> reader;
  State state = State::kStart;
  std::string held;
  bool thought_begun = false;  ///< something of it went out
  int64_t calls = 0;           ///< announced and not taken back

  std::vector<Event> counted(std::vector<Event> out) {
    for (const Event& event : out) {
      if (event.kind == Event::Kind::kToolCall) ++calls;
      if (event.kind == Event::Kind::kWarning && !event.id.empty()) --calls;
    }
    return out;
  }

  Event::Kind thinking_kind() const { return options.split_thinking ? Event::Kind::kThinking : Event::Kind::kText; }

  /// Takes what can be decided off `held`. False: more text is needed.
  bool advance(std::vector<Event>& out, bool last) {
    switch (state) {
      case State::kStart:
        return start(out, last);
      case State::kThinking:
        return think(out, last);
      case State::kAfterThinking: {
        const auto first = std::find_if_not(held.begin(), held.end(), is_white_space);
        held.erase(held.begin(), first);
        if (held.empty()) return false;
        state = State::kAnswer;
        return true;
      }
      case State::kAnswer:
        answer(out);
        return false;
    }
    return false;
  }

  bool start(std::vector<Event>& out, bool last) {
    const auto first = static_cast<size_t>(std::find_if_not(held.begin(), held.end(), is_white_space) - held.begin());
    const std::string_view text = std::string_view(held).substr(first);
    if (first <= kWhiteSpace && text.starts_with(syntax.thinking_begin)) {
      const size_t begin = first + syntax.thinking_begin.size();
      if (!options.split_thinking) append(out, Event::Kind::kText, std::string_view(held).substr(0, begin));
      held.erase(0, begin);
      state = State::kThinking;
      return true;
    }
    if (!last && first <= kWhiteSpace && syntax.thinking_begin.starts_with(text)) return false;
    state = State::kAnswer;
    return true;
  }

  bool think(std::vector<Event>& out, bool last) {
    if (options.split_thinking && !thought_begun) {
      held.erase(held.begin(), std::find_if_not(held.begin(), held.end(), is_white_space));
    }
    const size_t end = held.find(syntax.thinking_end);
    if (end == std::string::npos) {
      pass_thinking(out, last ? held.size() : held.size() - undecided());
      return false;
    }
    size_t through = end;
    if (options.split_thinking) {
      while (through > 0 && end - through < kWhiteSpace && is_white_space(held[through - 1])) --through;
    } else {
      through += syntax.thinking_end.size();
    }
    append(out, thinking_kind(), std::string_view(held).substr(0, through));
    held.erase(0, end + syntax.thinking_end.size());
    state = options.split_thinking ? State::kAfterThinking : State::kAnswer;
    return true;
  }

  void pass_thinking(std::vector<Event>& out, size_t count) {
    if (count == 0) return;
    append(out, thinking_kind(), std::string_view(held).substr(0, count));
    held.erase(0, count);
    thought_begun = true;
  }

  /// The end of `held` that may be the closing marker with the white space in front of it.
  size_t undecided() const {
    size_t count = partial_suffix(held, syntax.thinking_end);
    const size_t most = std::min(held.size(), count + kWhiteSpace);
    while (options.split_thinking && count < most && is_white_space(held[held.size() - 1 - count])) ++count;
    return count;
  }

  void answer(std::vector<Event>& out) {
    if (reader) {
      reader->push(held, out);
    } else {
      append(out, Event::Kind::kText, held);
    }
    held.clear();
  }
};

AnswerParser::AnswerParser(const ToolSyntax& syntax, Options options)
    : impl_(std::make_unique<Impl>(syntax, std::move(options))) {}

AnswerParser::~AnswerParser() = default;

std::vector<Event> AnswerParser::push(std::string_view text) {
  std::vector<Event> out;
  impl_->held += text;
  while (impl_->advance(out, false)) {
  }
  return impl_->counted(std::move(out));
}

std::vector<Event> AnswerParser::finish() {
  std::vector<Event> out;
  while (impl_->advance(out, true)) {
  }
  if (impl_->reader) impl_->reader->finish(out);
  return impl_->counted(std::move(out));
}

bool AnswerParser::in_thinking() const noexcept {
  return impl_->state == Impl::State::kThinking || (impl_->reader && impl_->reader->in_thinking());
}

bool AnswerParser::saw_tool_call() const noexcept { return impl_->calls > 0; }

}  // namespace shenbi::chat
