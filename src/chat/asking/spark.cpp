// iFlytek Spark's messages of a WebSocket:
//
//   {"header": {"app_id": "..."}, "parameter": {"chat": {"domain": "4.0Ultra"}}, "payload": {"message": {"text":
//   [...]}}}
//   {"header": {"code": 0, "message": "Success", "sid": "...", "status": 2},
//    "payload": {"choices": {"status": 2, "text": [{"content": "...", "function_call": {...}}]}, "usage": {"text":
//    {...}}}}
//
// Status 2 is the last one, and it alone tells the usage. A code other than 0 is an error; the socket closes behind it.

#include <fmt/format.h>

#include "base/error.h"
#include "chat/asking/answer_reading.h"
#include "chat/asking/house_words.h"
#include "chat/asking/request_words.h"
#include "chat/upstream_error.h"

namespace shenbi::chat {
namespace {

int status_of_code(uint64_t code) {
  switch (code) {
    case 10006:  // somebody else asks with this user
    case 10007:  // too many requests of one user
    case 11201:  // a day's share is used up
    case 11202:  // too many in a second
    case 11203:  // too many at once
      return 429;
    case 10005:  // the application may not do this
    case 10015:
    case 10016:
    case 10017:
    case 10018:
    case 11200:
      return 403;
    case 10313:  // application and key do not belong together
      return 401;
    case 10003:  // a form that it cannot read
    case 10004:
    case 10013:  // the question was refused
    case 10014:  // the answer was
    case 10019:
    case 10160:
    case 10161:
    case 10162:
    case 10163:
    case 10907:  // too many tokens
      return 400;
    case 10008:  // no room
    case 10009:
    case 10010:
    case 10110:
      return 503;
    default:
      return 502;
  }
}

class SparkWriter {
 public:
  SparkWriter(const std::string& app_id, const std::string& house) : app_id_(app_id), house_(house) {}

  std::string write(const ChatRequest& request) {
    refuse_local_settings(request, house_);
    refuse_large_settings(request, house_);
    if (request.sampling.top_p) no_such_setting("top_p", house_);
    if (!request.stop.empty()) no_such_setting("stop", house_);
    if (request.format.kind != ResponseFormat::Kind::kText) no_such_setting("response_format", house_);
    OrderedJson chat = {{"domain", request.model}};
    if (request.sampling.temperature) chat["temperature"] = *request.sampling.temperature;
    if (request.sampling.top_k) chat["top_k"] = *request.sampling.top_k;
    if (request.max_tokens) chat["max_tokens"] = *request.max_tokens;
    OrderedJson texts = OrderedJson::array();
    for (size_t i = 0; i < request.messages.size(); ++i) texts.push_back(message(request.messages[i], i));
    OrderedJson payload = {{"message", {{"text", std::move(texts)}}}};
    if (OrderedJson list = functions(request); !list.empty()) payload["functions"] = {{"text", std::move(list)}};
    return dumped({{"header", {{"app_id", app_id_}}},
                   {"parameter", {{"chat", std::move(chat)}}},
                   {"payload", std::move(payload)}});
  }

 private:
  OrderedJson message(const Message& message, size_t index) const {
    for (size_t i = 0; i < message.parts.size(); ++i) {
      const Part::Kind kind = message.parts[i].kind;
      if (kind != Part::Kind::kText && kind != Part::Kind::kThinking)
        refuse_field(part_field(index, i), fmt::format("{} takes only text", house_));
    }
    if (message.role == Role::kTool || !message.tool_calls.empty())
      refuse_field(fmt::format("messages[{}]", index),
                   fmt::format("{} takes no calls and results of earlier turns over its WebSocket", house_));
    const Role role = message.role == Role::kDeveloper ? Role::kSystem : message.role;
    return {{"role", role_name(role)}, {"content", message.text()}};
  }

  OrderedJson functions(const ChatRequest& request) const {
    OrderedJson list = OrderedJson::array();
    const ToolChoice::Mode mode = request.tool_choice.mode;
    if (request.tools.empty() || mode == ToolChoice::Mode::kNone) return list;
    if (mode != ToolChoice::Mode::kAuto) no_such_setting("tool_choice", house_);
    for (const Tool& tool : request.tools) {
      OrderedJson parameters = tool.parameters;
      if (parameters.is_null()) parameters = {{"type", "object"}, {"properties", OrderedJson::object()}};
      list.push_back({{"name", tool.name}, {"description", tool.description}, {"parameters", std::move(parameters)}});
    }
    return list;
  }

  const std::string& app_id_;
  const std::string& house_;
};

class SparkReader final : public BaseReader {
 public:
  explicit SparkReader(const std::string& house) : BaseReader(house) {}

 private:
  void read_event(std::string_view, std::string_view data) override { read(parsed(data)); }

  void read_body(const OrderedJson& json) override {
    read(json);
    if (!over()) cut();
  }

  void read(const OrderedJson& json) {
    const OrderedJson* header = found_object(json, "header");
    if (!header) throw Error(Code::kUpstream, "header: a message has none");
    if (const uint64_t code = found_count(*header, "code"); code != 0)
      return fail(status_of_code(code), fmt::format("{}: {} (code {})", house_, found_text(*header, "message"), code),
                  {.reason = reason_of_house_number("spark", std::to_string(code))});
    const OrderedJson* payload = found_object(json, "payload");
    if (!payload) return;
    const OrderedJson* usage = found_object(*payload, "usage");
    if (usage) usage = found_object(*usage, "text");
    if (usage) {
      keep_usage(*usage);
      usage_.prompt_tokens = found_count(*usage, "prompt_tokens");
      usage_.completion_tokens = found_count(*usage, "completion_tokens");
    }
    const OrderedJson* choices = found_object(*payload, "choices");
    if (!choices) return;
    if (const OrderedJson* texts = found_list(*choices, "text")) {
      for (const OrderedJson& one : *texts) read_text(one);
    }
    if (found_count(*choices, "status") == 2) finish();
  }

  void read_text(const OrderedJson& json) {
    thinking(found_text(json, "reasoning_content"));
    text(found_text(json, "content"));
    const OrderedJson* call = found_object(json, "function_call");
    if (!call || call->empty()) return;
    arguments(begin_call("", found_text(*call, "name")), found_text(*call, "arguments"));
  }
};

}  // namespace

Asking spark_asking(std::string app_id, std::string house) {
  return {
      .chat = [app_id, house](const ChatRequest& request, bool) { return SparkWriter(app_id, house).write(request); },
      .complete = nullptr,
      .reader = [house] { return std::make_unique<SparkReader>(house); },
      .completion_reader = nullptr,
      .error = [house](int status, std::string_view body) { return read_error(house, status, body, {}); }};
}

}  // namespace shenbi::chat
