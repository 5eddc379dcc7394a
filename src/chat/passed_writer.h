#pragma once
// The writer of an answer that may come in the caller's own dialect: then its bytes are handed on as they came, and the
// events beside them are for those who count. If somebody else answers after all, the dialect's writer does it.

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "chat/dialect.h"

namespace shenbi::chat {

/// Where bytes wait for the event that follows them. Thread-safe.
class PassedBytes {
 public:
  void add(std::string_view bytes, bool last);
  struct Taken {
    std::string bytes;
    bool any = false;   ///< since the beginning
    bool last = false;  ///< the end of the answer has been among them
  };
  Taken take();

 private:
  std::mutex mutex_;
  Taken waiting_;
};

struct PassedForm {
  bool stream = false;
  /// An error as the dialect tells it, and how it stands in a stream.
  std::function<std::string(int status, std::string_view message, const ErrorFacts& facts)> error, stream_error;
  /// Made when it is needed: it has to understand the request.
  std::function<std::unique_ptr<AnswerWriter>()> translator;
};

class PassedWriter final : public AnswerWriter {
 public:
  PassedWriter(std::shared_ptr<PassedBytes> passed, PassedForm form)
      : passed_(std::move(passed)), form_(std::move(form)) {}
  std::string push(const Event& event, uint32_t choice = 0) override;
  std::string body() const override;
  bool finished() const noexcept override { return translator_ ? translator_->finished() : finished_; }
  std::string ping() const override { return translator_ ? translator_->ping() : ": ping\n\n"; }
  std::string_view content_type() const noexcept override {
    return form_.stream ? "text/event-stream" : "application/json";
  }

 private:
  std::string end(const Event& event, PassedBytes::Taken taken);

  const std::shared_ptr<PassedBytes> passed_;
  PassedForm form_;
  std::unique_ptr<AnswerWriter> translator_;
  std::string body_;
  bool finished_ = false;
};

}  // namespace shenbi::chat
