// body     = *( "--" boundary CRLF headers CRLF content CRLF ) "--" boundary "--" [CRLF]
// headers  = *( name ":" value CRLF )
//
// The delimiter of a part's end is CRLF "--" boundary: the line end in front of it belongs to it, not to the content.

#include "net/multipart.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace shenbi::net {
namespace {

constexpr size_t kMaxBoundary = 70;  // of RFC 2046

[[noreturn]] void refuse(std::string_view why) {
  throw Error(Code::kInvalidArgument, fmt::format("body: multipart/form-data: {}", sanitize_utf8(why)));
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_token(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) noexcept { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }

// "form-data; name=\"a\"; filename=\"b\"": the value, then one parameter after the other.
class Parameters {
 public:
  explicit Parameters(std::string_view text) : rest_(text) {
    const size_t end = std::min(rest_.find(';'), rest_.size());
    value_ = lowered(trimmed(rest_.substr(0, end)));
    rest_.remove_prefix(end);
  }
  const std::string& value() const noexcept { return value_; }

  /// False at the end. Names come in lower case.
  bool next(std::string& name, std::string& value) {
    rest_ = trimmed(rest_);
    if (rest_.empty()) return false;
    if (rest_.front() != ';') refuse(fmt::format("expected ';' before: {}", rest_.substr(0, 40)));
    rest_ = trimmed(rest_.substr(1));
    name = lowered(token());
    if (name.empty() || rest_.empty() || rest_.front() != '=') refuse("a parameter without a value");
    rest_.remove_prefix(1);
    value = !rest_.empty() && rest_.front() == '"' ? quoted() : token();
    return true;
  }

 private:
  std::string token() {
    size_t end = 0;
    while (end < rest_.size() && is_token(rest_[end])) ++end;
    std::string out(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return out;
  }

  // A backslash escapes a quote or a backslash (RFC 9110) and is itself elsewhere (file names of Windows).
  std::string quoted() {
    std::string out;
    for (size_t i = 1; i < rest_.size(); ++i) {
      char c = rest_[i];
      if (c == '"') {
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (c == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\')) c = rest_[++i];
      out += c;
    }
    refuse("a quoted value does not end");
  }

  std::string value_;
  std::string_view rest_;
};

// Browsers write these three of a name as %22, %0D, %0A, and nothing else.
std::string unescaped(std::string text) {
  for (const auto& [code, c] : {std::pair{"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}}) {
    for (size_t at = text.find(code); at != std::string::npos; at = text.find(code, at + 1)) text.replace(at, 3, 1, c);
  }
  return text;
}

std::string boundary_of(std::string_view content_type) {
  Parameters parameters(content_type);
  if (parameters.value() != "multipart/form-data") {
    throw Error(Code::kInvalidArgument,
                fmt::format("body: expected multipart/form-data, found {}",
                            parameters.value().empty() ? "no Content-Type" : sanitize_utf8(parameters.value())));
  }
  std::string name, value, boundary;
  while (parameters.next(name, value)) {
    if (name == "boundary") boundary = value;
  }
  if (boundary.empty() || boundary.size() > kMaxBoundary) refuse("a boundary of 1 to 70 characters is needed");
  return boundary;
}

void read_disposition(std::string_view text, MultipartPart& part) {
  Parameters parameters(text);
  if (parameters.value() != "form-data") refuse(fmt::format("a part is '{}', not form-data", parameters.value()));
  std::string name, value;
  bool named = false;
  while (parameters.next(name, value)) {
    if (name == "name" && !named) {
      part.name = unescaped(std::move(value));
      named = true;
    } else if (name == "filename" && !part.filename) {
      part.filename = unescaped(std::move(value));
    } else {
      refuse(fmt::format("Content-Disposition: '{}' is unknown or given twice", name));
    }
  }
  if (!named || part.name.empty()) refuse("a part without a name");
}

// Reads header lines up to the empty one; returns what follows it.
std::string_view read_headers(std::string_view text, MultipartPart& part) {
  bool disposed = false;
  size_t read = 0;
  for (;;) {
    const size_t end = text.find("\r\n");
    if (end == std::string_view::npos || (read += end + 2) > limits::kMaxMultipartHeadBytes) {
      refuse(fmt::format("a part's headers do not end within {} bytes", limits::kMaxMultipartHeadBytes));
    }
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.empty()) break;
    if (std::any_of(line.begin(), line.end(), is_control)) refuse("a control character in a part's headers");
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) refuse("a part's header has no ':'");
    const std::string name = lowered(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (name == "content-disposition") {
      if (disposed) refuse("a part has two Content-Dispositions");
      disposed = true;
      read_disposition(value, part);
    } else if (name == "content-type") {
      part.content_type = value;
    } else if (name == "content-transfer-encoding") {
      const std::string encoding = lowered(value);
      if (encoding != "7bit" && encoding != "8bit" && encoding != "binary") {
        refuse(fmt::format("the transfer encoding '{}' is not read", encoding));
      }
    }
  }
  if (!disposed) refuse("a part without Content-Disposition");
  return text;
}

}  // namespace

std::vector<MultipartPart> parse_multipart(std::string_view content_type, std::string_view body) {
  const std::string delimiter = "\r\n--" + boundary_of(content_type);
  const std::string_view first = std::string_view(delimiter).substr(2);
  if (!body.starts_with(first)) refuse("the body does not begin with its boundary");
  std::string_view rest = body.substr(first.size());
  std::vector<MultipartPart> parts;
  while (!rest.starts_with("--")) {
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
    if (!rest.starts_with("\r\n")) refuse("a boundary's line goes on");
    if (parts.size() == limits::kMaxMultipartParts) {
      refuse(fmt::format("more than {} parts", limits::kMaxMultipartParts));
    }
    MultipartPart& part = parts.emplace_back();
    rest = read_headers(rest.substr(2), part);
    const size_t end = rest.find(delimiter);
    if (end == std::string_view::npos) refuse("a part does not end");
    part.content = rest.substr(0, end);
    rest.remove_prefix(end + delimiter.size());
  }
  if (const auto after = rest.substr(2); !after.empty() && after != "\r\n") refuse("bytes behind the last boundary");
  if (parts.empty()) refuse("no part");
  return parts;
}

}  // namespace shenbi::net
