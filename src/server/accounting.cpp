#include "server/accounting.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/redact.h"
#include "catalog/cost.h"
#include "gateway/house.h"

namespace shenbi::server {
namespace {

constexpr std::string_view kLocal = "local", kFree = "free";

struct OtherAddress {
  std::string_view house, host, list;
};

// Addresses at which a house asks what it asks elsewhere in another currency.
constexpr OtherAddress kOtherAddresses[] = {
    {"dashscope", "https://dashscope-intl.aliyuncs.com/", "dashscope-intl"},
    {"moonshot", "https://api.moonshot.ai/", "moonshot-intl"},
    {"minimax", "https://api.minimax.io/", "minimax-intl"},
    {"zhipu", "https://api.z.ai/", "zai"},
};

ledger::Outcome outcome_of(gateway::Attempt::Outcome outcome) {
  using Outcome = gateway::Attempt::Outcome;
  switch (outcome) {
    case Outcome::kSettled:
      return ledger::Outcome::kSettled;
    case Outcome::kEstimated:
      return ledger::Outcome::kEstimated;
    case Outcome::kAborted:
      return ledger::Outcome::kAborted;
    case Outcome::kFailed:
      return ledger::Outcome::kFailed;
  }
  return ledger::Outcome::kFailed;
}

// Tokens of a prompt that were pictures, as OpenAI tells them.
uint64_t image_prompt_of(const std::string& raw_usage) {
  const auto usage = nlohmann::json::parse(raw_usage, nullptr, false);
  const auto* details =
      usage.is_object() && usage.contains("input_tokens_details") ? &usage["input_tokens_details"] : nullptr;
  if (!details || !details->is_object() || !details->contains("image_tokens")) return 0;
  return (*details)["image_tokens"].is_number_unsigned() ? (*details)["image_tokens"].get<uint64_t>() : 0;
}

std::optional<int64_t> cost_of(const gateway::Attempt& attempt, const gateway::Upstream* upstream,
                               const catalog::Catalog& catalog) {
  const chat::Usage& usage = attempt.usage;
  const bool nothing = usage.prompt_tokens + usage.completion_tokens == 0 &&
                       attempt.media.value_or(gateway::MediaUse{}) == gateway::MediaUse{};
  if (attempt.upstream == kLocal || nothing) return 0;
  if (!upstream) return std::nullopt;
  if (const auto told = catalog::told_nano_usd(upstream->house, attempt.raw_usage)) return told;
  const std::string list = price_list(*upstream);
  if (list == kFree) return 0;
  const catalog::Price* price = catalog.price(list, attempt.model);
  if (!price) return std::nullopt;
  const catalog::Tokens tokens{.prompt = usage.prompt_tokens,
                               .cache_read = usage.cached_tokens,
                               .cache_write = usage.cache_write_tokens,
                               .completion = usage.completion_tokens};
  if (!attempt.media) return catalog::cost_nano_usd(*price, tokens);
  return catalog::media_cost_nano_usd(*price, tokens,
                                      {.images = attempt.media->images,
                                       .milliseconds = attempt.media->milliseconds,
                                       .characters = attempt.media->characters,
                                       .image_prompt = image_prompt_of(attempt.raw_usage)});
}

}  // namespace

std::string price_list(const gateway::Upstream& upstream) {
  if (const auto given = upstream.settings.find("prices"); given != upstream.settings.end()) return given->second;
  const gateway::House house = gateway::find_house(upstream.house);
  std::string own = house.base_url;
  std::string url = upstream.base_url;
  while (own.ends_with('/')) own.pop_back();
  while (url.ends_with('/')) url.pop_back();
  if (url.empty() || url == own) return house.prices.empty() ? upstream.house : house.prices;
  for (const OtherAddress& other : kOtherAddresses) {
    if (upstream.house == other.house && (url + "/").starts_with(other.host)) return std::string(other.list);
  }
  return "";
}

ledger::Row row_of(const gateway::Attempt& attempt, const gateway::Upstream* upstream,
                   const catalog::Catalog& catalog) {
  return {.time_s = attempt.started,
          .request_id = attempt.request_id,
          .caller = attempt.tenant,
          .wanted = redacted(attempt.wanted),
          .upstream = attempt.upstream,
          .model = redacted(attempt.model),
          .attempt = attempt.number,
          .prompt_tokens = attempt.usage.prompt_tokens,
          .cached_tokens = attempt.usage.cached_tokens,
          .cache_write_tokens = attempt.usage.cache_write_tokens,
          .completion_tokens = attempt.usage.completion_tokens,
          .reasoning_tokens = attempt.usage.reasoning_tokens,
          .cost_nano_usd = cost_of(attempt, upstream, catalog),
          .first_token_s = attempt.first_token_s,
          .total_s = attempt.total_s,
          .outcome = outcome_of(attempt.outcome),
          .status = attempt.status,
          .error = redacted(attempt.error),
          .raw_usage = attempt.raw_usage,
          .begun = attempt.reservation};
}

uint64_t Accounting::admit(const gateway::Attempt& attempt, const gateway::Need& need) {
  if (!budgets_.any_for(attempt.tenant)) return 0;
  const bool local = attempt.upstream == kLocal;
  const auto upstream = local ? std::nullopt : upstreams_.find(attempt.upstream);
  const auto catalog = library_.current();
  const auto row = [&](uint64_t prompt, uint64_t completion) {
    gateway::Attempt one = attempt;
    one.usage = {.prompt_tokens = prompt, .completion_tokens = completion};
    return row_of(one, upstream ? &*upstream : nullptr, *catalog);
  };
  if (attempt.media) {
    const ledger::Row most = row(0, 0);  // `attempt` says what may be made
    return budgets_.reserve(most, {.nano_usd = most.cost_nano_usd, .tokens = 0});
  }
  const uint64_t prompt = need.prompt_tokens();
  uint64_t answer = kUsualAnswer;
  if (local) {
    const uint64_t context = local_context_(attempt.model);
    const uint64_t room = context > prompt ? context - prompt : 0;
    answer = std::min(need.max_tokens.value_or(room), room);
  } else if (need.max_tokens) {
    answer = *need.max_tokens;
  } else if (const auto* model = upstream ? catalog->sold(price_list(*upstream), attempt.model) : nullptr) {
    answer = model->max_output.value_or(kUsualAnswer);
  }
  answer *= need.answers;
  const ledger::Row most = row(prompt, answer);
  return budgets_.reserve(row(prompt, 0), {.nano_usd = most.cost_nano_usd, .tokens = prompt + answer});
}

namespace {

thread_local std::optional<ledger::Row> filed_last;

}  // namespace

const std::optional<ledger::Row>& Accounting::last_filed() noexcept { return filed_last; }

void Accounting::file(const gateway::Attempt& attempt) {
  filed_last.reset();
  try {
    const auto upstream = attempt.upstream == kLocal ? std::nullopt : upstreams_.find(attempt.upstream);
    ledger::Row row = row_of(attempt, upstream ? &*upstream : nullptr, *library_.current());
    filed_last = row;
    budgets_.file(std::move(row));
  } catch (const std::exception& error) {  // an answer is not lost for the sake of its row
    log_warn("a row of the ledger could not be made: {}", error.what());
  }
}

}  // namespace shenbi::server
