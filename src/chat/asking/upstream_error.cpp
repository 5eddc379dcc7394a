#include "chat/upstream_error.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "chat/asking/house_words.h"

namespace shenbi::chat {
namespace {

constexpr size_t kMostWord = 128;    // bytes of a code, a type, a field
constexpr size_t kMostShown = 2000;  // bytes of a message; houses write some hundred

const OrderedJson* member(const OrderedJson& json, const char* key) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

// The first of the keys that is there, as text.
std::string text_of(const OrderedJson& json, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const OrderedJson* value = member(json, key);
    if (!value) continue;
    if (value->is_string()) return value->get<std::string>();
    if (value->is_number_integer() || value->is_array())
      return value->dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    if (value->is_object()) return text_of(*value, {"message", "msg"});
  }
  return {};
}

// 0: a code that means success, or none.
bool is_failure(const OrderedJson* code) {
  if (!code) return false;
  if (code->is_number()) return code->get<double>() != 0;
  return code->is_string() && !code->get_ref<const std::string&>().empty() &&
         code->get_ref<const std::string&>() != "0";
}

// The object that holds message and code; null if this is no error.
const OrderedJson* error_object(const OrderedJson& json) {
  if (!json.is_object()) return nullptr;
  if (const OrderedJson* error = member(json, "error")) {
    const bool empty = (error->is_object() && error->empty()) || *error == "" || *error == false;
    if (!empty) return error->is_object() ? error : &json;
  }
  if (const OrderedJson* response = member(json, "Response")) {
    if (const OrderedJson* error = member(*response, "Error")) return error;
  }
  if (const OrderedJson* base = member(json, "base_resp"); base && is_failure(member(*base, "status_code")))
    return base;
  if (is_failure(member(json, "error_code"))) return &json;
  if (const OrderedJson* object = member(json, "object"); object && *object == "error") return &json;
  if (const OrderedJson* type = member(json, "type"); type && *type == "error" && member(json, "message")) return &json;
  const bool speaks = member(json, "choices") || member(json, "content") || member(json, "candidates") ||
                      member(json, "output") || member(json, "type");
  if (!speaks && member(json, "message") && is_failure(member(json, "code"))) return &json;
  if (!speaks && member(json, "detail")) return &json;
  return nullptr;
}

// What the words of type, code and status usually mean; the first that occurs counts.
int status_of_words(std::string words) {
  std::transform(words.begin(), words.end(), words.begin(), [](unsigned char c) { return std::tolower(c); });
  static constexpr std::pair<std::string_view, int> kMeaning[] = {
      {"rate_limit", 429},        {"resource_exhausted", 429}, {"quota", 429},
      {"too_many_requests", 429}, {"limitexceeded", 429},      {"throttling", 429},
      {"authentication", 401},    {"unauthenticated", 401},    {"invalid_api_key", 401},
      {"invalidapikey", 401},     {"authfailure", 401},        {"unauthorized", 401},
      {"permission", 403},        {"access_denied", 403},      {"not_found", 404},
      {"request_too_large", 413}, {"overloaded", 529},         {"unavailable", 503},
      {"timeout", 504},           {"deadline_exceeded", 504},  {"context_length", 400},
      {"invalid_request", 400},   {"invalid_argument", 400},   {"invalidparameter", 400},
      {"bad_request", 400},       {"content_filter", 400}};
  for (const auto& [word, status] : kMeaning) {
    if (words.find(word) != std::string::npos) return status;
  }
  return 502;
}

int status_of(const OrderedJson& error, const std::string& code, const std::map<std::string, int>& of_code) {
  if (const auto known = of_code.find(code); known != of_code.end()) return known->second;
  for (const char* key : {"code", "status", "status_code", "http_code"}) {
    const OrderedJson* value = member(error, key);
    if (!value) continue;
    int status = 0;
    if (value->is_number_integer() && value->get<int64_t>() >= 400 && value->get<int64_t>() < 600) {
      status = value->get<int>();
    } else if (value->is_string() && value->get_ref<const std::string&>().size() == 3) {
      status = std::atoi(value->get_ref<const std::string&>().c_str());
    }
    if (status >= 400 && status < 600) return status;
  }
  return status_of_words(text_of(error, {"type"}) + " " + code + " " + text_of(error, {"status"}));
}

// The value of `key` if it has the form of a code, a type or a field: short, without spaces, nothing but names.
std::string word_in(const OrderedJson& error, const char* key) {
  const OrderedJson* value = member(error, key);
  if (!value || !value->is_string()) return {};
  const std::string& word = value->get_ref<const std::string&>();
  const bool is_word = word.size() <= kMostWord && std::ranges::all_of(word, [](unsigned char c) {
                         return std::isalnum(c) || c == '_' || c == '.' || c == '-' || c == '[' || c == ']';
                       });
  return is_word ? word : std::string();
}

// A code that is nothing but digits stands for something only in its own house.
bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c); });
}

