#pragma once
// Paged KV cache: who owns which page. The memory is cut into pages of models::kPagePositions (32) positions of all
// layers; a sequence owns a list of page ids.
//
// Full pages of tokens are also nodes of a prefix tree (page of 32 tokens after a certain history), so a prompt that
// begins like an earlier one reuses its pages. Since the model's result does not depend on how a prompt was cut, reuse
// changes no answer.
//
// Invariant: a page is in exactly one of {free list, held by sequences, kept by the tree alone}; a page is written only
// by the one sequence that holds it and only while it is not in the tree. Not thread-safe: the engine's step owns it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/decoder.h"

namespace shenbi::engine {

class KvCache {
 public:
  /// Reserves address space for `pages` pages; memory is committed page by page when first written.
  /// Throws Error{kOutOfMemory}.
  KvCache(size_t page_bytes, uint32_t pages);
  ~KvCache();
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  const models::KvPool& pool() const noexcept { return pool_; }

  /// Longest chain of cached full pages that `tokens` begins with, but never all of it: at least one token stays to be
  /// computed. The pages are held for the caller.
  /// Chains of different tenants never meet: who shares a cache can tell by the time of an answer what others asked.
  std::vector<uint32_t> match_prefix(std::span<const int32_t> tokens, const std::string& tenant = {});

  /// A fresh page, evicting the least recently used tree leaf if none is free; nothing if every page is held.
  std::optional<uint32_t> allocate();

  /// Offers the full pages of a sequence to the tree: pages[i] holds tokens [32i, 32i+32). Pages whose content the tree
  /// already has under another id stay the sequence's own. Idempotent.
  void publish(std::span<const int32_t> tokens, std::span<const uint32_t> pages, const std::string& tenant = {});

  /// The caller no longer uses these pages.
  void release(std::span<const uint32_t> pages);

  uint32_t free_pages() const noexcept { return static_cast<uint32_t>(free_.size()); }
  /// Pages that could be given out now: free ones plus those only the tree keeps.
  uint32_t available_pages() const noexcept { return free_pages() + evictable_; }
  uint32_t total_pages() const noexcept { return pool_.pages; }

 private:
  struct Node;
  struct Page {
    uint32_t holders = 0;
    Node* node = nullptr;
  };
  Node* child_of(Node* parent, std::span<const int32_t> tokens) const;
  void hold(uint32_t page);
  bool evict_one();

  models::KvPool pool_;
  size_t mapped_bytes_;
  std::vector<uint32_t> free_;
  std::vector<Page> pages_;
  std::map<std::string, std::unique_ptr<Node>> roots_;  // by tenant
  uint32_t evictable_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace shenbi::engine
