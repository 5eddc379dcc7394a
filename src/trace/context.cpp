#include "trace/context.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <span>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::trace {
namespace {

std::string to_hex(std::span<const uint8_t> bytes) {
  std::string out;
  for (const uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

bool is_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

void fill_random(std::span<uint8_t> bytes) {
  do {
    // Up to 256 bytes come whole and without waiting once the machine has started.
    SHENBI_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  } while (is_zero(bytes));
}

// -1 for anything but a lower-case digit: the standard forbids capitals.
int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_hex(std::string_view text, std::span<uint8_t> bytes) {
  if (text.size() != 2 * bytes.size()) return false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

bool acceptable_state(std::string_view state) {
  return state.size() <= limits::kMaxTraceStateBytes &&
         std::all_of(state.begin(), state.end(), [](char c) { return (c >= 0x20 && c < 0x7F) || c == '\t'; });
}

}  // namespace

TraceId new_trace_id() {
  TraceId id;
  fill_random(id);
  return id;
}

SpanId new_span_id() {
  SpanId id;
  fill_random(id);
  return id;
}

std::string hex(const TraceId& id) { return to_hex(id); }
std::string hex(const SpanId& id) { return to_hex(id); }

std::optional<Context> read_context(std::string_view text, std::string_view state) {
  constexpr size_t kLength = 55;  // 2 + 32 + 16 + 2 digits and three dashes
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::array<uint8_t, 1> version{}, flags{};
  Context context;
  if (!read_hex(text.substr(0, 2), version) || !read_hex(text.substr(3, 32), context.trace) ||
      !read_hex(text.substr(36, 16), context.span) || !read_hex(text.substr(53, 2), flags)) {
    return std::nullopt;
  }
  // A later version may say more behind a dash; 255 is forbidden.
  if (version[0] == 0xFF || (version[0] == 0 && text.size() != kLength)) return std::nullopt;
  if (text.size() > kLength && text[kLength] != '-') return std::nullopt;
  if (is_zero(context.trace) || is_zero(context.span)) return std::nullopt;
  context.recorded = flags[0] & 1;
  if (acceptable_state(state)) context.state = std::string(state);
  return context;
}

std::string traceparent(const Context& context) {
  return fmt::format("00-{}-{}-{:02x}", hex(context.trace), hex(context.span), context.recorded ? 1 : 0);
}

}  // namespace shenbi::trace
