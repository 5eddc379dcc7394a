#include "tokenizers/normalizer.h"

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizers/vocabulary.h"

namespace shenbi::tokenizers {
namespace {

// Calls visit(character's bytes, code point) for each character.
template <class Visit>
void each_character(std::string_view text, Visit&& visit) {
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    visit(text.substr(i, c.length), c.code_point);
    i += c.length;
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

void append_lower(std::string& out, char32_t c) {
  if (c == 0x130)
    out += "i\xCC\x87";  // the one character whose lower case is two
  else
    append_utf8(out, static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
}

bool is_nonspacing_mark(char32_t c) { return u_charType(static_cast<UChar32>(c)) == U_NON_SPACING_MARK; }

// A step that is a plain function.
template <class Function>
class FunctionNormalizer final : public Normalizer {
 public:
  explicit FunctionNormalizer(Function function) : function_(std::move(function)) {}
  std::string apply(std::string_view text) const override { return function_(text); }

 private:
  Function function_;
};
template <class Function>
std::unique_ptr<Normalizer> make(Function function) {
  return std::make_unique<FunctionNormalizer<Function>>(std::move(function));
}

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  each_character(text, [&](std::string_view, char32_t c) { append_lower(out, c); });
  return out;
}

std::string without(std::string_view text, bool (*unwanted)(char32_t)) {
  std::string out;
  out.reserve(text.size());
  each_character(text, [&](std::string_view, char32_t c) {
    if (!unwanted(c)) append_utf8(out, c);
  });
  return out;
}

// --- BERT ---

bool is_bert_space(char32_t c) { return c == '\t' || c == '\n' || c == '\r' || (char_classes(c) & kWhitespace); }

bool is_bert_control(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  switch (u_charType(static_cast<UChar32>(c))) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
      return true;
    default:
      return false;
  }
}

// The blocks of BERT's reference, with 0x2B920 as the tokenizers library has it (the block begins at 0x2B820).
bool is_bert_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::string bert_clean(std::string_view text, const BertCleaning& what) {
  std::string out;
  out.reserve(text.size());
  each_character(text, [&](std::string_view, char32_t c) {
    if (what.clean_text) {
      if (c == 0 || c == kReplacementCharacter || is_bert_control(c)) return;
      if (is_bert_space(c)) c = ' ';
    }
    const bool alone = what.isolate_chinese && is_bert_chinese(c);
    if (alone) out += ' ';
    append_utf8(out, c);
    if (alone) out += ' ';
  });
  if (what.strip_accents) {
    if (!is_ascii(out)) out = without(normalize(out, NormalForm::kNfd), is_nonspacing_mark);
  }
  return what.lowercase ? lower_case(out) : out;
}

// --- NMT (the filter of sentencepiece's nmt_nfkc, as the tokenizers library has it) ---

std::string nmt(std::string_view text) {
  std::string out;
  each_character(text, [&](std::string_view, char32_t c) {
    const bool dropped =
        (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
    const bool space = c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                       c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
    if (!dropped) append_utf8(out, space ? U' ' : c);
  });
  return out;
}

// --- charsmap by grapheme ---

constexpr size_t kMaxGrapheme = 6;  // longer ones are mapped character by character

std::vector<size_t> grapheme_ends(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> breaks(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  UText* utext = utext_openUTF8(nullptr, text.data(), static_cast<int64_t>(text.size()), &status);
  SHENBI_CHECK(U_SUCCESS(status));
  breaks->setText(utext, status);
  SHENBI_CHECK(U_SUCCESS(status));
  std::vector<size_t> ends;
  breaks->first();
  for (int32_t end = breaks->next(); end != icu::BreakIterator::DONE; end = breaks->next()) {
    ends.push_back(static_cast<size_t>(end));
  }
  utext_close(utext);
  return ends;
}

std::string map_graphemes(const Charsmap& map, std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t begin = 0;
  for (const size_t end : grapheme_ends(text)) {
    const std::string_view grapheme = text.substr(begin, end - begin);
    begin = end;
    if (grapheme.size() < kMaxGrapheme) {
      if (const auto hit = map.shortest(grapheme)) {
        out += hit->replacement;
        continue;
      }
    }
    each_character(grapheme, [&](std::string_view bytes, char32_t c) {
      const auto hit = map.shortest(bytes);
      if (hit)
        out += hit->replacement;
      else
        append_utf8(out, c);
    });
  }
  return out;
}

// --- SentencePiece ---

class SentencePieceNormalizer final : public Normalizer {
 public:
  explicit SentencePieceNormalizer(SentencePieceRules rules) : rules_(std::move(rules)) {}

  std::string apply(std::string_view text) const override {
    const std::string_view space = rules_.escape_whitespaces ? kSpaceMark : " ";
    std::string out;
    if (rules_.remove_extra_whitespaces) {
      while (!text.empty()) {
        const auto [replacement, length] = next(text);
        if (replacement != " ") break;
        text.remove_prefix(length);
      }
    }
    if (text.empty()) return out;
    out.reserve(text.size() + text.size() / 4 + 3);
    if (rules_.add_dummy_prefix && !rules_.whitespace_as_suffix) out += space;

    bool after_space = rules_.remove_extra_whitespaces;
    while (!text.empty()) {
      auto [replacement, length] = next(text);
      text.remove_prefix(length);
      while (after_space && replacement.starts_with(' ')) replacement.remove_prefix(1);
      if (!replacement.empty()) {
        for (const char c : replacement) {
          if (c == ' ')
            out += space;
          else
            out += c;
        }
        after_space = replacement.ends_with(' ');
      }
      if (!rules_.remove_extra_whitespaces) after_space = false;
    }
    if (rules_.remove_extra_whitespaces) {
      while (out.ends_with(space)) out.resize(out.size() - space.size());
    }
    if (rules_.add_dummy_prefix && rules_.whitespace_as_suffix) out += space;
    return out;
  }

 private:
  // What the text begins with, normalised, and how many bytes that took.
  std::pair<std::string_view, size_t> next(std::string_view text) const {
    if (rules_.protected_words.may_begin_with(static_cast<uint8_t>(text[0]))) {
      const size_t length = rules_.protected_words.longest(text, 0).length;
      if (length > 0) return {text.substr(0, length), length};
    }
    if (rules_.charsmap) {
      if (const auto hit = rules_.charsmap->longest(text)) return {hit->replacement, hit->length};
    }
    const Utf8Char c = decode_utf8(text, 0);
    if (!c.valid) return {"\xEF\xBF\xBD", 1};
    return {text.substr(0, c.length), c.length};
  }

  SentencePieceRules rules_;
};

std::string replace_all(const Regex& pattern, const std::string& content, std::string_view text) {
  std::string out;
  size_t copied = 0;
  Regex::Scanner scan(pattern, text);
  while (const auto match = scan.next()) {
    out.append(text.substr(copied, match->begin - copied)).append(content);
    copied = match->end;
  }
  return out.append(text.substr(copied));
}

}  // namespace

std::string normalize_all(const Normalizers& steps, std::string_view text) {
  if (steps.empty()) return std::string(text);
  std::string out = steps[0]->apply(text);
  for (size_t i = 1; i < steps.size(); ++i) out = steps[i]->apply(out);
  return out;
}

std::unique_ptr<Normalizer> unicode_normalizer(NormalForm form) {
  return make([form](std::string_view text) { return is_ascii(text) ? std::string(text) : normalize(text, form); });
}
std::unique_ptr<Normalizer> lowercase_normalizer() { return make(lower_case); }
std::unique_ptr<Normalizer> strip_normalizer(bool left, bool right) {
  return make([left, right](std::string_view text) {
    size_t begin = text.size(), end = 0, at = 0;
    each_character(text, [&](std::string_view bytes, char32_t c) {
      if (!(char_classes(c) & kWhitespace)) {
        begin = std::min(begin, at);
        end = at + bytes.size();
      }
      at += bytes.size();
    });
    if (!left) begin = 0;
    if (!right) end = text.size();
    return std::string(begin < end ? text.substr(begin, end - begin) : std::string_view());
  });
}
std::unique_ptr<Normalizer> strip_accents_normalizer() {
  return make(
      [](std::string_view text) { return without(text, [](char32_t c) { return (char_classes(c) & kMark) != 0; }); });
}
std::unique_ptr<Normalizer> replace_normalizer(Regex pattern, std::string content) {
  return make([pattern = std::make_shared<Regex>(std::move(pattern)),
               content = std::move(content)](std::string_view text) { return replace_all(*pattern, content, text); });
}
std::unique_ptr<Normalizer> prepend_normalizer(std::string prefix) {
  return make([prefix = std::move(prefix)](std::string_view text) {
    return text.empty() ? std::string() : prefix + std::string(text);
  });
}
std::unique_ptr<Normalizer> nmt_normalizer() { return make(nmt); }
std::unique_ptr<Normalizer> byte_alphabet_normalizer() { return make(bytes_to_alphabet); }
std::unique_ptr<Normalizer> grapheme_charsmap_normalizer(Charsmap map) {
  return make([map = std::move(map)](std::string_view text) { return map_graphemes(map, text); });
}
std::unique_ptr<Normalizer> bert_normalizer(const BertCleaning& what) {
  return make([what](std::string_view text) { return bert_clean(text, what); });
}
std::unique_ptr<Normalizer> sentencepiece_normalizer(SentencePieceRules rules) {
  return std::make_unique<SentencePieceNormalizer>(std::move(rules));
}

}  // namespace shenbi::tokenizers
