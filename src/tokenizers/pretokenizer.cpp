#include "tokenizers/pretokenizer.h"

#include <algorithm>
#include <optional>

#include "base/unicode.h"
#include "base/utf8.h"
#include "tokenizers/vocabulary.h"
#include "tokenizers/word_family.h"

namespace shenbi::tokenizers {
namespace {

struct Part {
  size_t begin, end;
  bool match;
};

// Joins alternating matches and gaps as the behaviour says. Isolated and Removed are handled as the parts arrive; the
// others look one part back, so at most one joined part is held.
class Joiner {
 public:
  Joiner(std::string_view text, bool at_start, SplitBehavior behavior, PieceSink& out)
      : text_(text), at_start_(at_start), behavior_(behavior), out_(out) {}

  void add(Part part) {
    switch (behavior_) {
      case SplitBehavior::kIsolated:
        send(part.begin, part.end);
        return;
      case SplitBehavior::kRemoved:
        if (!part.match) send(part.begin, part.end);
        return;
      case SplitBehavior::kContiguous:
        join(part, held_ && part.match == held_->match);
        return;
      case SplitBehavior::kMergedWithPrevious:
        // A match joins the gap before it; a second match in a row stands alone.
        join(part, held_ && part.match && !held_->match);
        return;
      case SplitBehavior::kMergedWithNext:
        // A gap joins the match before it.
        join(part, held_ && !part.match && held_->match);
        return;
    }
  }
  void finish() {
    if (held_) send(held_->begin, held_->end);
  }

 private:
  void join(Part part, bool with_held) {
    if (with_held) {
      held_->end = part.end;
      held_->match = part.match;
      return;
    }
    finish();
    held_ = part;
  }
  void send(size_t begin, size_t end) {
    if (begin < end) out_.piece(text_.substr(begin, end - begin), at_start_ && begin == 0);
  }

  std::string_view text_;
  bool at_start_;
  SplitBehavior behavior_;
  PieceSink& out_;
  std::optional<Part> held_;
};

class RegexSplitter final : public PreTokenizer {
 public:
  RegexSplitter(Regex regex, SplitBehavior behavior, bool invert)
      : regex_(std::move(regex)), behavior_(behavior), invert_(invert) {}

  void split(std::string_view text, bool at_start, PieceSink& out) const override {
    Joiner joiner(text, at_start, behavior_, out);
    size_t done = 0;
    Regex::Scanner scan(regex_, text);
    while (const auto match = scan.next()) {
      if (done < match->begin) joiner.add({done, match->begin, invert_});
      joiner.add({match->begin, match->end, !invert_});
      done = match->end;
    }
    if (done < text.size()) joiner.add({done, text.size(), invert_});
    joiner.finish();
  }

 private:
  Regex regex_;
  SplitBehavior behavior_;
  bool invert_;
};

class FamilySplitter final : public PreTokenizer {
 public:
  explicit FamilySplitter(const WordFamily& family) : family_(family) {}
  void split(std::string_view text, bool at_start, PieceSink& out) const override {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = next_word(family_, text, begin);
      out.piece(text.substr(begin, end - begin), at_start && begin == 0);
      begin = end;
    }
  }

 private:
  WordFamily family_;
};

class CharacterSplitter final : public PreTokenizer {
 public:
  CharacterSplitter(bool (*matches)(char32_t), SplitBehavior behavior) : matches_(matches), behavior_(behavior) {}
  void split(std::string_view text, bool at_start, PieceSink& out) const override {
    Joiner joiner(text, at_start, behavior_, out);
    size_t gap = 0;
    for (size_t i = 0; i < text.size();) {
      const Utf8Char c = decode_utf8(text, i);
      if (matches_(c.code_point)) {
        if (gap < i) joiner.add({gap, i, false});
        joiner.add({i, i + c.length, true});
        gap = i + c.length;
      }
      i += c.length;
    }
    if (gap < text.size()) joiner.add({gap, text.size(), false});
    joiner.finish();
  }

 private:
  bool (*matches_)(char32_t);
  SplitBehavior behavior_;
};

class SpacePrepender final : public PreTokenizer {
 public:
  void split(std::string_view text, bool at_start, PieceSink& out) const override {
    if (text.starts_with(' '))
      out.piece(text, at_start);
    else
      out.piece(" " + std::string(text), at_start);
  }
};

class ByteAlphabetMapper final : public PreTokenizer {
 public:
  void split(std::string_view text, bool at_start, PieceSink& out) const override {
    out.piece(bytes_to_alphabet(text), at_start);
  }
};

class FixedLengthSplitter final : public PreTokenizer {
 public:
  explicit FixedLengthSplitter(size_t characters) : characters_(characters) {}
  void split(std::string_view text, bool at_start, PieceSink& out) const override {
    size_t begin = 0, count = 0;
    for (size_t i = 0; i < text.size();) {
      i += decode_utf8(text, i).length;
      if (++count < characters_ && i < text.size()) continue;
      out.piece(text.substr(begin, i - begin), at_start && begin == 0);
      begin = i;
      count = 0;
    }
  }

