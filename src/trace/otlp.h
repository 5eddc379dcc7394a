#pragma once
// Finished spans as OTLP/HTTP with JSON bodies (opentelemetry-proto 1.x, ExportTraceServiceRequest). Numbers of 64 bits
// are strings and ids hexadecimal there: the two ways in which OTLP's JSON differs from protobuf's own.

#include <string>
#include <utility>
#include <vector>

#include "trace/span.h"

namespace shenbi::trace {

/// `service`: attributes of the whole service, service.name among them. Bytes that are no UTF-8 become U+FFFD.
std::string otlp_json(const std::vector<FinishedSpan>& spans,
                      const std::vector<std::pair<std::string, std::string>>& service);

}  // namespace shenbi::trace
