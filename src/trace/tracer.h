#pragma once
// Begins traces and sends what has ended, in batches, from a thread of its own.
//
//   auto tracer = Tracer::start(options);        // nullptr without an endpoint
//   Span span = tracer->root("GET /v1/models", Kind::kServer, read_context(...));
//   tracer->flush(5s);
//
// A collector that is slow, away or wrong costs requests nothing: spans wait in a queue of bounded length, what does
// not fit is dropped and counted, and one warning is logged when sending begins to fail.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "trace/options.h"
#include "trace/span.h"

namespace shenbi::trace {

struct ExportCounts {
  uint64_t sent = 0;             ///< spans that the collector took
  uint64_t dropped = 0;          ///< spans lost: the queue was full, or sending failed for good
  uint64_t failed_requests = 0;  ///< exports that failed, tries again included
  size_t waiting = 0;
};

class Tracer final {
 public:
  /// nullptr if nothing is to be traced. Throws Error{kInvalidArgument} if the endpoint is no http or https address.
  static std::shared_ptr<Tracer> start(const Options& options);
  explicit Tracer(const Options& options);
  /// Sends what waits, for at most kLastExport.
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  static constexpr std::chrono::seconds kLastExport{5};

  /// Below the caller's span if there is one, else the first of a new trace.
  Span root(std::string name, Kind kind, const std::optional<Context>& caller,
            Time start = std::chrono::steady_clock::now());
  ExportCounts counts() const;
  /// Until everything that has ended is sent or dropped. False: `patience` was over first.
  bool flush(std::chrono::milliseconds patience);

 private:
  class Exporter;
  bool chosen(const TraceId& id) const noexcept;
  double ratio_;
  bool follow_caller_;
  std::shared_ptr<Exporter> exporter_;
};

}  // namespace shenbi::trace
