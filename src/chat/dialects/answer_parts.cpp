#include "chat/dialects/answer_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/utf8.h"

namespace shenbi::chat {

std::string sse(const OrderedJson& json) { return "data: " + dumped(json) + "\n\n"; }

std::string sse(std::string_view event, const OrderedJson& json) {
  return fmt::format("event: {}\ndata: {}\n\n", event, dumped(json));
}

TextFrame::TextFrame(const std::string& event, std::string_view key) {
  const std::string empty = fmt::format("\"{}\":\"\"", key);  // stands in no text: its quotes would be escaped there
  const size_t at = event.find(empty);
  SHENBI_CHECK(at != std::string::npos);
  before_ = event.substr(0, at + empty.size() - 1);
  after_ = event.substr(at + empty.size());
}

std::string TextFrame::with(const std::string& text) const {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  std::string out;
  out.reserve(before_.size() + text.size() + 2 + after_.size());
  out += before_;
  if (plain) {
    out.append(text).append("\"");
  } else {
    out.append(dumped(text), 1);
  }
  return out += after_;
}

std::string token_text(std::string_view bytes) { return sanitize_utf8(bytes); }

OrderedJson byte_list(std::string_view bytes) {
  OrderedJson list = OrderedJson::array();
  for (const char c : bytes) list.push_back(static_cast<unsigned char>(c));
  return list;
}

double finite_logprob(double logprob) { return std::isfinite(logprob) ? logprob : -9999.0; }

OrderedJson openai_logprobs(const std::vector<TokenLogprob>& tokens) {
  OrderedJson list = OrderedJson::array();
  for (const TokenLogprob& token : tokens) {
    OrderedJson top = OrderedJson::array();
    for (size_t i = 0; i < token.top.size() && i < token.top_bytes.size(); ++i) {
      top.push_back({{"token", token_text(token.top_bytes[i])},
                     {"logprob", finite_logprob(token.top[i].second)},
                     {"bytes", byte_list(token.top_bytes[i])}});
    }
    list.push_back({{"token", token_text(token.bytes)},
                    {"logprob", finite_logprob(token.logprob)},
                    {"bytes", byte_list(token.bytes)},
                    {"top_logprobs", std::move(top)}});
  }
  return list;
}

OrderedJson openai_usage(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}}};
}

OrderedJson arguments_object(const std::string& arguments) {
  auto json = OrderedJson::parse(arguments, nullptr, false);
  return json.is_object() ? json : OrderedJson::object();
}

std::string rfc3339(int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Usage total_usage(const std::vector<Collected>& choices) {
  Usage total;
  for (const Collected& choice : choices) {
    total.prompt_tokens = std::max(total.prompt_tokens, choice.usage.prompt_tokens);
    total.cached_tokens = std::max(total.cached_tokens, choice.usage.cached_tokens);
    total.completion_tokens += choice.usage.completion_tokens;
    total.reasoning_tokens += choice.usage.reasoning_tokens;
  }
  return total;
}

std::string_view field_of_message(std::string_view message) {
  const std::string_view field = message.substr(0, std::min(message.find(": "), message.size()));
  const auto part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '[' || c == ']';
  };
  const bool is_field =
      field.size() < message.size() && !field.empty() && std::all_of(field.begin(), field.end(), part);
  return is_field && field != "body" ? field : std::string_view();
}

}  // namespace shenbi::chat
