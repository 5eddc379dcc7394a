// The ledger as a spreadsheet reads it.

#include <fmt/format.h>

#include <initializer_list>

#include "ledger/ledger.h"

namespace shenbi::ledger {
namespace {

// Names of models and errors come from outside, and a spreadsheet runs what begins with these.
bool looks_like_formula(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
}

std::string cell(std::string_view text) {
  const bool formula = looks_like_formula(text);
  if (!formula && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = formula ? "\"'" : "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string line(std::initializer_list<std::string> cells) {
  std::string out;
  for (const std::string& one : cells) out += (out.empty() ? "" : ",") + one;
  return out + "\r\n";
}

std::string dollars(int64_t nano) { return fmt::format("{}.{:09}", nano / 1'000'000'000, nano % 1'000'000'000); }

}  // namespace

std::string csv_header() {
  return "id,time_s,request_id,caller,wanted,upstream,model,attempt,prompt_tokens,cached_tokens,cache_write_tokens,"
         "completion_tokens,"
         "reasoning_tokens,cost_usd,first_token_s,total_s,outcome,status,error,cached_answer\r\n";
}

std::string csv_line(const Row& row) {
  const auto cost = row.cost_nano_usd ? dollars(*row.cost_nano_usd) : "";
  return line({fmt::to_string(row.id),
               fmt::to_string(row.time_s),
               cell(row.request_id),
               cell(row.caller),
               cell(row.wanted),
               cell(row.upstream),
               cell(row.model),
               fmt::to_string(row.attempt),
               fmt::to_string(row.prompt_tokens),
               fmt::to_string(row.cached_tokens),
               fmt::to_string(row.cache_write_tokens),
               fmt::to_string(row.completion_tokens),
               fmt::to_string(row.reasoning_tokens),
               cost,
               row.first_token_s < 0 ? "" : fmt::format("{:.6f}", row.first_token_s),
               fmt::format("{:.6f}", row.total_s),
               std::string(outcome_name(row.outcome)),
               fmt::to_string(row.status),
               cell(row.error),
               row.cached_answer ? "1" : "0"});
}

std::string csv_of_sums(const std::vector<Sum>& sums, const std::vector<Ledger::By>& by) {
  using By = Ledger::By;
  std::string out, head;
  for (const By one : by)
    head += one == By::kDay ? "day," : one == By::kCaller ? "key," : one == By::kModel ? "model," : "upstream,";
  out = head +
        "calls,failed,prompt_tokens,cached_tokens,cache_write_tokens,completion_tokens,reasoning_tokens,cost_usd,"
        "unpriced,"
        "cached_answers\r\n";
  for (const Sum& sum : sums) {
    for (const By one : by) {
      out += cell(one == By::kDay      ? sum.day
                  : one == By::kCaller ? sum.caller
                  : one == By::kModel  ? sum.model
                                       : sum.upstream);
      out += ',';
    }
    out += fmt::format("{},{},{},{},{},{},{},{},{},{}\r\n", sum.calls, sum.failed, sum.prompt_tokens, sum.cached_tokens,
                       sum.cache_write_tokens, sum.completion_tokens, sum.reasoning_tokens, dollars(sum.cost_nano_usd),
                       sum.unpriced, sum.cached_answers);
  }
  return out;
}

}  // namespace shenbi::ledger
