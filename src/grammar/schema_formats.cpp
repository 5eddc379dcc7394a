// Formats as patterns of the whole text. They describe what RFC 3339 (dates, durations), RFC 5321 (e-mail, plain names
// only), RFC 1123 (host names), RFC 4291 (IPv6), RFC 4122 (uuid) and RFC 3986 (uri with an authority) allow, as far as
// every checker agrees: days that exist, no leap seconds, no quoted e-mail names.

#include <fmt/format.h>

#include <map>

#include "grammar/schema_shape.h"

namespace shenbi::grammar {
namespace {

std::string ipv6_pattern() {
  const std::string h = "[0-9A-Fa-f]{1,4}";
  std::string all = fmt::format("({0}:){{7}}{0}", h);
  // "::" stands for one or more groups of zeros: n groups before it and at most 6 - n behind.
  for (int before = 0; before <= 6; ++before) {
    const std::string head = before == 0 ? ":" : fmt::format("({}:){{{}}}", h, before);
    const int behind = 6 - before;
    const std::string tail = behind == 0 ? "" : fmt::format("({0}(:{0}){{0,{1}}})?", h, behind - 1);
    all += fmt::format("|{}:{}", head, tail);
  }
  return all + fmt::format("|({0}:){{7}}:", h);
}

std::map<std::string, std::string, std::less<>> patterns() {
  const std::string year = "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)";
  const std::string leap = "(([0-9]{2}(0[48]|[2468][048]|[13579][26]))|(0[48]|[2468][048]|[13579][26])00)";
  const std::string date = "(" + year +
                           "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|"
                           "02-(0[1-9]|1[0-9]|2[0-8]))|" +
                           leap + "-02-29)";
  const std::string time =
      "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
  const std::string clock = "T([0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S)";
  const std::string days = "([0-9]{1,4}D|[0-9]{1,4}M([0-9]{1,4}D)?|[0-9]{1,4}Y([0-9]{1,4}M([0-9]{1,4}D)?)?)";
  const std::string label = "[A-Za-z0-9]([A-Za-z0-9-]?[A-Za-z0-9]){0,15}";
  const std::string host = label + "(\\." + label + "){0,6}";
  const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}";
  const std::string octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  const std::string x = "[0-9A-Fa-f]";
  const std::string part = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
  return {
      {"date", date},
      {"time", time},
      {"date-time", date + "T" + time},
      {"duration", "P(" + days + "(" + clock + ")?|" + clock + "|[0-9]{1,4}W)"},
      {"email", atom + "(\\." + atom + "){0,2}@" + host},
      {"hostname", host},
      {"ipv4", octet + "(\\." + octet + "){3}"},
      {"ipv6", ipv6_pattern()},
      {"uuid", x + "{8}-" + x + "{4}-" + x + "{4}-" + x + "{4}-" + x + "{12}"},
      {"uri", "[A-Za-z][A-Za-z0-9+.-]{0,15}://" + host + "(:[0-9]{1,5})?(/" + part + "*)*(\\?(" + part +
                  "|[/?])*)?(#(" + part + "|[/?])*)?"},
  };
}

}  // namespace

std::optional<std::string_view> format_pattern(std::string_view format) {
  static const auto all = patterns();
  const auto found = all.find(format);
  if (found == all.end()) return std::nullopt;
  return found->second;
}

}  // namespace shenbi::grammar
