// What can be said about a request without reading from a socket: its target, headers, parameters; names of statuses.

#include <fmt/format.h>

#include "base/utf8.h"
#include "net/server.h"
#include "net/server_parser.h"

namespace shenbi::net {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that text[at] = '%' and two digits stand for; -1 if they are not digits.
int escaped_byte(std::string_view text, size_t at) noexcept {
  if (at + 2 >= text.size()) return -1;
  const int high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string decode_parameter(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? escaped_byte(text, at) : -1;
    if (byte >= 0) {
      out += static_cast<char>(byte);
      at += 2;
    } else {
      out += text[at] == '+' ? ' ' : text[at];
    }
  }
  return out;
}

// Looked at after decoding: "/%2e%2e/" is "/../".
const char* path_problem(std::string_view path) {
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return "the path holds a control character";
    if (c == '\\') return "the path holds a backslash";
  }
  if (!is_valid_utf8(path)) return "the path is not UTF-8";
  for (size_t begin = 1; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "." || segment == "..") return "the path holds '.' or '..' as a segment";
    if (segment.empty() && end < path.size()) return "the path holds '//'";
    begin = end + 1;
  }
  return nullptr;
}

}  // namespace

std::string read_target(std::string_view target, std::string& path, std::string& query) {
  if (!target.starts_with('/')) return "the target must begin with '/'";
  if (target.find('#') != std::string_view::npos) return "the target holds a fragment";
  const size_t mark = target.find('?');
  query = mark == std::string_view::npos ? "" : std::string(target.substr(mark + 1));
  const std::string_view raw = target.substr(0, mark);
  path.clear();
  for (size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] != '%') {
      path += raw[at];
      continue;
    }
    const int byte = escaped_byte(raw, at);
    if (byte < 0) return "the path holds '%' without two hexadecimal digits";
    path += static_cast<char>(byte);
    at += 2;
  }
  const char* problem = path_problem(path);
  return problem ? problem : "";
}

std::string_view ServerRequest::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string> ServerRequest::parameter(std::string_view name) const {
  for (size_t begin = 0; begin < query.size();) {
    const size_t end = std::min(query.find('&', begin), query.size());
    const std::string_view pair = std::string_view(query).substr(begin, end - begin);
    const size_t equals = std::min(pair.find('='), pair.size());
    if (decode_parameter(pair.substr(0, equals)) == name)
      return decode_parameter(pair.substr(std::min(equals + 1, pair.size())));
    begin = end + 1;
  }
  return std::nullopt;
}

std::string_view status_text(int status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 424:
      return "Failed Dependency";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    case 529:
      return "Overloaded";
    default:
      return status < 400 ? "OK" : status < 500 ? "Client Error" : "Server Error";
  }
}

}  // namespace shenbi::net
