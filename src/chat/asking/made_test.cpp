#include <algorithm>

#include "chat/asking/test_answers.h"

namespace shenbi::chat::testing {

// --- shown ---

namespace {

template <class Value>
OrderedJson maybe(const std::optional<Value>& value) {
  return value ? OrderedJson(*value) : OrderedJson();
}

OrderedJson shown(const Message& message) {
  OrderedJson parts = OrderedJson::array(), calls = OrderedJson::array();
  for (const Part& part : message.parts) {
    parts.push_back({static_cast<int>(part.kind), part.text, part.signature, part.mime, part.data, part.name});
  }
  for (const ToolCall& call : message.tool_calls) {
    calls.push_back({call.id, call.name, OrderedJson::parse(call.arguments)});
  }
  return {{"role", role_name(message.role)},
          {"parts", parts},
          {"calls", calls},
          {"answers", message.tool_call_id},
          {"name", message.name}};
}

}  // namespace

OrderedJson shown(const ChatRequest& request) {
  const Sampling& s = request.sampling;
  OrderedJson json = {
      {"model", request.model},
      {"temperature", maybe(s.temperature)},
      {"top_p", maybe(s.top_p)},
      {"top_k", maybe(s.top_k)},
      {"min_p", maybe(s.min_p)},
      {"typical_p", maybe(s.typical_p)},
      {"repetition", maybe(s.repetition_penalty)},
      {"frequency", maybe(s.frequency_penalty)},
      {"presence", maybe(s.presence_penalty)},
      {"dry", {maybe(s.dry_multiplier), maybe(s.dry_base), maybe(s.dry_allowed_length), maybe(s.dry_last_n)}},
      {"seed", maybe(s.seed)},
      {"max_tokens", maybe(request.max_tokens)},
      {"stop", request.stop},
      {"stop_ids", request.stop_ids},
      {"ignore_end", request.ignore_end},
      {"logprobs", request.logprobs},
      {"top_logprobs", request.top_logprobs},
      {"format", static_cast<int>(request.format.kind)},
      {"schema", request.format.schema},
      {"grammar", request.format.text},
      {"choices", request.format.choices},
      {"priority", request.priority},
      {"choice", {static_cast<int>(request.tool_choice.mode), request.tool_choice.name}},
      {"parallel", request.parallel_tool_calls},
      {"effort", request.reasoning_effort},
      {"thinking", maybe(request.thinking)},
      {"template", request.template_arguments},
      {"continue", request.continue_last}};
  for (const auto& [id, bias] : s.logit_bias) json["bias"][std::to_string(id)] = bias;
  for (const Tool& tool : request.tools) {
    json["tools"].push_back({tool.name, tool.description, tool.parameters, tool.strict});
  }
  for (const Message& message : request.messages) json["messages"].push_back(shown(message));
  return json;
}

OrderedJson shown(const std::vector<Event>& events) {
  OrderedJson list = OrderedJson::array();
  std::vector<size_t> calls;
  const auto grow = [&list](const char* kind, const std::string& text) {
    if (list.empty() || list.back()[0] != kind) list.push_back({kind, "", OrderedJson::array()});
    list.back()[1] = list.back()[1].get<std::string>() + text;
  };
  for (const Event& event : events) {
    switch (event.kind) {
      case Event::Kind::kText:
        if (event.text.empty() && event.logprobs.empty()) break;
        grow("text", event.text);
        for (const TokenLogprob& token : event.logprobs)
          list.back()[2].push_back({token.bytes, token.logprob, token.top_bytes});
        break;
      case Event::Kind::kThinking:
        grow("thinking", event.text);
        break;
      case Event::Kind::kSignature:
        grow("signature", event.text);
        break;
      case Event::Kind::kToolCall:
        calls.push_back(list.size());
        list.push_back({"call", event.name, ""});
        break;
      case Event::Kind::kToolArguments:
        list[calls.at(event.index)][2] = list[calls.at(event.index)][2].get<std::string>() + event.text;
        break;
      case Event::Kind::kWarning:
        list.push_back({"warning", event.text});
        break;
      case Event::Kind::kFinish:
        list.push_back({"finish", static_cast<int>(event.finish), event.stop_string, event.usage.prompt_tokens,
                        event.usage.cached_tokens, event.usage.completion_tokens, event.usage.reasoning_tokens});
        break;
      case Event::Kind::kError:
        list.push_back({"error", event.status, event.text});
        break;
      default:
        break;
    }
  }
  for (const size_t call : calls) {
    const std::string text = list[call][2];
    list[call][2] = OrderedJson::parse(text.empty() ? "{}" : text, nullptr, false);
  }
  return list;
}

std::string answered(const ChatRequest& request, const std::string& call_id) {
  for (const Message& message : request.messages) {
    for (const ToolCall& call : message.tool_calls) {
      if (call.id == call_id) return call.name;
    }
  }
  return {};
}

// --- streams ---

std::vector<std::pair<std::string, std::string>> sse_events(std::string_view bytes) {
  std::vector<std::pair<std::string, std::string>> out;
  std::string name = "message", data;
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size() - 1);
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("event: ")) name = line.substr(7);
    if (line.starts_with("data: ")) data += line.substr(6);
    if (!line.empty() || data.empty()) continue;
    out.emplace_back(std::exchange(name, "message"), std::exchange(data, {}));
  }
  return out;
}

