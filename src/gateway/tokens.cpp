#include "gateway/tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/clock_skew.h"

namespace shenbi::gateway {
namespace {

constexpr int64_t kEarly = 3600;         // s before its end a token is renewed; of a short one the last fifth
constexpr int64_t kRetryRenewal = 60;    // s until a renewal that failed is tried again: the old token still works
constexpr size_t kMaxTokens = 1024;      // some houses give one a model, and callers name models
constexpr size_t kMaxBytes = 64u << 10;  // of the answer; a token has some hundred
constexpr std::chrono::seconds kTimeout{30};

}  // namespace

struct Tokens::Answer {
  int status = 0;
  std::string skew, body;
};

Tokens::Tokens(TokenDoor door, net::Client& client, std::function<int64_t()> seconds_since_1970)
    : door_(std::move(door)), client_(client), now_(std::move(seconds_since_1970)) {}

void Tokens::with(const std::string& name, const std::function<net::ClientRequest()>& request, Ready ready) {
  std::optional<std::string> token;
  bool asks = false;
  {
    const std::lock_guard lock(mutex_);
    make_room();
    Entry& entry = entries_[name];
    const int64_t now = now_();
    if (entry.token && entry.token->ends > now) token = entry.token->text;
    asks = !entry.fetching && (!token || entry.renew_at <= now);
    entry.fetching |= asks;
    if (!token) entry.waiting.push_back(std::move(ready));
  }
  if (asks) fetch(name, request);
  if (token) ready({.token = &*token});
}

void Tokens::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(name); found != entries_.end()) found->second.token.reset();
}

// Under the lock. The one that ends first goes; those under way stay.
void Tokens::make_room() {
  if (entries_.size() < kMaxTokens) return;
  auto first = entries_.end();
  const auto end_of = [](const Entry& entry) { return entry.token ? entry.token->ends : 0; };
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (!it->second.fetching && (first == entries_.end() || end_of(it->second) < end_of(first->second))) first = it;
  }
  if (first != entries_.end()) entries_.erase(first);
}

void Tokens::fetch(const std::string& name, const std::function<net::ClientRequest()>& request) {
  const auto answer = std::make_shared<Answer>();
  try {
    net::ClientRequest asked = request();
    asked.head_timeout = asked.idle_timeout = kTimeout;
    asked.max_bytes = kMaxBytes;
    client_.start(std::move(asked), {.on_head =
                                         [answer, now = now_](int status, const net::Headers& headers) {
                                           answer->status = status;
                                           answer->skew = skew_words(headers, now());
                                         },
                                     .on_body = [answer](std::string_view bytes) { answer->body += bytes; },
                                     .on_end = [self = shared_from_this(), name,
                                                answer](const Error* error) { self->take(name, *answer, error); }});
  } catch (const Error& error) {
    take(name, *answer, &error);
  }
}

void Tokens::take(const std::string& name, const Answer& answer, const Error* error) {
  if (error) return tell(name, std::nullopt, error);
  try {
    const Token token = door_.read(answer.status, answer.body, now_());
    if (token.text.empty() || token.ends <= now_())
      throw Error(Code::kUpstream, "the house gave a token that has ended");
    tell(name, token, nullptr);
  } catch (const Error& refused) {
    const bool tells = door_.signs && refused.code() == Code::kUnauthorized;
    const Error told(refused.code(), refused.what() + (tells ? answer.skew : ""));
    tell(name, std::nullopt, &told);
  }
}

void Tokens::tell(const std::string& name, const std::optional<Token>& token, const Error* error) {
  std::vector<Ready> waiting;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[name];
    const int64_t now = now_();
    entry.fetching = false;
    waiting.swap(entry.waiting);
    if (token) {
      entry.token = token;
      entry.renew_at = token->ends - std::min(kEarly, (token->ends - now) / 5);
    } else {
      entry.renew_at = now + kRetryRenewal;
    }
  }
  if (error && waiting.empty()) log_warn("a token could not be renewed: {}", error->what());
  for (const Ready& ready : waiting) ready({.token = token ? &token->text : nullptr, .fresh = true, .error = error});
}

}  // namespace shenbi::gateway
