#include "chat/passed_writer.h"

#include <utility>

#include "base/error.h"

namespace shenbi::chat {

void PassedBytes::add(std::string_view bytes, bool last) {
  std::lock_guard lock(mutex_);
  waiting_.bytes += bytes;
  waiting_.any = true;
  waiting_.last = waiting_.last || last;
}

PassedBytes::Taken PassedBytes::take() {
  std::lock_guard lock(mutex_);
  return {std::exchange(waiting_.bytes, {}), waiting_.any, waiting_.last};
}

std::string PassedWriter::push(const Event& event, uint32_t choice) {
  if (!translator_) {
    PassedBytes::Taken taken = passed_->take();
    const bool ends = event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError;
    const bool unsaid = event.kind == Event::Kind::kError || event.finish == Finish::kCancelled;
    if (ends && (taken.any || unsaid)) return end(event, std::move(taken));
    if (taken.any) {
      if (form_.stream) return std::move(taken.bytes);
      body_ += taken.bytes;
      return {};
    }
    try {
      translator_ = form_.translator();
    } catch (const Error& error) {  // what was asked has no word of ours, and the answer came in a form not asked for
      return end({.kind = Event::Kind::kError, .text = error.what(), .status = 502}, {});
    }
  }
  std::string bytes = translator_->push(event, choice);
  status_ = translator_->status();
  return bytes;
}

std::string PassedWriter::end(const Event& event, PassedBytes::Taken taken) {
  finished_ = true;
  body_ += taken.bytes;
  if (event.kind == Event::Kind::kError && !taken.last) {
    status_ = event.status;
    const ErrorFacts facts = facts_of(event);
    std::string whole = form_.error(event.status, event.text, facts);
    if (form_.stream)
      return std::exchange(body_, std::move(whole)) + form_.stream_error(event.status, event.text, facts);
    body_ = std::move(whole);
  }
  return form_.stream ? body_ : "";
}

std::string PassedWriter::body() const { return translator_ ? translator_->body() : body_; }

}  // namespace shenbi::chat
