#pragma once
// One trigger, two forms: the first byte behind it says which.

#include <memory>
#include <string>
#include <string_view>

#include "chat/readers/call_reader.h"

namespace shenbi::chat {

class EitherForm final : public Form {
 public:
  /// `first` if the section begins with one of `bytes`, else `second`.
  EitherForm(std::string bytes, std::unique_ptr<Form> first, std::unique_ptr<Form> second)
      : bytes_(std::move(bytes)), first_(std::move(first)), second_(std::move(second)) {}

  void begin(std::string_view trigger, Calls&) override {
    trigger_ = trigger;
    chosen_ = nullptr;
  }
  Step take(char c, Calls& calls) override {
    if (!chosen_) {
      if (is_white_space(c)) return Step::kMore;
      chosen_ = bytes_.find(c) != std::string::npos ? first_.get() : second_.get();
      chosen_->begin(trigger_, calls);
    }
    return chosen_->take(c, calls);
  }
  Step end(Calls& calls) override { return chosen_ ? chosen_->end(calls) : Step::kBad; }

 private:
  std::string bytes_, trigger_;
  std::unique_ptr<Form> first_, second_;
  Form* chosen_ = nullptr;
};

}  // namespace shenbi::chat
