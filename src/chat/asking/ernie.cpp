// Baidu's first chat API, https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/MODEL:
//
//   {"messages": [{"role": "user", "content": "..."}], "system": "...", "functions": [...], "stream": true}
//   {"result": "...", "is_end": false, "is_truncated": false, "finish_reason": "normal", "function_call": {...},
//    "usage": {...}}
//
// Errors come with status 200: {"error_code": 17, "error_msg": "..."}.

#include <fmt/format.h>

#include "base/error.h"
#include "chat/asking/answer_reading.h"
#include "chat/asking/request_words.h"
#include "chat/upstream_error.h"

namespace shenbi::chat {
namespace {

// Of Baidu's own codes those that say whose turn it is to do something.
const std::map<std::string, int>& statuses() {
  static const std::map<std::string, int> kStatus = {
      {"1", 502},      {"2", 503},      {"3", 404},      {"4", 429},      {"6", 403},      {"13", 401},
      {"14", 401},     {"15", 404},     {"17", 429},     {"18", 429},     {"19", 429},     {"100", 400},
      {"110", 401},    {"111", 401},    {"336000", 502}, {"336001", 400}, {"336002", 400}, {"336003", 400},
      {"336004", 403}, {"336005", 404}, {"336100", 503}, {"336101", 400}, {"336104", 400}, {"336105", 400},
      {"336501", 429}, {"336502", 429}};
  return kStatus;
}

class ErnieWriter {
 public:
  explicit ErnieWriter(const std::string& house) : house_(house) {}

  std::string write(const ChatRequest& request, bool stream) {
    refuse_local_settings(request, house_);
    refuse_large_settings(request, house_);
    if (request.sampling.top_k) no_such_setting("top_k", house_);
    messages(request.messages);
    if (request.sampling.temperature) body_["temperature"] = *request.sampling.temperature;
    if (request.sampling.top_p) body_["top_p"] = *request.sampling.top_p;
    if (request.max_tokens) body_["max_output_tokens"] = *request.max_tokens;
    if (!request.stop.empty()) body_["stop"] = request.stop;
    if (request.format.kind == ResponseFormat::Kind::kJsonObject) body_["response_format"] = "json_object";
    functions(request);
    if (stream) body_["stream"] = true;
    return dumped(body_);
  }

 private:
  // Texts of the system stand in front and in a field of their own.
  void messages(const std::vector<Message>& messages) {
    std::string system;
    OrderedJson& list = body_["messages"] = OrderedJson::array();
    for (size_t i = 0; i < messages.size(); ++i) {
      const Message& one = messages[i];
      const bool rule = one.role == Role::kSystem || one.role == Role::kDeveloper;
      if (!rule) {
        list.push_back(message(messages, i));
      } else if (list.empty()) {
        system += (system.empty() ? "" : "\n\n") + text(one, i);
      } else {
        refuse_field(fmt::format("messages[{}].role", i), fmt::format("{} takes rules only in front", house_));
      }
    }
    if (!system.empty()) body_["system"] = system;
  }

  std::string text(const Message& message, size_t index) const {
    for (size_t i = 0; i < message.parts.size(); ++i) {
      const Part::Kind kind = message.parts[i].kind;
      if (kind != Part::Kind::kText && kind != Part::Kind::kThinking)
        refuse_field(part_field(index, i), fmt::format("{} takes only text", house_));
    }
    return message.text();
  }

  OrderedJson message(const std::vector<Message>& messages, size_t index) const {
    const Message& one = messages[index];
    const std::string said = text(one, index);
    if (one.role == Role::kTool)
      return {{"role", "function"}, {"name", answered_name(messages, index)}, {"content", said}};
    OrderedJson json = {{"role", role_name(one.role)}, {"content", said}};
    if (one.tool_calls.size() > 1)
      refuse_field(fmt::format("messages[{}].tool_calls", index), fmt::format("{} knows one call a turn", house_));
    for (const ToolCall& call : one.tool_calls)
      json["function_call"] = {{"name", call.name}, {"arguments", call.arguments.empty() ? "{}" : call.arguments}};
    return json;
  }

  void functions(const ChatRequest& request) {
    using Mode = ToolChoice::Mode;
    if (request.tools.empty() || request.tool_choice.mode == Mode::kNone) return;
    if (request.tool_choice.mode == Mode::kRequired) no_such_setting("tool_choice", house_);
    for (const Tool& tool : request.tools) {
      OrderedJson parameters = tool.parameters;
      if (parameters.is_null()) parameters = {{"type", "object"}, {"properties", OrderedJson::object()}};
      body_["functions"].push_back({{"name", tool.name},
                                    {"description", tool.description.empty() ? tool.name : tool.description},
                                    {"parameters", std::move(parameters)}});
    }
    if (request.tool_choice.mode == Mode::kFunction)
      body_["tool_choice"] = {{"type", "function"}, {"function", {{"name", request.tool_choice.name}}}};
  }

  const std::string& house_;
  OrderedJson body_ = OrderedJson::object();
};

class ErnieReader final : public BaseReader {
 public:
  explicit ErnieReader(const std::string& house) : BaseReader(house, statuses()) {}

 private:
  void read_event(std::string_view, std::string_view data) override {
    const OrderedJson json = parsed(data);
    if (told_error(json)) return;
    read(json);
    const OrderedJson* end = found(json, "is_end");
    if (!over() && end && *end == true) finish();
  }

  void read_body(const OrderedJson& json) override {
    if (!found(json, "result")) throw Error(Code::kUpstream, "result: the answer has none");
    read(json);
    if (!over()) finish();
  }

  void read(const OrderedJson& json) {
    if (!json.is_object()) throw Error(Code::kUpstream, "an event of the stream is no object");
    if (const OrderedJson* usage = found_object(json, "usage")) {
      keep_usage(*usage);
      usage_.prompt_tokens = found_count(*usage, "prompt_tokens");
      usage_.completion_tokens = found_count(*usage, "completion_tokens");
    }
    text(found_text(json, "result"));
    if (const OrderedJson* call = found_object(json, "function_call"); call && !call->empty()) {
      thinking(found_text(*call, "thoughts"));
      arguments(begin_call("", found_text(*call, "name")), found_text(*call, "arguments"));
    }
    const OrderedJson* cut = found(json, "is_truncated");
    if (cut && *cut == true) finish_ = Finish::kLength;
    read_reason(found_text(json, "finish_reason"));
  }

  void read_reason(const std::string& word) {
    if (word.empty()) return;
    if (word == "normal" || word == "stop") {
      if (!finish_) finish_ = Finish::kStop;
    } else if (word == "length") {
      finish_ = Finish::kLength;
    } else if (word == "content_filter") {
      finish_ = Finish::kContentFilter;
    } else if (word == "function_call") {
      finish_ = Finish::kToolCalls;
    } else {
      warn_once(
          fmt::format("{} ended its answer with the unknown reason \"{}\"", house_, one_line(word.substr(0, 64))));
    }
  }
};

}  // namespace

Asking ernie_asking(std::string house) {
  return {
      .chat = [house](const ChatRequest& request, bool stream) { return ErnieWriter(house).write(request, stream); },
      .complete = nullptr,
      .reader = [house] { return std::make_unique<ErnieReader>(house); },
      .completion_reader = nullptr,
      .error = [house](int status, std::string_view body) { return read_error(house, status, body, statuses()); }};
}

}  // namespace shenbi::chat
