#include "engine/kv_cache.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/error.h"

namespace shenbi::engine {

using models::kPagePositions;
using Block = std::array<int32_t, kPagePositions>;

// A full page in the tree. Children are keyed by their 32 tokens, compared in full: a hash alone could mix up two
// prompts.
struct KvCache::Node {
  Node* parent = nullptr;
  Block tokens{};
  uint32_t page = 0;
  uint64_t last_use = 0;
  std::map<Block, std::unique_ptr<Node>> children;
};

KvCache::KvCache(size_t page_bytes, uint32_t pages) : pages_(pages) {
  mapped_bytes_ = page_bytes * pages;
  void* base =
      ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    throw Error(Code::kOutOfMemory,
                fmt::format("KV cache: cannot reserve {} bytes: {}", mapped_bytes_, std::strerror(errno)));
  }
  ::madvise(base, mapped_bytes_, MADV_HUGEPAGE);  // advice only: a kernel without it is slower, not wrong
  pool_ = {.base = static_cast<std::byte*>(base), .page_bytes = page_bytes, .pages = pages};
  for (uint32_t page = pages; page > 0; --page) free_.push_back(page - 1);
}

KvCache::~KvCache() {
  // Level by level: a chain as long as the context must not be destroyed by recursion.
  std::vector<std::unique_ptr<Node>> level;
  for (auto& [tenant, root] : roots_) level.push_back(std::move(root));
  while (!level.empty()) {
    const auto node = std::move(level.back());
    level.pop_back();
    for (auto& [tokens, child] : node->children) level.push_back(std::move(child));
  }
  ::munmap(pool_.base, mapped_bytes_);
}

KvCache::Node* KvCache::child_of(Node* parent, std::span<const int32_t> tokens) const {
  Block block;
  std::copy_n(tokens.begin(), kPagePositions, block.begin());
  const auto found = parent->children.find(block);
  return found == parent->children.end() ? nullptr : found->second.get();
}

void KvCache::hold(uint32_t page) {
  Page& entry = pages_[page];
  if (entry.holders++ == 0 && entry.node) --evictable_;
}

std::vector<uint32_t> KvCache::match_prefix(std::span<const int32_t> tokens, const std::string& tenant) {
  std::vector<uint32_t> found;
  const auto root = roots_.find(tenant);
  if (root == roots_.end()) return found;
  Node* node = root->second.get();
  ++clock_;
  for (size_t at = 0; at + kPagePositions < tokens.size(); at += kPagePositions) {
    node = child_of(node, tokens.subspan(at, kPagePositions));
    if (!node) break;
    node->last_use = clock_;
    hold(node->page);
    found.push_back(node->page);
  }
  return found;
}

std::optional<uint32_t> KvCache::allocate() {
  if (free_.empty() && !evict_one()) return std::nullopt;
  const uint32_t page = free_.back();
  free_.pop_back();
  pages_[page].holders = 1;
  return page;
}

void KvCache::publish(std::span<const int32_t> tokens, std::span<const uint32_t> pages, const std::string& tenant) {
  if (tokens.size() < kPagePositions || pages.empty()) return;
  auto& root = roots_[tenant];
  if (!root) root = std::make_unique<Node>();
  Node* parent = root.get();
  ++clock_;
  for (size_t i = 0; (i + 1) * kPagePositions <= tokens.size() && i < pages.size(); ++i) {
    const auto part = tokens.subspan(i * kPagePositions, kPagePositions);
    Node* node = child_of(parent, part);
    if (!node) {
      SHENBI_CHECK(pages_[pages[i]].node == nullptr);
      auto made = std::make_unique<Node>();
      made->parent = parent;
      made->page = pages[i];
      std::copy(part.begin(), part.end(), made->tokens.begin());
      node = made.get();
      pages_[pages[i]].node = node;
      parent->children.emplace(node->tokens, std::move(made));
    }
    node->last_use = clock_;
    parent = node;
  }
}

void KvCache::release(std::span<const uint32_t> pages) {
  for (uint32_t page : pages) {
    Page& entry = pages_[page];
    SHENBI_CHECK(entry.holders > 0);
    if (--entry.holders > 0) continue;
    if (entry.node)
      ++evictable_;
    else
      free_.push_back(page);
  }
}

bool KvCache::evict_one() {
  // Oldest leaf that nobody holds. A linear walk: it runs once per page written while memory is full, and costs
  // microseconds beside the forward pass that fills the page.
  Node* oldest = nullptr;
  for (const Page& page : pages_) {
    if (page.holders == 0 && page.node && page.node->children.empty() &&
        (!oldest || page.node->last_use < oldest->last_use)) {
      oldest = page.node;
    }
  }
  if (!oldest) return false;
  const uint32_t page = oldest->page;
  pages_[page].node = nullptr;
  --evictable_;
  free_.push_back(page);
  const Block tokens = oldest->tokens;  // a copy: erasing the node destroys its own
  Node* parent = oldest->parent;
  parent->children.erase(tokens);
  if (parent->parent == nullptr && parent->children.empty()) {  // the last of a tenant
    std::erase_if(roots_, [&](const auto& entry) { return entry.second.get() == parent; });
  }
  return true;
}

}  // namespace shenbi::engine
