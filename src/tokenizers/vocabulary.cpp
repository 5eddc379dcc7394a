#include "tokenizers/vocabulary.h"

#include <array>

#include "base/utf8.h"

namespace shenbi::tokenizers {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Bytes that print in Latin-1 stand for themselves; the other 68 follow from U+0100 in order.
constexpr bool prints(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<int16_t, 0x144> byte{};  // by character; the last is U+0143

  constexpr Alphabet() {
    for (int16_t& b : byte) b = -1;
    char32_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      character[static_cast<size_t>(b)] = prints(b) ? static_cast<char32_t>(b) : next++;
      byte[character[static_cast<size_t>(b)]] = static_cast<int16_t>(b);
    }
  }
};
constexpr Alphabet kAlphabet;

}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> texts, std::vector<TokenKind> kinds)
    : texts_(std::move(texts)), kinds_(std::move(kinds)), table_(texts_.size()) {
  kinds_.resize(texts_.size(), TokenKind::kNormal);
  for (int32_t id = size() - 1; id >= 0; --id) {
    if (!text(id).empty()) table_.insert(text(id), id);
  }
}

int byte_of_token(std::string_view text) noexcept {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  const int high = hex_digit(text[3]), low = hex_digit(text[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string byte_token(uint8_t byte) {
  constexpr char kHex[] = "0123456789ABCDEF";
  return {'<', '0', 'x', kHex[byte >> 4], kHex[byte & 15], '>'};
}

char32_t byte_to_character(uint8_t byte) noexcept { return kAlphabet.character[byte]; }

std::string bytes_to_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char b : bytes) append_utf8(out, byte_to_character(static_cast<uint8_t>(b)));
  return out;
}

std::optional<std::string> alphabet_to_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (!c.valid || c.code_point >= kAlphabet.byte.size() || kAlphabet.byte[c.code_point] < 0) return std::nullopt;
    out += static_cast<char>(kAlphabet.byte[c.code_point]);
    i += c.length;
  }
  return out;
}

}  // namespace shenbi::tokenizers
