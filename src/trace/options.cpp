#include "trace/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "net/http.h"

namespace shenbi::trace {
namespace {

using Get = std::function<const char*(const char*)>;

// An empty variable counts as unset: so says the specification.
std::string text(const Get& get, const char* name) {
  const char* value = get(name);
  return value ? value : "";
}

// The one for traces wins over the general one.
std::string text(const Get& get, const char* own, const char* general) {
  const std::string value = text(get, own);
  return value.empty() ? text(get, general) : value;
}

[[noreturn]] void wrong(const char* name, std::string_view why) {
  throw Error(Code::kInvalidArgument, fmt::format("{}: {}", name, why));
}

template <class Number>
void number(const Get& get, const char* name, Number least, Number most, const std::function<void(Number)>& use) {
  const std::string value = text(get, name);
  if (value.empty()) return;
  Number parsed{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc() || end != value.data() + value.size() || !(parsed >= least && parsed <= most)) {
    wrong(name, fmt::format("'{}' is no number between {} and {}", value, least, most));
  }
  use(parsed);
}

std::string_view trimmed(std::string_view part) {
  while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) part.remove_prefix(1);
  while (!part.empty() && (part.back() == ' ' || part.back() == '\t')) part.remove_suffix(1);
  return part;
}

// "key=value,key=value", values percent-encoded.
std::vector<std::pair<std::string, std::string>> pairs(std::string_view list, const char* name) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view one = trimmed(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (one.empty()) continue;
    const size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      wrong(name, fmt::format("entry {} is not of the form key=value", out.size() + 1));
    }
    out.emplace_back(trimmed(one.substr(0, equals)), net::decode_path(trimmed(one.substr(equals + 1))));
  }
  return out;
}

void read_headers(const Get& get, Options& options) {
  const char* name = "OTEL_EXPORTER_OTLP_HEADERS";
  for (const auto& [key, value] : pairs(text(get, "OTEL_EXPORTER_OTLP_TRACES_HEADERS", name), name)) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    if (std::any_of(key.begin(), key.end(), control) || std::any_of(value.begin(), value.end(), control)) {
      wrong(name, fmt::format("'{}' holds a control character", key));
    }
    options.headers.push_back(key + ": " + value);
  }
}

void read_sampler(const Get& get, Options& options) {
  std::string sampler = text(get, "OTEL_TRACES_SAMPLER");
  if (sampler.empty()) return;
  options.follow_caller = sampler.starts_with("parentbased_");
  if (options.follow_caller) sampler.erase(0, std::string_view("parentbased_").size());
  if (sampler == "always_on") return;
  if (sampler == "always_off") {
    options.ratio = 0;
  } else if (sampler == "traceidratio") {
    number<double>(get, "OTEL_TRACES_SAMPLER_ARG", 0, 1, [&](double ratio) { options.ratio = ratio; });
  } else {
    wrong("OTEL_TRACES_SAMPLER",
          fmt::format("'{}' is none of always_on, always_off, traceidratio and the same behind parentbased_", sampler));
  }
}

void read_service(const Get& get, Options& options) {
  options.attributes = pairs(text(get, "OTEL_RESOURCE_ATTRIBUTES"), "OTEL_RESOURCE_ATTRIBUTES");
  for (const auto& [key, value] : options.attributes) {
    if (key == "service.name") options.service_name = value;
  }
  std::erase_if(options.attributes, [](const auto& one) { return one.first == "service.name"; });
  if (const std::string name = text(get, "OTEL_SERVICE_NAME"); !name.empty()) options.service_name = name;
}

std::string endpoint(const Get& get) {
  if (text(get, "OTEL_SDK_DISABLED") == "true") return {};
  const std::string exporter = text(get, "OTEL_TRACES_EXPORTER");
  if (exporter == "none") return {};
  if (!exporter.empty() && exporter != "otlp") {
    wrong("OTEL_TRACES_EXPORTER", fmt::format("'{}' is neither otlp nor none", exporter));
  }
  // The variable for traces is taken as it is; below the general one each signal has its own path.
  const std::string own = text(get, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  return own.empty() ? traces_endpoint(text(get, "OTEL_EXPORTER_OTLP_ENDPOINT")) : own;
}

}  // namespace

std::string traces_endpoint(std::string base) {
  if (base.empty()) return {};
  while (base.ends_with('/')) base.pop_back();
  return base + "/v1/traces";
}

Options options_from_environment(const Get& get) {
  Options options;
  options.endpoint = endpoint(get);
  read_headers(get, options);
  read_sampler(get, options);
  read_service(get, options);
  const std::string own_timeout = text(get, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT");
  const char* timeout = own_timeout.empty() ? "OTEL_EXPORTER_OTLP_TIMEOUT" : "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";
  const auto ms = [](std::chrono::milliseconds& field) {
    return [&field](int64_t value) { field = std::chrono::milliseconds(value); };
  };
  const auto count = [](size_t& field) { return [&field](int64_t value) { field = static_cast<size_t>(value); }; };
  number<int64_t>(get, timeout, 1, 600'000, ms(options.timeout));
  number<int64_t>(get, "OTEL_BSP_SCHEDULE_DELAY", 1, 600'000, ms(options.delay));
  number<int64_t>(get, "OTEL_BSP_MAX_QUEUE_SIZE", 1, 1 << 20, count(options.queue));
  number<int64_t>(get, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, 1 << 14, count(options.batch));
  return options;
}

}  // namespace shenbi::trace
