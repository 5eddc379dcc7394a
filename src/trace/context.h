#pragma once
// Which trace a piece of work belongs to, as W3C Trace Context carries it over HTTP.
//
//   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//                version, trace, the sender's span, flags (1: recorded)

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shenbi::trace {

using TraceId = std::array<uint8_t, 16>;
using SpanId = std::array<uint8_t, 8>;

struct Context {
  TraceId trace{};
  SpanId span{};
  bool recorded = false;
  std::string state;  ///< tracestate: other systems' notes, handed on as they came
};

/// New numbers, never zero.
TraceId new_trace_id();
SpanId new_span_id();

/// Lower-case hexadecimal.
std::string hex(const TraceId& id);
std::string hex(const SpanId& id);

/// Nothing if the header is not to the letter of the standard: a new trace begins then. A `state` that breaks its
/// bounds (512 characters, visible ASCII) is dropped alone.
std::optional<Context> read_context(std::string_view traceparent, std::string_view tracestate);

/// The header for whom we ask.
std::string traceparent(const Context& context);

}  // namespace shenbi::trace