std::vector<Event> read_stream(const Asking& asking, std::string_view bytes) {
  std::vector<Event> events;
  const auto reader = asking.reader();
  for (const auto& [name, data] : sse_events(bytes)) reader->event(name, data, events);
  reader->end(events);
  return events;
}

std::vector<Event> read_body(const Asking& asking, std::string_view bytes) {
  std::vector<Event> events;
  const auto reader = asking.reader();
  reader->body(bytes, events);
  reader->end(events);
  return events;
}

std::string error_of(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kError) return std::to_string(event.status) + " " + event.text;
  }
  return {};
}

// --- made ---

std::string Maker::text() {
  static const char* const kWords[] = {"a",  "word", "Ünïcödé", "汉字",    "🙂",   "\"quoted\"", "back\\slash",
                                       "\n", "\t",   "{",       "data: x", "</s>", " "};
  std::string out = "x";
  for (size_t i = below(6); i-- > 0;) out += kWords[below(std::size(kWords))];
  return out;
}

std::string Maker::arguments() {
  OrderedJson json = OrderedJson::object();
  for (size_t i = below(4); i-- > 0;) json[text()] = chance(50) ? OrderedJson(text()) : OrderedJson({{"n", below(9)}});
  return json.dump();
}

Part Maker::media() {
  Part part;
  std::string bytes;
  for (size_t i = below(20) + 1; i-- > 0;) bytes += static_cast<char>(random_());
  part.data = bytes;
  part.kind = Part::Kind::kImage;
  part.mime = chance(50) ? "image/png" : "image/jpeg";
  if (carries_.audio && chance(30)) {
    part.kind = Part::Kind::kAudio;
    part.mime = "audio/wav";
  } else if (carries_.files && chance(30)) {
    part.kind = Part::Kind::kFile;
    part.mime = "application/pdf";
    part.name = "paper.pdf";
  }
  return part;
}

Message Maker::user() {
  Message message{.role = Role::kUser};
  message.parts.push_back({.text = text()});
  if (chance(30)) message.parts.push_back(media());
  if (chance(20)) message.parts.push_back({.text = text()});
  if (carries_.names && chance(20)) message.name = "ann";
  return message;
}

Message Maker::assistant(bool may_call) {
  Message message{.role = Role::kAssistant};
  if (chance(40)) {
    message.parts.push_back(
        {.kind = Part::Kind::kThinking, .text = text(), .signature = carries_.signatures ? "c2ln" : ""});
  }
  const bool calls = may_call && chance(60);
  if (!calls || chance(50)) message.parts.push_back({.text = text()});
  for (size_t i = calls ? below(3) + 1 : 0; i-- > 0;) {
    message.tool_calls.push_back({"call_" + std::to_string(call_++), chance(50) ? "weather" : "time", arguments()});
  }
  return message;
}

