#include "chat/jinja/strftime.h"

#include <array>
#include <ctime>

namespace shenbi::chat::jinja {

std::string format_time(std::chrono::system_clock::time_point when, std::string_view format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(when - std::chrono::system_clock::from_time_t(seconds));
  std::tm time{};
  localtime_r(&seconds, &time);
  constexpr std::string_view kDirectives = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyY%";
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    size_t at = i + 1;
    std::string directive = "%";
    if (std::string_view("-_0^#").find(format[at]) != std::string_view::npos && at + 1 < format.size())
      directive += format[at++];
    const char letter = format[at];
    if (letter == 'f') {
      std::array<char, 8> digits{};
      std::snprintf(digits.data(), digits.size(), "%06d", static_cast<int>(micros.count() % 1'000'000));
      out += digits.data();
    } else if (letter == 'z' || letter == 'Z') {
      // Python's datetime.now() carries no zone: both print nothing.
    } else if (kDirectives.find(letter) != std::string_view::npos) {
      directive += letter;
      std::array<char, 128> text{};
      out += std::string_view(text.data(), std::strftime(text.data(), text.size(), directive.c_str(), &time));
    } else {
      out += format.substr(i, at + 1 - i);
    }
    i = at;
  }
  return out;
}

}  // namespace shenbi::chat::jinja
