// Any bytes as a multipart body; the first line is the Content-Type. Held: every content lies inside the body, in
// order; and the parts written again by the rules are read as the same parts.

#include <cstdlib>

#include "base/error.h"
#include "base/limits.h"
#include "net/multipart.h"

namespace {

using shenbi::net::MultipartPart;

void require(bool held) {
  if (!held) std::abort();
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"')
      out += "%22";
    else if (c == '\r')
      out += "%0D";
    else if (c == '\n')
      out += "%0A";
    else
      out += c == '\\' ? "\\\\" : std::string(1, c);
  }
  return out + '"';
}

// A boundary that no content holds.
std::string fresh_boundary(std::string_view body) {
  std::string boundary = "b";
  while (body.find("--" + boundary) != std::string_view::npos) boundary += 'b';
  return boundary;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t line = all.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string_view body = all.substr(line + 1);
  std::vector<MultipartPart> parts;
  try {
    parts = shenbi::net::parse_multipart(all.substr(0, line), body);
  } catch (const shenbi::Error&) {
    return 0;
  }
  require(!parts.empty() && parts.size() <= shenbi::limits::kMaxMultipartParts);
  const std::string boundary = fresh_boundary(body);
  if (boundary.size() > 70) return 0;
  std::string again;
  const char* last = body.data();
  for (const MultipartPart& part : parts) {
    require(part.content.data() >= last && part.content.data() + part.content.size() <= body.data() + body.size());
    last = part.content.data() + part.content.size();
    again += "--" + boundary + "\r\nContent-Disposition: form-data; name=" + quoted(part.name);
    if (part.filename) again += "; filename=" + quoted(*part.filename);
    if (!part.content_type.empty()) again += "\r\nContent-Type: " + part.content_type;
    again += "\r\n\r\n" + std::string(part.content) + "\r\n";
  }
  again += "--" + boundary + "--\r\n";
  // Escapes may make a head longer than the bound; then it is refused, which is right as well.
  std::vector<MultipartPart> read;
  try {
    read = shenbi::net::parse_multipart("multipart/form-data; boundary=" + boundary, again);
  } catch (const shenbi::Error& error) {
    require(std::string_view(error.what()).find("do not end within") != std::string_view::npos);
    return 0;
  }
  require(read.size() == parts.size());
  for (size_t i = 0; i < read.size(); ++i) {
    require(read[i].name == parts[i].name && read[i].filename == parts[i].filename);
    require(read[i].content == parts[i].content && read[i].content_type == parts[i].content_type);
  }
  return 0;
}
