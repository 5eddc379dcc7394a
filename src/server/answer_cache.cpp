#include "server/answer_cache.h"

#include <span>
#include <utility>

#include "net/sha256.h"

namespace shenbi::server {

using chat::Event;

void keep_event(std::vector<Event>& events, const Event& event) {
  const bool text = event.kind == Event::Kind::kText || event.kind == Event::Kind::kThinking ||
                    event.kind == Event::Kind::kToolArguments;
  const bool joins = text && !events.empty() && events.back().kind == event.kind &&
                     events.back().index == event.index && events.back().logprobs.empty() && event.logprobs.empty();
  if (event.kind == Event::Kind::kQueued) return;
  if (!joins) return events.push_back(event);
  events.back().text += event.text;
  events.back().tokens += event.tokens;
}

std::string AnswerCache::key_of(std::string_view tenant, const net::ServerRequest& request) {
  net::Sha256 hash;
  const auto add = [&hash](std::string_view part) {  // its length in front: no two lists of parts look the same
    const uint64_t size = part.size();
    hash.update(std::as_bytes(std::span(&size, 1)));
    hash.update(std::as_bytes(std::span(part)));
  };
  add(tenant);
  add(request.path);
  add(request.query);
  for (const char* name : {"anthropic-beta", "anthropic-version", "openai-beta"}) add(request.header(name));
  add(request.body);
  return hash.finish();
}

uint64_t AnswerCache::bytes_of(const CachedAnswer& answer) {
  constexpr uint64_t kEntry = 512;  // the lists and tables that hold it
  uint64_t bytes = kEntry + answer.bytes.size();
  for (const auto& [name, value] : answer.headers) bytes += name.size() + value.size();
  for (const ledger::Row& row : answer.rows) bytes += sizeof row + row.upstream.size() + row.model.size();
  for (const auto& choice : answer.choices) {
    for (const Event& event : choice) {
      bytes += sizeof event + event.text.size() + event.id.size() + event.name.size() + event.model.size();
      for (const auto& one : event.logprobs) bytes += sizeof one + one.top.size() * 64;  // an id, a number, a word
    }
  }
  return bytes;
}

std::shared_ptr<const CachedAnswer> AnswerCache::find(const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found != by_key_.end() && now_() - found->second->answer->made < keep_) {
    entries_.splice(entries_.begin(), entries_, found->second);
    ++counts_.hits;
    return entries_.front().answer;
  }
  if (found != by_key_.end()) drop(found->second);
  ++counts_.misses;
  return nullptr;
}

void AnswerCache::put(const std::string& key, CachedAnswer answer) {
  const uint64_t bytes = bytes_of(answer);
  if (bytes > most_bytes()) return;
  answer.made = now_();
  std::lock_guard lock(mutex_);
  if (const auto old = by_key_.find(key); old != by_key_.end()) drop(old->second);
  entries_.push_front({key, std::make_shared<const CachedAnswer>(std::move(answer)), bytes});
  by_key_[key] = entries_.begin();
  counts_.bytes += bytes;
  while (counts_.bytes > bytes_) drop(std::prev(entries_.end()));
}

void AnswerCache::drop(std::list<Entry>::iterator entry) {
  counts_.bytes -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

AnswerCache::Counts AnswerCache::counts() const {
  std::lock_guard lock(mutex_);
  Counts counts = counts_;
  counts.answers = entries_.size();
  return counts;
}

}  // namespace shenbi::server