// Google's ErrorInfo among the details (AIP-193).
std::string detailed_reason(const OrderedJson& error) {
  const OrderedJson* details = member(error, "details");
  if (!details || !details->is_array()) return {};
  for (const OrderedJson& one : *details) {
    if (std::string reason = word_in(one, "reason"); !reason.empty()) return reason;
  }
  return {};
}

Reason reason_in(const OrderedJson& error, const ErrorFacts& own, int status) {
  for (const char* key : {"code", "status_code", "error_code"}) {
    const OrderedJson* value = member(error, key);
    if (!value || (!value->is_string() && !value->is_number_integer())) continue;
    const Reason reason = reason_of_house_number(key, text_of(error, {key}));
    if (reason != Reason::kUnsaid) return reason;
  }
  const OrderedJson* inner = member(error, "innererror");  // Azure's
  const std::string words[] = {inner ? word_in(*inner, "code") : "", own.code, word_in(error, "Code"), own.type};
  for (const std::string& word : words) {
    if (const Reason reason = reason_of_house_word(word); reason != Reason::kUnsaid) return reason;
  }
  return reason_of_house_message(status, text_of(error, {"message", "Message", "error_msg", "status_msg", "error"}));
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string out = sanitize_utf8(text.substr(0, kMostShown));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text.size() > kMostShown ? out + "..." : out;
}

std::optional<UpstreamError> error_in(const OrderedJson& json, int status, const std::map<std::string, int>& of_code) {
  const OrderedJson* error = error_object(json);
  if (!error) return std::nullopt;
  UpstreamError out;
  out.message = one_line(text_of(*error, {"message", "Message", "msg", "error_msg", "status_msg", "error", "detail"}));
  out.code = one_line(text_of(*error, {"code", "Code", "error_code", "status_code", "type", "status"}));
  out.status = status >= 400 ? status : status_of(*error, out.code, of_code);
  if (out.message.empty()) out.message = out.code.empty() ? "an error without words" : out.code;
  return out;
}

UpstreamError read_error(std::string_view house, int status, std::string_view body,
                         const std::map<std::string, int>& of_code) {
  try {
    OrderedJson json = parse_ordered_json(body, "answer");
    if (json.is_array() && !json.empty()) json = OrderedJson(json[0]);  // Google's stream without SSE is a list
    if (auto error = error_in(json, status, of_code)) return *error;
    if (json.is_object()) {
      const std::string message = one_line(text_of(json, {"message", "msg", "title", "errors"}));
      if (!message.empty()) return {status < 400 ? 502 : status, message, one_line(text_of(json, {"code", "type"}))};
    }
  } catch (const Error&) {  // no JSON: a page of a proxy, or cut
  }
  const std::string text = one_line(body.substr(0, 300));
  return {status < 400 ? 502 : status,
          fmt::format("{} answered with status {}{}", house, status, text.empty() ? "" : ": " + text), ""};
}

ErrorFacts error_facts_in(const OrderedJson& json, int status) {
  const OrderedJson* error = error_object(json);
  if (!error) return {};
  ErrorFacts facts{.code = word_in(*error, "code"), .type = word_in(*error, "type"), .param = word_in(*error, "param")};
  if (facts.code.empty()) facts.code = detailed_reason(*error);
  if (facts.type.empty()) facts.type = word_in(*error, "status");
  if (facts.type == "error") facts.type.clear();  // Anthropic's word for that it is one
  facts.reason = reason_in(*error, facts, status);
  if (is_number(facts.code)) facts.code.clear();
  if (is_number(facts.type)) facts.type.clear();
  return facts;
}

ErrorFacts read_error_facts(int status, std::string_view body) {
  try {
    OrderedJson json = parse_ordered_json(body, "answer");
    if (json.is_array() && !json.empty()) json = OrderedJson(json[0]);
    return error_facts_in(json, status);
  } catch (const Error&) {  // no JSON: it says nothing in fields
    return {};
  }
}

}  // namespace shenbi::chat
