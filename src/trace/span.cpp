#include "trace/span.h"

#include <algorithm>

#include "base/limits.h"

namespace shenbi::trace {
namespace {

thread_local const Span* entered = nullptr;

}  // namespace

uint64_t Clocks::since_1970_ns(Time time) const noexcept {
  const auto at = system + std::chrono::duration_cast<std::chrono::system_clock::duration>(time - steady);
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}

Span::Span(std::shared_ptr<Sink> sink, Context context, SpanId parent, std::string name, Kind kind, Clocks clocks,
           Time start)
    : context_(std::move(context)), clocks_(clocks), sink_(std::move(sink)) {
  if (!context_.recorded || !sink_) return;
  data_ = std::make_unique<FinishedSpan>();
  data_->context = context_;
  data_->parent = parent;
  data_->name = std::move(name);
  data_->kind = kind;
  data_->start_ns = clocks_.since_1970_ns(start);
}

Span& Span::operator=(Span&& other) noexcept {
  end();
  context_ = std::move(other.context_);
  clocks_ = other.clocks_;
  sink_ = std::move(other.sink_);
  data_ = std::move(other.data_);
  return *this;
}

void Span::rename(std::string name) {
  if (data_) data_->name = std::move(name);
}

void Span::set(std::string_view key, Value value) {
  if (!data_) return;
  if (auto* text = std::get_if<std::string>(&value); text && text->size() > limits::kMaxTraceValueBytes) {
    text->resize(limits::kMaxTraceValueBytes);
  }
  for (auto& [name, old] : data_->attributes) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  data_->attributes.emplace_back(key, std::move(value));
}

void Span::fail(std::string_view type) {
  if (!data_) return;
  set("error.type", std::string(type));
  data_->failed = true;
}

void Span::end(Time time) {
  if (!data_) return;
  data_->end_ns = std::max(clocks_.since_1970_ns(time), data_->start_ns);
  sink_->take(std::move(*data_));
  data_.reset();
}

Span Span::child(std::string name, Time start, Kind kind) const {
  if (!sink_) return {};
  Context context = context_;
  if (context.recorded) context.span = new_span_id();
  return Span(sink_, std::move(context), context_.span, std::move(name), kind, clocks_, start);
}

Entered::Entered(const Span& span) noexcept : before_(entered) { entered = &span; }
Entered::~Entered() { entered = before_; }

bool inside() noexcept { return entered != nullptr; }

Span child(std::string name, Time start) { return entered ? entered->child(std::move(name), start) : Span(); }

}  // namespace shenbi::trace
