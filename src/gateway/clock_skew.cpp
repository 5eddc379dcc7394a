#include "gateway/clock_skew.h"

#include <fmt/format.h>
#include <time.h>

#include <cstdlib>

namespace shenbi::gateway {
namespace {

constexpr int64_t kUsual = 60;  // s; answers are some seconds old, and houses allow five minutes

}  // namespace

std::optional<int64_t> http_date(std::string_view text) {
  static const locale_t english = ::newlocale(LC_ALL_MASK, "C", nullptr);
  std::tm utc{};
  const std::string whole(text);
  const char* end = ::strptime_l(whole.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc, english);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&utc);
}

std::string skew_words(const net::Headers& headers, int64_t now) {
  for (const auto& [name, value] : headers) {
    if (name != "date") continue;
    const auto theirs = http_date(value);
    if (!theirs || std::abs(now - *theirs) <= kUsual) return "";
    return fmt::format("; this machine's clock is {} s {} the house's", std::abs(now - *theirs),
                       now < *theirs ? "behind" : "ahead of");
  }
  return "";
}

}  // namespace shenbi::gateway
