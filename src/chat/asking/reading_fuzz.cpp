// Any bytes as the answer of any house, as a stream and whole. Whatever they are: no exception, at most one end,
// nothing after it, calls numbered in order, and pieces of arguments only for calls that have begun.

#include <algorithm>
#include <cstdlib>

#include "chat/asking.h"
#include "chat/upstream_error.h"

namespace {

using namespace shenbi::chat;

void require(bool held) {
  if (!held) std::abort();
}

void check(const std::vector<Event>& events) {
  uint32_t calls = 0;
  bool over = false;
  for (const Event& event : events) {
    require(!over);
    over = event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError;
    if (event.kind == Event::Kind::kToolCall)
      require(event.index == calls++ && !event.id.empty() && !event.name.empty());
    if (event.kind == Event::Kind::kToolArguments) require(event.index < calls);
    if (event.kind == Event::Kind::kError) require(event.status >= 400 && event.status < 600);
  }
  require(over);
}

// Lines are the data of events; a line "event NAME" names the next one.
std::vector<Event> read_stream(const Asking& asking, std::string_view bytes, bool completion) {
  const auto reader = completion ? asking.completion_reader() : asking.reader();
  std::vector<Event> events;
  std::string_view name = "message";
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size() - 1);
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (line.starts_with("event ")) {
      name = line.substr(6);
    } else {
      reader->event(name, line, events);
      name = "message";
    }
  }
  reader->end(events);
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  static const Asking kAskings[] = {openai_asking(),  responses_asking(), anthropic_asking(), gemini_asking(),
                                    hunyuan_asking(), ernie_asking(),     spark_asking("app")};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t kind = (data[0] & 15) % (std::size(kAskings) + 1);  // "0" ... "7"; the last: plain completions
  const bool completion = kind == std::size(kAskings);
  const Asking& asking = kAskings[completion ? 0 : kind];
  check(read_stream(asking, bytes, completion));
  std::vector<Event> events;
  const auto reader = completion ? asking.completion_reader() : asking.reader();
  reader->body(bytes, events);
  reader->end(events);
  check(events);
  const UpstreamError error = asking.error(200 + data[0], bytes);
  require(error.status >= 400 && !error.message.empty());
  const ErrorFacts facts = read_error_facts(200 + data[0], bytes);
  Event told{.kind = Event::Kind::kError};
  put_facts(told, facts);
  require(facts_of(told) == facts);
  return 0;
}
