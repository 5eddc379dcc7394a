#include "tokenizers/charsmap.h"

#include <fmt/format.h>

#include <cstring>

#include "base/error.h"

namespace shenbi::tokenizers {
namespace {

// One unit: bits 0..7 label, 8 has a leaf, 9 offset is in units of 256, 10..30 offset; or bit 31 set: value of a leaf.
uint32_t label(uint32_t unit) noexcept { return unit & ((1u << 31) | 0xFF); }
bool has_leaf(uint32_t unit) noexcept { return (unit >> 8) & 1; }
uint32_t offset(uint32_t unit) noexcept { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
uint32_t value(uint32_t unit) noexcept { return unit & ((1u << 31) - 1); }

}  // namespace

Charsmap::Charsmap(std::string_view blob, std::string_view what) {
  uint32_t array_bytes = 0;
  if (blob.size() >= 4) std::memcpy(&array_bytes, blob.data(), 4);
  if (blob.size() < 4 || array_bytes > blob.size() - 4 || array_bytes % 4 != 0 || array_bytes == 0) {
    throw Error(Code::kCorruptFile, fmt::format("{}: precompiled_charsmap of {} bytes claims an array of {} bytes",
                                                what, blob.size(), array_bytes));
  }
  units_.resize(array_bytes / 4);
  std::memcpy(units_.data(), blob.data() + 4, array_bytes);
  replacements_ = blob.substr(4 + array_bytes);
}

std::optional<Charsmap::Hit> Charsmap::find(std::string_view text, bool longest) const noexcept {
  std::optional<Hit> hit;
  size_t node = offset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label(units_[node]) != byte) break;
    const bool leaf = has_leaf(units_[node]);
    node ^= offset(units_[node]);
    if (!leaf) continue;
    if (node >= units_.size() || value(units_[node]) >= replacements_.size()) break;
    const char* begin = replacements_.data() + value(units_[node]);
    hit = Hit{i + 1, {begin, strnlen(begin, replacements_.size() - value(units_[node]))}};
    if (!longest) break;
  }
  return hit;
}

}  // namespace shenbi::tokenizers
