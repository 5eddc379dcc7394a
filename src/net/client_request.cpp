#include "net/client_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"

namespace shenbi::net {
namespace {

constexpr std::string_view kSchemes[] = {"http", "https", "ws", "wss"};

// A name from a caller's configuration, fit for a message.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 64));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
  }
  return out;
}

// A method or a header's name (RFC 9110, section 5.6.2).
bool is_token(std::string_view text) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

void check_method(const std::string& method) {
  if (!is_token(method))
    throw Error(Code::kInvalidArgument, fmt::format("method '{}': this is no method", shown(method)));
}

void check_header(const std::string& name, const std::string& value) {
  const auto refuse = [&](std::string_view why) {
    throw Error(Code::kInvalidArgument, fmt::format("header '{}': {}", shown(name), why));
  };
  if (!is_token(name)) refuse("this is no header name");
  const auto control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; };
  if (std::any_of(value.begin(), value.end(), control)) refuse("its value has a control character");
  const std::string small = lower(name);
  const bool framing = small.starts_with("sec-websocket-") || small == "content-length" ||
                       small == "transfer-encoding" || small == "connection" || small == "expect" || small == "upgrade";
  if (framing) refuse("how the message is framed is not the caller's to say");
}

void read_url(CURLU* url, const std::string& text) {
  // The URL may hold a key as well: messages name its host alone.
  constexpr unsigned kFlags = CURLU_NON_SUPPORT_SCHEME;  // this curl knows no ws; what we take is asked for below
  if (!url || text.find('\0') != std::string::npos ||
      curl_url_set(url, CURLUPART_URL, text.c_str(), kFlags) != CURLUE_OK)
    throw Error(Code::kInvalidArgument, "url: the address cannot be read; expected https://host/path");
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  if (std::find(std::begin(kSchemes), std::end(kSchemes), scheme) == std::end(kSchemes))
    throw Error(Code::kInvalidArgument, fmt::format("url: '{}' is neither http nor https", shown(scheme)));
}

std::string part_of(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

// No time is no time to do anything in; beyond a year is for ever, and no sum overflows.
std::chrono::milliseconds bounded(std::chrono::milliseconds time) {
  return std::clamp(time, std::chrono::milliseconds(1), std::chrono::milliseconds(std::chrono::years(1)));
}

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
}

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace shenbi::net
