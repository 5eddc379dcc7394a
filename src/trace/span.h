#pragma once
// Spans: what took how long, and what it was part of (OpenTelemetry's words). A span is sent when it ends.
//
//   Span request = tracer->root("POST /v1/chat/completions", Span::Kind::kServer, caller_context);
//   {
//     Entered here(request);                     // on this thread, until the end of the block
//     Span part = child("render prompt");        // anywhere below: no span is passed through the calls
//   }
//   request.set("http.response.status_code", 200);
//   request.fail("upstream");                    // error.type and status ERROR
//
// A Span that nobody records costs a few bytes and no system call: every call on it does nothing. Attributes hold
// sizes, times and names of models, never what was said and never a key.
//
// Threads: one at a time for one span; a parent may end before its children.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "trace/context.h"

namespace shenbi::trace {

using Time = std::chrono::steady_clock::time_point;
using Value = std::variant<std::string, int64_t, double, bool, std::vector<std::string>>;
using Attributes = std::vector<std::pair<std::string, Value>>;

enum class Kind { kInternal = 1, kServer = 2, kClient = 3 };  // OTLP's numbers

/// A span that has ended.
struct FinishedSpan {
  Context context;
  SpanId parent{};  ///< zeros: a root
  std::string name;
  Kind kind = Kind::kInternal;
  uint64_t start_ns = 0, end_ns = 0;  ///< since 1970
  Attributes attributes;
  bool failed = false;
};

/// Who takes what has ended.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void take(FinishedSpan span) = 0;  ///< from any thread; must not block
};

/// Both clocks at one moment, so that all times of a trace on this machine fit together.
struct Clocks {
  Time steady = std::chrono::steady_clock::now();
  std::chrono::system_clock::time_point system = std::chrono::system_clock::now();
  uint64_t since_1970_ns(Time time) const noexcept;
};

class Span {
 public:
  Span() = default;  ///< nobody records it
  Span(std::shared_ptr<Sink> sink, Context context, SpanId parent, std::string name, Kind kind, Clocks clocks,
       Time start);
  Span(Span&&) noexcept = default;
  Span& operator=(Span&& other) noexcept;
  ~Span() { end(); }

  bool recorded() const noexcept { return data_ != nullptr; }
  /// Of an unrecorded span of a running trace too: whom we ask is told not to record either.
  const Context& context() const noexcept { return context_; }

  void rename(std::string name);
  void set(std::string_view key, Value value);
  /// Status ERROR. `type` is a short word of few possible ones.
  void fail(std::string_view type);
  /// The first call counts; the destructor is one.
  void end(Time time = std::chrono::steady_clock::now());

  Span child(std::string name, Time start = std::chrono::steady_clock::now(), Kind kind = Kind::kInternal) const;

 private:
  Context context_;
  Clocks clocks_;
  std::shared_ptr<Sink> sink_;
  std::unique_ptr<FinishedSpan> data_;
};

/// Makes `span` the one below which child() begins spans, on this thread, while it lives. `span` must live as long.
class Entered {
 public:
  explicit Entered(const Span& span) noexcept;
  ~Entered();
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  const Span* before_;
};

/// Whether this thread is in a span.
bool inside() noexcept;

/// Below the span this thread is in; unrecorded if it is in none.
Span child(std::string name, Time start = std::chrono::steady_clock::now());

}  // namespace shenbi::trace
