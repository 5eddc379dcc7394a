#pragma once
// Answers that have been given before, for the same caller and the same request to the letter: off unless the operator
// gives it room (shenbi serve --answer-cache). Whoever asks says with Cache-Control: no-cache that he wants a new
// answer, with no-store that nothing of his is to be kept; the answer says in X-Shenbi-Cache what came of it.
//
// What is kept is what was said in neutral words, which the dialect's writer tells again under a new id, its prompt
// counted as read from a cache; of an answer that was handed on untouched its bytes. Only whole answers are kept. The
// least recently asked goes first. Thread-safe.

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chat/types.h"
#include "ledger/ledger.h"
#include "net/server.h"

namespace shenbi::server {

struct CachedAnswer {
  std::vector<std::vector<chat::Event>> choices;  ///< empty: `bytes` is all
  std::string bytes;
  net::Headers headers;           ///< who answered
  std::vector<ledger::Row> rows;  ///< what was filed of it: one for each choice that was asked for by itself
  std::chrono::steady_clock::time_point made;
};

/// Neighbouring pieces of text become one: an answer of a thousand tokens is a few events, not a thousand.
void keep_event(std::vector<chat::Event>& events, const chat::Event& event);

class AnswerCache {
 public:
  using Clock = std::chrono::steady_clock;
  AnswerCache(
      uint64_t bytes, std::chrono::seconds keep, std::function<Clock::time_point()> now = [] { return Clock::now(); })
      : bytes_(bytes), keep_(keep), now_(std::move(now)) {}

  /// Whose request, where to, and each of its bytes.
  static std::string key_of(std::string_view tenant, const net::ServerRequest& request);
  /// An answer may take an eighth of the room, so that one does not drive out all others.
  uint64_t most_bytes() const noexcept { return bytes_ / 8; }

  std::shared_ptr<const CachedAnswer> find(const std::string& key);
  void put(const std::string& key, CachedAnswer answer);

  struct Counts {
    uint64_t hits = 0, misses = 0, answers = 0, bytes = 0;
  };
  Counts counts() const;
  static uint64_t bytes_of(const CachedAnswer& answer);

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const CachedAnswer> answer;
    uint64_t bytes;
  };
  void drop(std::list<Entry>::iterator entry);

  const uint64_t bytes_;
  const std::chrono::seconds keep_;
  const std::function<Clock::time_point()> now_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the latest first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  Counts counts_;
};

}  // namespace shenbi::server
