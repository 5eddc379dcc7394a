#include "tokenizers/added_tokens.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "base/unicode.h"
#include "base/utf8.h"

namespace shenbi::tokenizers {
namespace {

bool is_word_character(char32_t c) {
  const auto icu = static_cast<UChar32>(c);
  return u_hasBinaryProperty(icu, UCHAR_ALPHABETIC) || u_hasBinaryProperty(icu, UCHAR_JOIN_CONTROL) ||
         (char_classes(c) & (kMark | kDecimalDigit)) || u_charType(icu) == U_CONNECTOR_PUNCTUATION;
}

// Start of the character that ends at `end` > 0.
size_t character_before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
  return begin;
}

bool touches_word(std::string_view text, size_t begin, size_t end) {
  if (begin > 0 && is_word_character(decode_utf8(text, character_before(text, begin)).code_point)) return true;
  return end < text.size() && is_word_character(decode_utf8(text, end).code_point);
}

size_t spaces_begin(std::string_view text, size_t end) {
  while (end > 0) {
    const size_t begin = character_before(text, end);
    if (!(char_classes(decode_utf8(text, begin).code_point) & kWhitespace)) break;
    end = begin;
  }
  return end;
}

size_t spaces_end(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const Utf8Char c = decode_utf8(text, begin);
    if (!(char_classes(c.code_point) & kWhitespace)) break;
    begin += c.length;
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.text.empty(); });
  std::vector<std::pair<std::string_view, int32_t>> all, ordinary;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    all.emplace_back(tokens_[i].text, static_cast<int32_t>(i));
    if (!tokens_[i].special) ordinary.emplace_back(tokens_[i].text, static_cast<int32_t>(i));
  }
  all_ = Trie(std::move(all));
  ordinary_ = Trie(std::move(ordinary));
}

AddedTokens::Found AddedTokens::next(std::string_view text, size_t from, size_t done, bool parse_special,
                                     std::span<const size_t> literal) const {
  const Trie& trie = parse_special ? all_ : ordinary_;
  if (trie.empty()) return {};
  for (size_t i = from; i < text.size();) {
    if (!trie.may_begin_with(static_cast<uint8_t>(text[i]))) {
      ++i;
      continue;
    }
    const bool stays_text = std::binary_search(literal.begin(), literal.end(), i);
    const Trie::Hit hit = (stays_text ? ordinary_ : trie).longest(text, i);
    if (hit.length == 0) {
      ++i;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(hit.value)];
    const size_t end = i + hit.length;
    if (token.single_word && touches_word(text, i, end)) {
      i = end;
      continue;
    }
    Found found{&token, std::max(i, done), end, end};
    if (token.left_strip) found.begin = std::max(spaces_begin(text, i), done);
    if (token.right_strip) found.end = spaces_end(text, end);
    return found;
  }
  return {};
}

void AddedTokens::find_special(std::string_view text, std::vector<size_t>& out) const {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!all_.may_begin_with(static_cast<uint8_t>(text[i]))) continue;
    bool found = false;
    all_.each(text, i, [&](size_t, int32_t value) { found |= tokens_[static_cast<size_t>(value)].special; });
    if (found) out.push_back(i);
  }
}

}  // namespace shenbi::tokenizers
