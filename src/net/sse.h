#pragma once
// Server-sent events, both ways, as the HTML standard defines them (section 9.2).
//
//   exchange->write(net::sse_event("", R"({"delta": "word"})"));
//
//   net::SseReader reader;
//   for (const net::SseEvent& event : reader.push(bytes)) ...

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"

namespace shenbi::net {

/// One event on the wire: "event: NAME" unless `event` is empty, a "data:" line for each line of `data` (ended by LF,
/// CR LF or CR), an empty line. Line ends inside `event` become spaces.
std::string sse_event(std::string_view event, std::string_view data);

struct SseEvent {
  std::string event;  ///< "message" if the stream named none
  std::string data;   ///< its lines joined by LF
  std::string id;     ///< the last one seen so far, "" before the first
  uint64_t end = 0;   ///< how many bytes of the stream there were up to the end of its empty line
};

/// Takes a stream in pieces of any size. A comment, an unknown field or an event without data is passed over, as the
/// standard wants. Not thread-safe.
class SseReader {
 public:
  explicit SseReader(uint64_t max_event_bytes = limits::kMaxSseEventBytes) : max_event_bytes_(max_event_bytes) {}

  /// The events that `bytes` completes. Throws Error{kUpstream} when one event grows beyond the bound; the reader is of
  /// no use then.
  std::vector<SseEvent> push(std::string_view bytes);

  /// The event that the end of the stream leaves without its empty line. The standard drops it; servers exist that end
  /// with "data: [DONE]" and nothing more, so the caller decides.
  std::optional<SseEvent> finish();

  /// The reconnection time that the stream asked for last.
  std::optional<uint64_t> retry_ms() const noexcept { return retry_ms_; }

 private:
  void take_line(std::string_view line, std::vector<SseEvent>& out, uint64_t end = 0);
  void set_field(std::string_view name, std::string_view value);
  void bound(size_t more) const;

  const uint64_t max_event_bytes_;
  uint64_t seen_ = 0;       // bytes of the stream
  std::string line_;        // begun and not ended
  bool after_cr_ = false;   // a LF now belongs to the line end before it
  bool first_line_ = true;  // which may begin with a byte order mark
  std::string event_, data_, id_;
  bool has_data_ = false;
  std::optional<uint64_t> retry_ms_;
};

}  // namespace shenbi::net
