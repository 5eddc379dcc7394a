#include "guard/folded.h"

#include <algorithm>

namespace shenbi::guard {
namespace {

constexpr char kUnseen = '\x81';  // left out

// One character of UTF-8 that is not ASCII; `size` is at least 1.
uint32_t decode(std::string_view text, size_t& size) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto more = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint32_t first = byte(0);
  size = 1;
  if (first >= 0xC2 && first < 0xE0 && more(1)) return size = 2, ((first & 0x1F) << 6) | (byte(1) & 0x3F);
  if (first >= 0xE0 && first < 0xF0 && more(1) && more(2))
    return size = 3, ((first & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F);
  if (first >= 0xF0 && first < 0xF5 && more(1) && more(2) && more(3)) size = 4;
  return 0xFFFD;  // of four bytes none has an ASCII form here
}

char fold(uint32_t code) {
  if (code >= 0xFF01 && code <= 0xFF5E) return static_cast<char>(code - 0xFF01 + 0x21);
  if (code == 0xA0 || code == 0x3000 || (code >= 0x2000 && code <= 0x200A) || code == 0x202F) return ' ';
  if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == 0xFE63) return '-';
  if (code == 0xAD || (code >= 0x200B && code <= 0x200F) || code == 0x2060 || code == 0xFEFF) return kUnseen;
  return Folded::kOther;
}

}  // namespace

Folded::Folded(std::string_view text) : raw_(text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return;
  folded_.reserve(text.size());
  places_.reserve(text.size() + 1);
  ends_.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    size_t size = 1;
    const char c = is_ascii(text[at]) ? text[at] : fold(decode(text.substr(at), size));
    if (c != kUnseen) {
      folded_ += c;
      places_.push_back(static_cast<uint32_t>(at));
      ends_.push_back(static_cast<uint32_t>(at + size));
    }
    at += size;
  }
  places_.push_back(static_cast<uint32_t>(text.size()));
  if (folded_.empty()) {  // nothing that can be seen
    raw_ = {};
    places_.clear();
  }
}

}  // namespace shenbi::guard
