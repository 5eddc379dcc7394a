#include "server/page_json.h"

#include "base/utf8.h"
#include "server/state.h"

namespace shenbi::server {

using chat::OrderedJson;

std::vector<gateway::ModelInfo> visible_models(RouteCall& call) {
  auto models = call.state.provider->models();
  std::erase_if(models, [&](const auto& model) { return !call.state.keys.sees_model(call.caller, model.id); });
  return models;
}

OrderedJson model_json(const gateway::ModelInfo& m) {
  return {{"id", m.id},
          {"owner", m.owner},
          {"chat", m.chat},
          {"tools", m.tools},
          {"thinking", m.thinking},
          {"context", m.context},
          {"bytes", m.bytes},
          {"parameters", m.parameters},
          {"architecture", m.architecture},
          {"quantisation", m.quantisation},
          {"loaded", m.loaded}};
}

OrderedJson summary_json(const StoredConversation& c) {
  OrderedJson json = {{"id", c.id},           {"title", c.title},     {"folder", nullptr},     {"pinned", c.pinned},
                      {"created", c.created}, {"updated", c.updated}, {"messages", c.messages}};
  if (!c.folder.empty()) json["folder"] = c.folder;
  if (!c.snippet.empty()) json["snippet"] = c.snippet;
  return json;
}

namespace {

// The first `most` characters, one space for each run of white space and control characters.
std::string one_line(const std::string& text, size_t most) {
  std::string out;
  size_t count = 0;
  for (size_t i = 0; i < text.size() && count < most;) {
    const Utf8Char c = decode_utf8(text, i);
    if (c.code_point <= 0x20 || c.code_point == 0x7F) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out.append(text, i, c.length);
      ++count;
    }
    i += c.length;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::string bounded_title(const std::string& text) { return one_line(text, 200); }
std::string title_of(const std::string& question) { return one_line(question, 40); }

OrderedJson text_or_null(const std::string& text) { return text.empty() ? OrderedJson() : OrderedJson(text); }

std::string dumped(const OrderedJson& json) { return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace); }

void send_json(RouteCall& call, int status, const OrderedJson& body) {
  call.exchange->send(json_response(status, dumped(body)));
}

}  // namespace shenbi::server
