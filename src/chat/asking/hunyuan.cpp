// Tencent Hunyuan's own ChatCompletions: OpenAI's request and answer with every name in CamelCase ("TopP",
// "ToolCalls"), so the OpenAI ends do the work and the names are changed on the way. What else differs: content of
// several parts is "Contents", parameters of a tool are text, and an answer that is no stream, or an error, lies in
// "Response".

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "chat/asking/openai_asking.h"
#include "chat/asking/request_words.h"
#include "chat/upstream_error.h"

namespace shenbi::chat {
namespace {

// What the API takes, by OpenAI's names.
constexpr std::string_view kFields[] = {"model", "messages",    "stream", "temperature", "top_p",
                                        "tools", "tool_choice", "seed",   "stop",        "enable_thinking"};

std::string camel(std::string_view snake) {
  std::string out;
  bool up = true;
  for (const char c : snake) {
    if (c != '_') out += up ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    up = c == '_';
  }
  return out;
}

std::string snake(std::string_view camel) {
  std::string out;
  for (const char c : camel) {
    const bool up = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (up && !out.empty()) out += '_';
    out += up ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : c;
  }
  return out;
}

// Depth is that of parsed JSON, which is bounded.
template <class Rename>
OrderedJson renamed(const OrderedJson& json, Rename rename) {
  if (json.is_array()) {
    OrderedJson list = OrderedJson::array();
    for (const OrderedJson& one : json) list.push_back(renamed(one, rename));
    return list;
  }
  if (!json.is_object()) return json;
  OrderedJson object = OrderedJson::object();
  for (const auto& [key, value] : json.items()) object[rename(key)] = renamed(value, rename);
  return object;
}

class HunyuanWriter {
 public:
  explicit HunyuanWriter(const AskingTraits& traits) : traits_(traits) {}

  std::string write(const std::string& openai) const {
    OrderedJson body = OrderedJson::parse(openai);
    for (const auto& [key, value] : body.items()) {
      if (std::find(std::begin(kFields), std::end(kFields), key) == std::end(kFields))
        no_such_setting(key, traits_.house);
    }
    if (body.contains("tool_choice") && body["tool_choice"] != "none") no_such_setting("tool_choice", traits_.house);
    OrderedJson& messages = body["messages"];
    for (size_t i = 0; i < messages.size(); ++i) message(messages[i], i);
    if (body.contains("tools")) {
      for (OrderedJson& tool : body["tools"]) text_of_parameters(tool["function"]);
    }
    return dumped(renamed(body, camel));
  }

 private:
  void message(OrderedJson& message, size_t index) const {
    if (message.contains("name")) {
      if (message["role"] != "tool") no_such_setting(fmt::format("messages[{}].name", index), traits_.house);
      message.erase("name");
    }
    if (message["content"].is_null()) message["content"] = "";
    if (!message["content"].is_array()) return;
    message["contents"] = std::move(message["content"]);
    message.erase("content");
  }

  static void text_of_parameters(OrderedJson& function) {
    const bool given = function.contains("parameters");
    function["parameters"] = given ? dumped(function["parameters"]) : R"({"type":"object","properties":{}})";
  }

  const AskingTraits& traits_;
};

class HunyuanReader final : public AnswerReader {
 public:
  explicit HunyuanReader(const AskingTraits& traits) : inner_(openai_reader(traits)) {}

  void event(std::string_view name, std::string_view data, std::vector<Event>& out) override {
    inner_->event(name, translated(data), out);
  }
  void body(std::string_view bytes, std::vector<Event>& out) override { inner_->body(translated(bytes), out); }
  void end(std::vector<Event>& out) override { inner_->end(out); }
  const std::string& raw_usage() const noexcept override { return inner_->raw_usage(); }

 private:
  // What is no JSON goes on as it is: [DONE], and what the inner reader has its own words for.
  static std::string translated(std::string_view data) {
    try {
      OrderedJson json = parse_ordered_json(sanitize_utf8(data), "the answer");
      if (!json.is_object()) return std::string(data);
      if (const auto whole = json.find("Response"); whole != json.end() && whole->is_object())
        json = OrderedJson(*whole);
      OrderedJson said = renamed(json, snake);
      const auto error = said.find("error_msg");
      if (error != said.end() && error->is_object() && error->value("msg", OrderedJson("")) != "")
        said["error"] = {{"message", (*error)["msg"]}, {"code", error->value("code", OrderedJson())}};
      return dumped(said);
    } catch (const Error&) {
      return std::string(data);
    }
  }

  const std::unique_ptr<AnswerReader> inner_;
};

}  // namespace

Asking hunyuan_asking(AskingTraits given) {
  given.max_tokens_field.clear();
  given.stream_usage = given.developer_role = given.json_schema = given.strict_tools = false;
  const auto traits = std::make_shared<const AskingTraits>(std::move(given));
  return {.chat = [traits, openai = openai_asking(*traits)](
                      const ChatRequest& request,
                      bool stream) { return HunyuanWriter(*traits).write(openai.chat(request, stream)); },
          .complete = nullptr,
          .reader = [traits] { return std::make_unique<HunyuanReader>(*traits); },
          .completion_reader = nullptr,
          .error =
              [traits](int status, std::string_view body) {
                return read_error(traits->house, status, body, traits->error_status);
              }};
}

}  // namespace shenbi::chat
