#include "server/captured_answer.h"

#include "server/router.h"

namespace shenbi::server {

class CapturedAnswer::Way final : public net::Exchange {
 public:
  explicit Way(std::shared_ptr<CapturedAnswer> to) : to_(std::move(to)) {}
  ~Way() override {
    finish(error_response(Face::kOpenAi, Code::kInternal, "the request was dropped without an answer"));
  }

  void send(net::ServerResponse response) override { finish(std::move(response)); }
  void begin(int status, net::Headers, std::string, std::string_view first) override {
    const std::lock_guard lock(to_->mutex_);
    to_->whole_.status = status;
    to_->whole_.body += first;
  }
  bool write(std::string_view bytes) override {
    const std::lock_guard lock(to_->mutex_);
    to_->whole_.body += bytes;
    return !to_->gone_;
  }
  void end() override {
    const std::lock_guard lock(to_->mutex_);
    finish_locked();
  }
  bool ask(std::shared_ptr<net::Maker>) override { return false; }
  void on_gone(std::function<void()> callback) override {
    {
      const std::lock_guard lock(to_->mutex_);
      if (to_->done_) return;
      if (!to_->gone_) return to_->callbacks_.push_back(std::move(callback));
    }
    callback();
  }

 private:
  void finish(net::ServerResponse response) {
    std::vector<std::function<void()>> dropped;  // dies after the lock: a callback may hold the last exchange
    const std::lock_guard lock(to_->mutex_);
    if (to_->done_) return;
    to_->whole_ = {response.status, std::move(response.body)};
    dropped.swap(to_->callbacks_);
    finish_locked();
  }
  void finish_locked() {
    to_->done_ = true;
    to_->changed_.notify_all();
  }

  const std::shared_ptr<CapturedAnswer> to_;
};

net::ExchangePtr CapturedAnswer::exchange() { return std::make_shared<Way>(shared_from_this()); }

CapturedAnswer::Whole CapturedAnswer::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_; });
  return whole_;
}

void CapturedAnswer::cancel() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    if (done_) return;
    gone_ = true;
    callbacks.swap(callbacks_);
  }
  for (auto& callback : callbacks) callback();
}

}  // namespace shenbi::server
