#pragma once
// Redirects what a template writes into a text of its own, until end().

#include <string>

#include "chat/jinja/interpreter.h"

namespace shenbi::chat::jinja {

class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& interpreter) : interpreter_(interpreter), outer_(interpreter.out_) {
    interpreter_.out_ = &text_;
    ++interpreter_.captures_;
  }
  ~Capture() {
    if (!ended_) end();
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  std::string end() {
    ended_ = true;
    interpreter_.out_ = outer_;
    --interpreter_.captures_;
    interpreter_.heap_.shrink(text_.size());
    return std::move(text_);
  }

 private:
  Interpreter& interpreter_;
  std::string* outer_;
  std::string text_;
  bool ended_ = false;
};

}  // namespace shenbi::chat::jinja
