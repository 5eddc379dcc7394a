#include "chat/jinja/heap.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace shenbi::chat::jinja {

const uint64_t Heap::kStepLimit = limits::kMaxTemplateSteps;

namespace {

[[noreturn]] void fail_limit(std::string message) { throw Failure{Code::kInvalidArgument, std::move(message), true}; }

}  // namespace

void fail(std::string message) { throw Failure{Code::kInvalidArgument, std::move(message)}; }
void fail_unsupported(std::string message) { throw Failure{Code::kUnsupported, std::move(message)}; }

Heap::~Heap() {
  while (objects_ != nullptr) {
    Object* object = objects_;
    objects_ = object->next_in_heap;
    delete object;
  }
}

void Heap::fail_steps() const { fail_limit(fmt::format("step limit of {} exceeded", step_limit_)); }

void Heap::grow(uint64_t bytes) {
  if (bytes > limits::kMaxTemplateMemoryBytes || bytes_ + bytes > limits::kMaxTemplateMemoryBytes) {
    fail_limit(fmt::format("memory limit of {} bytes exceeded", limits::kMaxTemplateMemoryBytes));
  }
  bytes_ += bytes;
}

void Heap::check_text(uint64_t bytes) const {
  if (bytes > limits::kMaxTemplateOutputBytes) {
    fail_limit(
        fmt::format("output limit of {} bytes exceeded by a text of {}", limits::kMaxTemplateOutputBytes, bytes));
  }
}

void Heap::enter() {
  if (depth_ >= limits::kMaxTemplateEvaluationDepth) {
    fail_limit(fmt::format("depth limit of {} nested evaluations exceeded", limits::kMaxTemplateEvaluationDepth));
  }
  ++depth_;
}

StringBody* Heap::new_string(std::string text, bool is_markup) {
  check_text(text.size());
  grow(text.size() + sizeof(StringBody));
  work(text.size());
  auto* body = new StringBody;
  body->is_markup = is_markup;
  body->heap = this;
  body->text = std::move(text);
  return body;
}

void Heap::free_string(StringBody* body) noexcept {
  body->heap->shrink(body->text.size() + sizeof(StringBody));
  delete body;
}

}  // namespace shenbi::chat::jinja
