#include "chat/error_facts.h"

namespace shenbi::chat {

void put_facts(Event& error, const ErrorFacts& facts) {
  error.stop_string.clear();
  if (facts.empty()) return;
  const OrderedJson json = {
      {"reason", reason_word(facts.reason)}, {"code", facts.code}, {"type", facts.type}, {"param", facts.param}};
  error.stop_string = json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

ErrorFacts facts_of(const Event& error) {
  if (error.kind != Event::Kind::kError || error.stop_string.empty()) return {};
  const OrderedJson json = OrderedJson::parse(error.stop_string);  // put_facts() wrote it
  return {.reason = reason_of_word(json.at("reason").get_ref<const std::string&>()),
          .code = json.at("code"),
          .type = json.at("type"),
          .param = json.at("param")};
}

ErrorFacts facts_of(const std::exception& error) { return {.reason = reason_of(error)}; }

Event error_event(const Error& error) {
  Event event{.kind = Event::Kind::kError, .text = error.what(), .status = code_info(error.code()).http_status};
  put_facts(event, facts_of(error));
  return event;
}

}  // namespace shenbi::chat
