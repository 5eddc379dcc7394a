// Any bytes as an event stream, whole and in pieces of the first byte's size: the same events, each within the bound;
// and what we write from an event is read as that event.

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "net/sse.h"

namespace {

using shenbi::net::SseEvent;

void require(bool held) {
  if (!held) std::abort();
}

// What could be read before an event was too long, and whether one was.
struct Outcome {
  std::vector<SseEvent> events;
  bool too_long = false;
};

Outcome read(std::string_view bytes, size_t piece) {
  Outcome out;
  shenbi::net::SseReader reader(256);
  try {
    for (size_t at = 0; at < bytes.size(); at += piece) {
      for (SseEvent& event : reader.push(bytes.substr(at, piece))) out.events.push_back(std::move(event));
    }
    if (auto last = reader.finish()) out.events.push_back(std::move(*last));
  } catch (const shenbi::Error&) {
    out.too_long = true;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(bytes, std::max<size_t>(1, bytes.size())), pieces = read(bytes, 1 + data[0]);
  require(whole.too_long == pieces.too_long);
  if (!whole.too_long) require(whole.events.size() == pieces.events.size());
  for (size_t i = 0; i < pieces.events.size(); ++i) {
    const SseEvent& event = pieces.events[i];
    require(event.data.size() <= 256);
    if (!whole.too_long)
      require(event.data == whole.events[i].data && event.event == whole.events[i].event &&
              event.id == whole.events[i].id);
    shenbi::net::SseReader again;
    const auto read_back = again.push(shenbi::net::sse_event(event.event, event.data));
    require(read_back.size() == 1 && read_back[0].data == event.data && read_back[0].event == event.event);
  }
  return 0;
}
