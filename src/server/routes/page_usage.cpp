// What was called and what it cost, for whoever may manage the server: sums by day, model, key and upstream, and the
// tries themselves, as JSON or CSV.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <map>

#include "ledger/ledger.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;
using ledger::Ledger;
using ledger::Row;
using ledger::Sum;

constexpr int64_t kUsualDays = 30;
constexpr int64_t kMostRows = 20'000;  // some 20 MB of CSV; `before` goes on behind them
constexpr int64_t kUsualRows = 100;

std::string day_of(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

[[noreturn]] void refuse_parameter(std::string_view field, std::string_view why) {
  throw Error(Code::kInvalidArgument, fmt::format("{}: {}", field, why));
}

std::string day_parameter(const RouteCall& call, const char* name, std::time_t otherwise) {
  const auto given = call.request.parameter(name);
  if (!given) return day_of(otherwise);
  const bool fits = given->size() == 10 && std::all_of(given->begin(), given->end(), [&](const char& c) {
                      const size_t at = static_cast<size_t>(&c - given->data());
                      return at == 4 || at == 7 ? c == '-' : c >= '0' && c <= '9';
                    });
  if (!fits) refuse_parameter(name, "expected a day, as 2026-11-22");
  return *given;
}

int64_t number_parameter(const RouteCall& call, const char* name, int64_t otherwise, int64_t most) {
  const auto given = call.request.parameter(name);
  if (!given) return otherwise;
  int64_t value = -1;
  const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), value);
  if (error != std::errc() || end != given->data() + given->size() || value < 1 || value > most)
    refuse_parameter(name, fmt::format("expected a number from 1 to {}", most));
  return value;
}

ledger::Filter filter_of(const RouteCall& call) {
  const std::time_t now = std::time(nullptr);
  return {.from_day = day_parameter(call, "from", now - (kUsualDays - 1) * 86400),
          .to_day = day_parameter(call, "to", now),
          .caller = call.request.parameter("key").value_or(""),
          .upstream = call.request.parameter("upstream").value_or(""),
          .model = call.request.parameter("model").value_or("")};
}

const std::map<std::string_view, Ledger::By>& words() {
  static const std::map<std::string_view, Ledger::By> all = {{"day", Ledger::By::kDay},
                                                             {"key", Ledger::By::kCaller},
                                                             {"model", Ledger::By::kModel},
                                                             {"upstream", Ledger::By::kUpstream}};
  return all;
}

std::vector<Ledger::By> by_of(std::string_view text) {
  std::vector<Ledger::By> by;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const auto found = words().find(word);
    if (found == words().end() || std::find(by.begin(), by.end(), found->second) != by.end())
      refuse_parameter("by", "expected day, model, key and upstream, each once, with commas between");
    by.push_back(found->second);
  }
  return by;
}

bool as_csv(const RouteCall& call) {
  const std::string format = call.request.parameter("format").value_or("json");
  if (format != "json" && format != "csv") refuse_parameter("format", "expected json or csv");
  return format == "csv";
}

void send_csv(RouteCall& call, std::string body, const char* name) {
  call.exchange->send({.status = 200,
                       .headers = {{"Content-Type", "text/csv; charset=utf-8"},
                                   {"Content-Disposition", fmt::format("attachment; filename=\"{}\"", name)},
                                   {"Cache-Control", "no-store"}},
                       .body = std::move(body)});
}

// What the keys are called now; revoked ones too.
std::map<std::string, std::string> key_names(const State& state) {
  std::map<std::string, std::string> names;
  for (const Key& key : state.keys.list()) names.emplace(key.id, key.name);
  return names;
}

OrderedJson sum_json(const Sum& sum) {
  return {{"calls", sum.calls},
          {"failed", sum.failed},
          {"prompt_tokens", sum.prompt_tokens},
          {"cached_tokens", sum.cached_tokens},
          {"cache_write_tokens", sum.cache_write_tokens},
          {"completion_tokens", sum.completion_tokens},
          {"reasoning_tokens", sum.reasoning_tokens},
          {"cost_nano_usd", sum.cost_nano_usd},
          {"unpriced", sum.unpriced},
          {"cached_answers", sum.cached_answers}};
}

