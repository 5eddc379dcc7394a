#include "net/sse.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"

namespace shenbi::net {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

std::string sse_event(std::string_view event, std::string_view data) {
  std::string out;
  out.reserve(event.size() + data.size() + 24);
  if (!event.empty()) {
    out += "event: ";
    for (const char c : event) out += c == '\r' || c == '\n' ? ' ' : c;
    out += '\n';
  }
  for (;;) {
    const size_t end = std::min(data.find_first_of("\r\n"), data.size());
    out += "data: ";
    out += data.substr(0, end);
    out += '\n';
    if (end == data.size()) break;
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  out += '\n';
  return out;
}

void SseReader::bound(size_t more) const {
  if (line_.size() + data_.size() + more > max_event_bytes_)
    throw Error(Code::kUpstream, fmt::format("event stream: an event is longer than {} bytes", max_event_bytes_));
}

std::vector<SseEvent> SseReader::push(std::string_view bytes) {
  std::vector<SseEvent> out;
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      ++seen_;
      continue;
    }
    const size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    bound(part.size());
    if (end == std::string_view::npos) {
      line_ += part;
      seen_ += part.size();
      break;
    }
    after_cr_ = bytes[end] == '\r';
    seen_ += end + 1;
    const uint64_t line_end = seen_ + (after_cr_ && bytes.substr(end + 1).starts_with('\n') ? 1 : 0);
    if (line_.empty()) {
      take_line(part, out, line_end);
    } else {
      line_ += part;
      take_line(std::exchange(line_, {}), out, line_end);
    }
    bytes.remove_prefix(end + 1);
  }
  return out;
}

void SseReader::take_line(std::string_view line, std::vector<SseEvent>& out, uint64_t end) {
  if (std::exchange(first_line_, false) && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (!line.empty()) {
    const size_t colon = line.find(':');
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    return set_field(line.substr(0, colon), value);
  }
  if (has_data_) out.push_back({event_.empty() ? "message" : std::move(event_), std::move(data_), id_, end});
  event_.clear();
  data_.clear();
  has_data_ = false;
}

void SseReader::set_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    bound(value.size() + 1);
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "event") {
    event_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size()) retry_ms_ = number;
  }
}

std::optional<SseEvent> SseReader::finish() {
  std::vector<SseEvent> out;
  if (!line_.empty()) take_line(std::exchange(line_, {}), out);
  take_line({}, out, seen_);
  if (out.empty()) return std::nullopt;
  return std::move(out.back());
}

}  // namespace shenbi::net
