// Any answer in any family, cut into any pieces: the events do not depend on the cuts, whole calls have arguments that
// are JSON, and where no call is whole the text is what came in, byte for byte.

#include <cstdint>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/utf8.h"
#include "chat/answer_parser.h"

namespace {

using namespace shenbi::chat;

struct Told {
  std::string all, text;
  std::map<uint32_t, std::string> calls;
};

void add(Told& told, const std::vector<Event>& events, std::map<std::string, uint32_t>& ids) {
  for (const Event& event : events) {
    // Neighbours of one kind are one: the marker is written where the kind changes.
    const std::string mark =
        "\x01" + std::to_string(static_cast<int>(event.kind)) + ":" + std::to_string(event.index) + " ";
    static thread_local std::string last;
    if (told.all.empty()) last.clear();
    if (mark != last || event.kind == Event::Kind::kWarning) told.all += mark;
    last = mark;
    told.all += event.text + event.name;
    if (event.kind == Event::Kind::kText) told.text += event.text;
    if (event.kind == Event::Kind::kToolCall) {
      ids[event.id] = event.index;
      told.calls[event.index];
    }
    if (event.kind == Event::Kind::kToolArguments) told.calls[event.index] += event.text;
    if (event.kind == Event::Kind::kWarning && !event.id.empty()) told.calls.erase(ids[event.id]);
  }
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Tool> tools = {
      {"f", "",
       OrderedJson::parse(R"({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}})")},
      {"get_weather", "", nullptr}};
  if (size < 3) return 0;
  const auto& registry = tool_syntax_registry();
  const ToolSyntax& syntax = *tool_syntax(registry[data[0] % registry.size()].first);
  const AnswerParser::Options options{
      .tools = tools, .parallel = (data[1] & 1) != 0, .split_thinking = (data[1] & 2) != 0};
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);

  std::map<std::string, uint32_t> ids;
  Told whole;
  {
    AnswerParser parser(syntax, options);
    std::vector<Event> events = parser.push(text);
    for (Event& event : parser.finish()) events.push_back(std::move(event));
    add(whole, events, ids);
    require(parser.saw_tool_call() == !whole.calls.empty());
  }
  Told pieces;
  {
    AnswerParser parser(syntax, options);
    uint32_t state = data[2];
    std::vector<Event> events;
    for (size_t at = 0; at < text.size();) {
      state = state * 1664525 + 1013904223;
      const size_t length = 1 + (state >> 24) % (1 + data[2] % 32);
      for (Event& event : parser.push(text.substr(at, length))) events.push_back(std::move(event));
      at += length;
    }
    for (Event& event : parser.finish()) events.push_back(std::move(event));
    add(pieces, events, ids);
  }
  require(whole.all == pieces.all);
  for (const auto& [index, arguments] : whole.calls) {
    // Bytes that are not UTF-8 are the model's; all else must be an object.
    const auto json = nlohmann::json::parse(arguments, nullptr, false);
    require(json.is_object() || (json.is_discarded() && !shenbi::is_valid_utf8(arguments)));
  }
  if (whole.calls.empty() && !options.split_thinking && !syntax.framed) require(whole.text == text);
  return 0;
}