void add_words(OrderedJson& row, const Sum& sum, const std::vector<Ledger::By>& by,
               const std::map<std::string, std::string>& names) {
  for (const Ledger::By one : by) {
    if (one == Ledger::By::kDay) row["day"] = sum.day;
    if (one == Ledger::By::kModel) row["model"] = sum.model;
    if (one == Ledger::By::kUpstream) row["upstream"] = sum.upstream;
    if (one != Ledger::By::kCaller) continue;
    const auto name = names.find(sum.caller);
    row["key"] = sum.caller;
    row["key_name"] = name == names.end() ? "" : name->second;
  }
}

void usage(RouteCall& call) {
  const ledger::Filter filter = filter_of(call);
  const auto by = by_of(call.request.parameter("by").value_or("day"));
  const bool csv = as_csv(call);
  Ledger& ledger = call.state.ledger;
  ledger.flush();  // what has just been answered is in it
  const auto sums = ledger.sums(filter, by);
  if (csv) return send_csv(call, ledger::csv_of_sums(sums, by), "usage.csv");
  const auto names = key_names(call.state);
  OrderedJson rows = OrderedJson::array();
  for (const Sum& sum : sums) {
    OrderedJson row = sum_json(sum);
    add_words(row, sum, by, names);
    rows.push_back(std::move(row));
  }
  const auto total = ledger.sums(filter, {});
  send_json(call, 200,
            {{"from", filter.from_day},
             {"to", filter.to_day},
             {"rows", rows},
             {"total", sum_json(total.empty() ? Sum{} : total.front())},
             {"lost", ledger.counts().lost}});
}

OrderedJson row_json(const Row& row) {
  OrderedJson json = {{"id", row.id},
                      {"time", row.time_s},
                      {"request_id", row.request_id},
                      {"key", row.caller},
                      {"wanted", row.wanted},
                      {"upstream", row.upstream},
                      {"model", row.model},
                      {"attempt", row.attempt},
                      {"prompt_tokens", row.prompt_tokens},
                      {"cached_tokens", row.cached_tokens},
                      {"cache_write_tokens", row.cache_write_tokens},
                      {"completion_tokens", row.completion_tokens},
                      {"reasoning_tokens", row.reasoning_tokens},
                      {"cost_nano_usd", nullptr},
                      {"first_token_s", nullptr},
                      {"seconds", row.total_s},
                      {"tokens_per_s", nullptr},
                      {"outcome", ledger::outcome_name(row.outcome)},
                      {"status", row.status},
                      {"error", row.error},
                      {"raw_usage", row.raw_usage},
                      {"cached_answer", row.cached_answer}};
  if (row.cost_nano_usd) json["cost_nano_usd"] = *row.cost_nano_usd;
  if (row.first_token_s >= 0) json["first_token_s"] = row.first_token_s;
  const double writing = row.total_s - row.first_token_s;
  if (row.first_token_s >= 0 && row.completion_tokens > 1 && writing > 0)
    json["tokens_per_s"] = static_cast<double>(row.completion_tokens - 1) / writing;
  return json;
}

void rows(RouteCall& call) {
  const ledger::Filter filter = filter_of(call);
  const int64_t before = number_parameter(call, "before", 0, INT64_MAX);
  const int64_t limit = number_parameter(call, "limit", kUsualRows, kMostRows);
  const bool csv = as_csv(call);
  call.state.ledger.flush();
  const auto found = call.state.ledger.rows(filter, before, static_cast<uint32_t>(limit));
  if (csv) {
    std::string text = ledger::csv_header();
    for (const Row& row : found) text += ledger::csv_line(row);
    return send_csv(call, std::move(text), "calls.csv");
  }
  OrderedJson all = OrderedJson::array();
  for (const Row& row : found) all.push_back(row_json(row));
  send_json(call, 200, {{"rows", all}});
}

}  // namespace

RouteList page_usage() {
  return {Route::with_key(Face::kPage, "GET", "/page/usage", Scope::kManage, usage),
          Route::with_key(Face::kPage, "GET", "/page/usage/rows", Scope::kManage, rows)};
}

}  // namespace shenbi::server::routes
