#pragma once
// What OpenTelemetry's own environment variables say about traces. Nothing is traced unless an endpoint is named.

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace shenbi::trace {

struct Options {
  std::string endpoint;  ///< where spans are posted, ".../v1/traces"; empty: no tracing
  std::string service_name = "shenbi";
  std::vector<std::string> headers;                             ///< "Name: value"
  std::vector<std::pair<std::string, std::string>> attributes;  ///< of the whole service
  double ratio = 1;                          ///< share of the traces begun here that are recorded, 0 to 1
  bool follow_caller = true;                 ///< a caller's traceparent decides, where there is one
  std::chrono::milliseconds delay{5000};     ///< longest wait until a span is sent
  std::chrono::milliseconds timeout{10000};  ///< of one export
  size_t queue = 2048;                       ///< spans that may wait; beyond it they are dropped and counted
  size_t batch = 512;                        ///< most spans of one export
};

/// The base URL as users write it to where spans go: "http://host:4318" to "http://host:4318/v1/traces".
std::string traces_endpoint(std::string base);

/// `get`: the value of a variable or nullptr (std::getenv). Reads OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER (otlp, none),
/// OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT, _HEADERS and _TIMEOUT, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
/// OTEL_TRACES_SAMPLER(_ARG), OTEL_BSP_SCHEDULE_DELAY, _MAX_QUEUE_SIZE and _MAX_EXPORT_BATCH_SIZE. Throws
/// Error{kInvalidArgument} naming the variable; values of headers are not shown.
Options options_from_environment(const std::function<const char*(const char*)>& get);

}  // namespace shenbi::trace
