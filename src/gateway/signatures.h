#pragma once
// Thinking that its maker signed is the maker's: another one refuses it, or is told what was not meant for it. So a
// signature that we hand to a caller in another dialect carries a mark of who made it, sixteen characters of base64 in
// front of the maker's own, and on the way back only the maker gets it. What is handed on untouched cannot carry a
// mark; of that it is remembered who said it, as long as there is room.

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "chat/types.h"
#include "gateway/upstreams.h"

namespace shenbi::gateway {

/// Who signs what comes from `model` there: a house at its address and, where it sells models of others, the name in
/// front of the model's.
std::string maker_of(const Upstream& upstream, std::string_view model);

std::string marked(std::string_view maker, std::string_view signature);
/// Whether some text holds a mark of ours.
bool has_mark(std::string_view text);

/// Unmarks `maker`'s signatures; thinking of all others loses its signature, and hidden thinking goes.
void keep_own_signatures(chat::ChatRequest& request, std::string_view maker);

/// For a request in the dialect that `maker` speaks himself: marks as his what bears no mark and is not known to be
/// another's.
class SignatureBook;
void claim_signatures(chat::ChatRequest& request, std::string_view maker, const SignatureBook& book);

/// Thread-safe.
class SignatureBook {
 public:
  void note(std::string_view signature, std::string_view maker);
  /// Said by somebody else.
  bool foreign(std::string_view signature, std::string_view maker) const;
  bool any_foreign(const chat::ChatRequest& request, std::string_view maker) const;

 private:
  static constexpr size_t kMost = 1u << 16;  // about 4 MB
  mutable std::mutex mutex_;
  std::unordered_map<uint64_t, uint64_t> makers_;  // hashes
  std::deque<uint64_t> order_;
};

}  // namespace shenbi::gateway