void Maker::settings(ChatRequest& request) {
  Sampling& s = request.sampling;
  if (chance(50)) s.temperature = number(carries_.hottest);
  if (chance(50)) s.top_p = number(1);
  if (chance(30)) s.top_k = static_cast<int64_t>(below(100)) + 1;
  if (carries_.penalties && chance(30)) s.frequency_penalty = number(2), s.presence_penalty = -number(2);
  if (carries_.seed && chance(30)) s.seed = random_();
  if (chance(30)) request.stop.push_back("END");
  if (!request.stop.empty()) request.stop.push_back(text());
  if (carries_.logprobs && chance(30)) request.logprobs = true, request.top_logprobs = static_cast<uint32_t>(below(5));
  if (carries_.local && chance(50)) {
    s.min_p = number(1), s.typical_p = number(1), s.repetition_penalty = 1 + number(1), s.dry_multiplier = number(2);
    s.dry_base = 1.75, s.dry_allowed_length = 2, s.dry_last_n = -1;
    s.logit_bias = {{5, 1.5}, {77, -100}};
    request.stop_ids = {1, 106};
    request.ignore_end = true;
    request.priority = -3;
  }
  const OrderedJson schema = {{"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}}}, {"required", {"a"}}};
  if (chance(20)) request.format = {.kind = ResponseFormat::Kind::kJsonSchema, .schema = schema};
  if (carries_.json_object && chance(10)) request.format = {.kind = ResponseFormat::Kind::kJsonObject};
  if (carries_.choice && chance(10)) request.format = {.kind = ResponseFormat::Kind::kChoice, .choices = {"yes", "no"}};
  if (chance(30)) request.reasoning_effort = chance(50) ? "low" : "high";
}

ChatRequest Maker::request() {
  ChatRequest request;
  request.model = "house/model-1";
  request.max_tokens = below(5000) + 1;
  if (chance(70)) {
    for (const char* name : {"weather", "time"}) {
      request.tools.push_back({.name = name, .description = text(), .strict = carries_.strict && chance(30)});
      request.tools.back().parameters = {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}};
    }
    const auto modes = {ToolChoice::Mode::kAuto, ToolChoice::Mode::kNone, ToolChoice::Mode::kRequired,
                        ToolChoice::Mode::kFunction};
    request.tool_choice.mode = *(modes.begin() + below(4));
    if (request.tool_choice.mode == ToolChoice::Mode::kFunction) request.tool_choice.name = "time";
    if (carries_.parallel && chance(30)) request.parallel_tool_calls = false;
  }
  if (chance(50)) {
    request.messages.push_back({.role = carries_.developer && chance(50) ? Role::kDeveloper : Role::kSystem});
    request.messages.back().parts.push_back({.text = text()});
  }
  for (size_t turns = below(4) + 1; turns-- > 0;) {
    request.messages.push_back(user());
    if (turns == 0) break;
    request.messages.push_back(assistant(!request.tools.empty()));
    const auto calls = request.messages.back().tool_calls;
    for (const ToolCall& call : calls) {
      Message result{.role = Role::kTool, .tool_call_id = call.id};
      result.parts.push_back({.text = text()});
      request.messages.push_back(std::move(result));
    }
  }
  if (carries_.continuation && chance(15)) {
    request.messages.push_back(assistant(false));
    request.continue_last = true;
  }
  settings(request);
  return request;
}

std::vector<Event> Maker::answer(bool signatures, bool logprobs) {
  std::vector<Event> events;
  const auto add = [&events](Event::Kind kind, std::string text = {}) -> Event& {
    events.push_back({.kind = kind, .text = std::move(text)});
    return events.back();
  };
  Usage usage{.prompt_tokens = below(10'000) + 10, .completion_tokens = below(1000) + 10};
  if (chance(50)) usage.cached_tokens = below(usage.prompt_tokens);
  add(Event::Kind::kStart).usage = usage;
  events.back().usage.completion_tokens = 0;
  if (chance(40)) {
    for (size_t i = below(3) + 1; i-- > 0;) add(Event::Kind::kThinking, text());
    if (signatures) add(Event::Kind::kSignature, "c2lnbmF0dXJl");
  }
  const bool calls = chance(40);
  for (size_t i = calls ? below(3) : below(5) + 1; i-- > 0;) {
    Event& event = add(Event::Kind::kText, text());
    if (logprobs) event.logprobs.push_back({-1, event.text, -number(3), {{-1, -0.5}}, {text()}});
  }
  for (uint32_t i = 0, count = calls ? static_cast<uint32_t>(below(3)) + 1 : 0; i < count; ++i) {
    Event& call = add(Event::Kind::kToolCall);
    call.index = i;
    call.id = "call_" + std::to_string(i);
    call.name = "weather";
    const std::string whole = arguments();
    const size_t cut = std::min(whole.size(), whole.find_first_of("\":{", below(whole.size())));  // no character is cut
    for (const std::string& piece : {whole.substr(0, cut), whole.substr(cut)}) {
      if (!piece.empty()) add(Event::Kind::kToolArguments, piece).index = i;
    }
  }
  Event& last = add(Event::Kind::kFinish);
  last.finish = calls ? Finish::kToolCalls : chance(20) ? Finish::kLength : Finish::kStop;
  last.usage = usage;
  return events;
}

}  // namespace shenbi::chat::testing
