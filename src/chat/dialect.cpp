#include "chat/dialect.h"

#include "chat/readers/call_reader.h"

namespace shenbi::chat {

std::string new_answer_id(std::string_view prefix) { return random_id(prefix, 24); }

std::string_view openai_finish(Finish finish) {
  switch (finish) {
    case Finish::kLength:
      return "length";
    case Finish::kToolCalls:
      return "tool_calls";
    case Finish::kContentFilter:
      return "content_filter";
    default:
      return "stop";
  }
}

void Collected::add(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kQueued:
      break;
    case Event::Kind::kStart:
      model = event.model;
      usage = event.usage;
      break;
    case Event::Kind::kText:
      text += event.text;
      logprobs.insert(logprobs.end(), event.logprobs.begin(), event.logprobs.end());
      break;
    case Event::Kind::kThinking:
      thinking += event.text;
      break;
    case Event::Kind::kSignature:
      signature += event.text;
      break;
    case Event::Kind::kToolCall:
      calls.push_back({event.id, event.name, {}});
      indices_.push_back(event.index);
      break;
    case Event::Kind::kToolArguments:
      for (size_t i = calls.size(); i-- > 0;) {
        if (indices_[i] != event.index) continue;
        calls[i].arguments += event.text;
        break;
      }
      break;
    case Event::Kind::kPrompt:
      prompt.insert(prompt.end(), event.logprobs.begin(), event.logprobs.end());
      break;
    case Event::Kind::kWarning:
      warnings.push_back(event.text);
      for (size_t i = calls.size(); i-- > 0 && !event.id.empty();) {
        if (calls[i].id != event.id) continue;
        calls.erase(calls.begin() + static_cast<ptrdiff_t>(i));
        indices_.erase(indices_.begin() + static_cast<ptrdiff_t>(i));
        break;
      }
      break;
    case Event::Kind::kFinish:
      finish = event.finish;
      stop_string = event.stop_string;
      usage = event.usage;
      ended = true;
      break;
    case Event::Kind::kError:
      finish = Finish::kError;
      error = event.text;
      error_status = event.status;
      facts = facts_of(event);
      ended = true;
      break;
  }
}

}  // namespace shenbi::chat