 private:
  size_t characters_;
};

class Metaspace final : public PreTokenizer {
 public:
  Metaspace(std::string replacement, PrependScheme scheme, bool split)
      : replacement_(std::move(replacement)), scheme_(scheme), split_(split) {}

  void split(std::string_view text, bool at_start, PieceSink& out) const override {
    const bool may_prepend = scheme_ == PrependScheme::kAlways || (scheme_ == PrependScheme::kFirst && at_start);
    std::string marked;
    marked.reserve(text.size() + text.size() / 4 + replacement_.size());
    if (may_prepend && !text.starts_with(replacement_) && !text.starts_with(' ')) marked = replacement_;
    for (const char c : text) {
      if (c == ' ')
        marked += replacement_;
      else
        marked += c;
    }
    if (!split_) return out.piece(marked, at_start);
    const std::string_view all = marked;
    size_t begin = 0;
    while (begin < all.size()) {
      const size_t end = std::min(all.find(replacement_, begin + 1), all.size());
      out.piece(all.substr(begin, end - begin), at_start && begin == 0);
      begin = end;
    }
  }

 private:
  std::string replacement_;
  PrependScheme scheme_;
  bool split_;
};

// Feeds a step with the pieces of the step before it.
class Link final : public PieceSink {
 public:
  Link(const PreTokenizer& step, PieceSink& next) : step_(step), next_(next) {}
  void piece(std::string_view text, bool at_start) override {
    if (!text.empty()) step_.split(text, at_start, next_);
  }

 private:
  const PreTokenizer& step_;
  PieceSink& next_;
};

class NoEmptyPieces final : public PieceSink {
 public:
  explicit NoEmptyPieces(PieceSink& next) : next_(next) {}
  void piece(std::string_view text, bool at_start) override {
    if (!text.empty()) next_.piece(text, at_start);
  }

 private:
  PieceSink& next_;
};

}  // namespace

void split_all(const PreTokenizers& steps, std::string_view text, bool at_start, PieceSink& out) {
  NoEmptyPieces last(out);
  std::vector<Link> links;  // from the last step to the first; never grows past what is reserved, so references hold
  links.reserve(steps.size());
  PieceSink* next = &last;
  for (size_t i = steps.size(); i-- > 0;) next = &links.emplace_back(*steps[i], *next);
  next->piece(text, at_start);
}

std::unique_ptr<PreTokenizer> regex_splitter(std::string_view pattern, Regex::Dialect dialect, SplitBehavior behavior,
                                             bool invert) {
  const bool whole_text_is_words =
      behavior == SplitBehavior::kIsolated || (behavior == SplitBehavior::kRemoved && invert);
  if (const auto family = find_word_family(pattern); family && whole_text_is_words) {
    // '$' at every line would end a family's `whole_tail` alternative early: leave that to the engine.
    if (!family->whole_tail || dialect == Regex::Dialect::kFancyRegex) return std::make_unique<FamilySplitter>(*family);
  }
  return std::make_unique<RegexSplitter>(Regex::compile(pattern, dialect), behavior, invert);
}
std::unique_ptr<PreTokenizer> literal_splitter(std::string_view text, SplitBehavior behavior, bool invert) {
  return std::make_unique<RegexSplitter>(Regex::literal(text), behavior, invert);
}
std::unique_ptr<PreTokenizer> character_splitter(bool (*matches)(char32_t), SplitBehavior behavior) {
  return std::make_unique<CharacterSplitter>(matches, behavior);
}
std::unique_ptr<PreTokenizer> space_prepender() { return std::make_unique<SpacePrepender>(); }
std::unique_ptr<PreTokenizer> byte_alphabet_mapper() { return std::make_unique<ByteAlphabetMapper>(); }
std::unique_ptr<PreTokenizer> fixed_length_splitter(size_t characters) {
  return std::make_unique<FixedLengthSplitter>(characters);
}
std::unique_ptr<PreTokenizer> metaspace(std::string replacement, PrependScheme scheme, bool split) {
  return std::make_unique<Metaspace>(std::move(replacement), scheme, split);
}

bool is_whitespace(char32_t c) { return char_classes(c) & kWhitespace; }
bool is_punctuation(char32_t c) {
  if (c < 0x80)
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  return char_classes(c) & kPunctuation;
}
bool is_number(char32_t c) { return char_classes(c) & kNumber; }

}  // namespace shenbi::tokenizers
