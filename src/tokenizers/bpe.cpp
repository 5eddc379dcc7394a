#include "tokenizers/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizers/word_cache.h"

namespace shenbi::tokenizers {
namespace {

constexpr size_t kScanLimit = 48;      // symbols up to which scanning for the best pair beats a heap
constexpr size_t kSeamBits = 1 << 22;  // 512 KB; a quarter million words hold about 300,000 different pairs
constexpr uint32_t kNever = UINT32_MAX;

size_t seam_bit(char32_t left, char32_t right) noexcept {
  const uint64_t key = (static_cast<uint64_t>(left) << 21 | right) * 0x9E3779B97F4A7C15ull;
  return key >> (64 - 22);
}

}  // namespace

BpeModel::BpeModel(const Vocabulary& vocabulary, BpeOptions options)
    : vocabulary_(vocabulary), options_(std::move(options)) {
  byte_symbols_.fill(-1);
  for (int b = 0; b < 256; ++b) {
    byte_tokens_[static_cast<size_t>(b)] = vocabulary_.find(byte_token(static_cast<uint8_t>(b)));
  }
  if (options_.over_bytes) {
    bytes_.resize(static_cast<size_t>(vocabulary_.size()));
    words_ = TextTable(bytes_.size());
    for (int32_t id = vocabulary_.size() - 1; id >= 0; --id) {
      auto& bytes = bytes_[static_cast<size_t>(id)];
      if (options_.raw_vocabulary) {
        if (vocabulary_.kind(id) == TokenKind::kNormal) bytes = vocabulary_.text(id);
      } else if (auto unmapped = alphabet_to_bytes(vocabulary_.text(id))) {
        bytes = std::move(*unmapped);
      }
      if (!bytes.empty()) words_.insert(bytes, id);
    }
    for (int b = 0; b < 256; ++b) {
      const char byte = static_cast<char>(b);
      byte_symbols_[static_cast<size_t>(b)] = words_.find({&byte, 1});
    }
  } else {
    basic_symbols_.assign(0x10000, -1);
    use_seams_ = options_.subword_prefix.empty() && options_.word_suffix.empty();
    if (use_seams_) inside_.resize(kSeamBits / 64);
  }
}

void BpeModel::add_seams(std::string_view word) {
  if (!use_seams_) return;
  Utf8Char left = decode_utf8(word, 0);
  for (size_t i = left.length; i < word.size();) {
    const Utf8Char right = decode_utf8(word, i);
    const size_t bit = seam_bit(left.code_point, right.code_point);
    inside_[bit / 64] |= uint64_t{1} << (bit % 64);
    i += right.length;
    left = right;
  }
}

bool BpeModel::seam(char32_t left, char32_t right) const noexcept {
  const size_t bit = seam_bit(left, right);
  return !((inside_[bit / 64] >> (bit % 64)) & 1);
}

std::unique_ptr<BpeModel> BpeModel::from_merges(
    const Vocabulary& vocabulary, BpeOptions options,
    const std::vector<std::pair<std::string_view, std::string_view>>& merges, bool lenient, std::string_view what) {
  std::unique_ptr<BpeModel> model(new BpeModel(vocabulary, std::move(options)));
  model->merges_ = MergeTable(merges.size());
  if (!model->options_.over_bytes) {
    for (int32_t id = vocabulary.size() - 1; id >= 0; --id) {
      const std::string& text = vocabulary.text(id);
      if (text.empty()) continue;
      const Utf8Char c = decode_utf8(text, 0);
      if (c.length == text.size() && c.code_point < 0x10000)
        model->basic_symbols_[c.code_point] = vocabulary.find(text);
    }
  }
  const std::string& prefix = model->options_.subword_prefix;
  std::string joint;
  for (size_t i = merges.size(); i-- > 0;) {  // the last of equal pairs wins, as in the reference library
    const auto& [left, right] = merges[i];
    joint.assign(left).append(right.substr(!prefix.empty() && right.starts_with(prefix) ? prefix.size() : 0));
    const int32_t left_id = vocabulary.find(left), right_id = vocabulary.find(right), id = vocabulary.find(joint);
    if (left_id >= 0 && right_id >= 0 && id >= 0) {
      model->merges_.insert(left_id, right_id, {static_cast<uint32_t>(i), id});
      model->add_seams(joint);
    } else if (!lenient) {
      const std::string_view missing = left_id < 0 ? left : right_id < 0 ? right : std::string_view(joint);
      throw Error(Code::kCorruptFile, fmt::format("{}: merge {} needs '{}', which the vocabulary does not have", what,
                                                  i, sanitize_utf8(missing)));
    }
  }
  return model;
}

std::unique_ptr<BpeModel> BpeModel::from_ranks(const Vocabulary& vocabulary, BpeOptions options,
                                               const std::vector<uint32_t>& rank_of_id) {
  std::unique_ptr<BpeModel> model(new BpeModel(vocabulary, std::move(options)));
  const auto rank = [&](int32_t id) { return id < 0 ? kNever : rank_of_id[static_cast<size_t>(id)]; };
  const bool over_bytes = model->options_.over_bytes;
  const auto text_of = [&](int32_t id) -> const std::string& {
    return over_bytes ? model->bytes_[static_cast<size_t>(id)] : vocabulary.text(id);
  };
  const auto length_at = [&](std::string_view text, size_t i) {
    return over_bytes ? size_t{1} : size_t{decode_utf8(text, i).length};
  };

  if (!over_bytes) {
    for (int32_t id = vocabulary.size() - 1; id >= 0; --id) {
      if (rank(id) == kNever || text_of(id).empty()) continue;
      const Utf8Char c = decode_utf8(text_of(id), 0);
      if (c.length == text_of(id).size() && c.code_point < 0x10000) model->basic_symbols_[c.code_point] = id;
    }
  }
  // A part is a symbol if it is a word, or one character, which every text can bring.
  const auto symbol_of = [&](std::string_view part) -> int32_t {
    const int32_t id = over_bytes ? model->words_.find(part) : vocabulary.find(part);
    if (rank(id) != kNever) return id;
    if (over_bytes || decode_utf8(part, 0).length != part.size()) return -1;
    int32_t extra = model->extra_symbols_.find(part);
    if (extra < 0) {
      extra = vocabulary.size() + static_cast<int32_t>(model->extra_texts_.size());
      model->extra_symbols_.insert(model->extra_texts_.emplace_back(part), extra);
    }
    return extra;
  };

  model->merges_ = MergeTable(static_cast<size_t>(vocabulary.size()) * 2);
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& text = text_of(id);
    if (rank(id) == kNever || text.empty()) continue;
    const int32_t owner = over_bytes ? model->words_.find(text) : vocabulary.find(text);
    if (owner != id) continue;  // a second entry with the same text is never produced
    for (size_t cut = length_at(text, 0); cut < text.size(); cut += length_at(text, cut)) {
      const std::string_view all = text;
      const int32_t left = symbol_of(all.substr(0, cut));
      const int32_t right = left < 0 ? -1 : symbol_of(all.substr(cut));
      if (right >= 0) model->merges_.insert(left, right, {rank(id), id});
    }
    if (!over_bytes) model->add_seams(text);
    model->has_unused_ |= vocabulary.kind(id) == TokenKind::kUnused;
  }
  return model;
}

int32_t BpeModel::symbol_of_character(std::string_view character, char32_t code_point) const noexcept {
  if (code_point < 0x10000 && basic_symbols_[code_point] >= 0) {
    // A bad byte decodes as U+FFFD but is not that character.
    if (code_point != kReplacementCharacter || character.size() == 3) return basic_symbols_[code_point];
  }
  if (code_point >= 0x10000) {
    const int32_t id = vocabulary_.find(character);
    if (id >= 0 && vocabulary_.kind(id) != TokenKind::kControl) return id;
  }
  return extra_texts_.empty() ? -1 : extra_symbols_.find(character);
}

bool BpeModel::characters_vanish() const noexcept { return !options_.unknown; }

bool BpeModel::vanishes(std::string_view character) const noexcept {
  if (options_.unknown) return false;
  return !options_.byte_fallback || std::any_of(character.begin(), character.end(),
                                                [&](char b) { return byte_tokens_[static_cast<uint8_t>(b)] < 0; });
}

void BpeModel::append_unknown(std::string_view text, size_t word_start, std::vector<int32_t>& out) const {
  const auto push_unknown = [&] {
    if (!options_.unknown) return;
    if (options_.fuse_unknown && out.size() > word_start && out.back() == *options_.unknown) return;
    out.push_back(*options_.unknown);
  };
  if (!options_.byte_fallback) return push_unknown();
  const auto token = [&](char b) { return byte_tokens_[static_cast<uint8_t>(b)]; };
  const bool all = std::all_of(text.begin(), text.end(), [&](char b) { return token(b) >= 0; });
  if (!all && !options_.bytes_before_unknown) return push_unknown();
  for (const char b : text) {
    if (token(b) >= 0)
      out.push_back(token(b));
    else
      push_unknown();
  }
}

// --- one call's work ---

class BpeModel::Session final : public ModelSession {
 public:
  explicit Session(const BpeModel& model) : model_(model) {}

  void encode(std::string_view word, std::vector<int32_t>& out) override {
    word_start_ = out.size();
    if (takes_whole(word)) {
      const int32_t id = model_.options_.over_bytes ? model_.words_.find(word) : model_.vocabulary_.find(word);
      if (id >= 0) return out.push_back(id);
    }
    if (!model_.use_seams_) return encode_part(word, out);
    if (model_.characters_vanish()) word = without_vanishing(word);
    if (word.empty()) return;
    size_t begin = 0;
    Utf8Char left = decode_utf8(word, 0);
    for (size_t i = left.length; i < word.size();) {
      const Utf8Char right = decode_utf8(word, i);
      if (model_.seam(left.code_point, right.code_point)) {
        encode_part(word.substr(begin, i - begin), out);
        begin = i;
      }
      i += right.length;
      left = right;
    }
    if (begin < word.size()) encode_part(word.substr(begin), out);
  }

 private:
  bool takes_whole(std::string_view word) const noexcept {
    if (model_.options_.whole_words) return true;
    return model_.options_.whole_line_ends && word.find_first_not_of('\n') == std::string_view::npos;
  }

  // Where a character vanishes its neighbours meet. The result lives until the next call.
  std::string_view without_vanishing(std::string_view word) {
    size_t done = 0;  // `kept_` holds what of word[0, done) stays
    kept_.clear();
    for (size_t i = 0; i < word.size();) {
      const Utf8Char c = decode_utf8(word, i);
      const std::string_view character = word.substr(i, c.length);
      if (model_.symbol_of_character(character, c.code_point) < 0 && model_.vanishes(character)) {
        kept_.append(word, done, i - done);
        done = i + c.length;
      }
      i += c.length;
    }
    if (done == 0) return word;
    kept_.append(word, done);
    return kept_;
  }

  // Unknown characters fuse across parts, so a part with unknowns depends on its left neighbour and is not cached.
  void encode_part(std::string_view part, std::vector<int32_t>& out) {
    const bool short_enough = part.size() <= WordCache::kMaxWord;
    if (short_enough) {
      if (const auto known = cache_.find(part); !known.empty()) {
        out.insert(out.end(), known.begin(), known.end());
        return;
      }
    }
    split(part);
    if (ids_.size() <= kScanLimit)
      merge_by_scanning();
    else
      merge_by_heap();
    const size_t before = out.size();
    bool cacheable = short_enough && !model_.has_unused_;
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (ids_[i] >= 0 && ids_[i] < model_.vocabulary_.size()) {
        emit(ids_[i], out);
      } else {
        cacheable = false;
        model_.append_unknown(part.substr(begins_[i], begins_[i + 1] - begins_[i]), word_start_, out);
      }
    }
    const size_t count = out.size() - before;
    if (cacheable && count > 0 && count <= WordCache::kMaxIds) cache_.insert(part, {out.data() + before, count});
  }

  // An unused word is given as the two symbols that were last seen to make it up, and so on (as sentencepiece does).
  void emit(int32_t id, std::vector<int32_t>& out) {
    if (!model_.has_unused_) return out.push_back(id);
    std::vector<int32_t> todo = {id};
    while (!todo.empty()) {
      id = todo.back();
      todo.pop_back();
      const bool whole = id >= model_.vocabulary_.size() || model_.vocabulary_.kind(id) != TokenKind::kUnused;
      const auto halves = halves_.find(id);
      if (whole || halves == halves_.end()) {
        out.push_back(id < model_.vocabulary_.size() ? id : model_.options_.unknown.value_or(0));
      } else {
        todo.push_back(halves->second.second);
        todo.push_back(halves->second.first);
      }
    }
  }

  // Fills ids_ and begins_ (one more entry: the end) with the symbols to start from.
  void split(std::string_view part) {
    ids_.clear();
    begins_.clear();
    if (model_.options_.over_bytes) {
      for (size_t i = 0; i < part.size(); ++i)
        push_symbol(model_.byte_symbols_[static_cast<uint8_t>(part[i])], part, i, 1);
    } else {
      for (size_t i = 0; i < part.size();) {
        const Utf8Char c = decode_utf8(part, i);
        const std::string_view character = part.substr(i, c.length);
        const int32_t symbol = decorated(character, c.code_point, i == 0, i + c.length == part.size());
        push_symbol(symbol, part, i, c.length);
        i += c.length;
      }
    }
    begins_.push_back(static_cast<uint32_t>(part.size()));
  }

  void push_symbol(int32_t symbol, std::string_view part, size_t begin, size_t length) {
    if (symbol < 0 && model_.characters_vanish() && model_.vanishes(part.substr(begin, length))) return;
    ids_.push_back(symbol);
    begins_.push_back(static_cast<uint32_t>(begin));
  }

  int32_t decorated(std::string_view character, char32_t code_point, bool first, bool last) {
    const BpeOptions& options = model_.options_;
    const bool prefix = !first && !options.subword_prefix.empty();
    const bool suffix = last && !options.word_suffix.empty();
    if (!prefix && !suffix) return model_.symbol_of_character(character, code_point);
    std::string text = prefix ? options.subword_prefix : std::string();
    text += character;
    if (suffix) text += options.word_suffix;
    return model_.vocabulary_.find(text);
  }

  Merge merge_of(int32_t left, int32_t right) {
    if (left < 0 || right < 0) return {};
    const Merge merge = model_.merges_.find(left, right);
    if (model_.has_unused_ && merge.id >= 0 && model_.vocabulary_.kind(merge.id) == TokenKind::kUnused) {
      halves_[merge.id] = {left, right};
    }
    return merge;
  }

  void merge_by_scanning() {
    size_t count = ids_.size();
    Merge merges[kScanLimit];
    for (size_t i = 0; i + 1 < count; ++i) merges[i] = merge_of(ids_[i], ids_[i + 1]);
    while (count > 1) {
      size_t best = 0;
      for (size_t i = 1; i + 1 < count; ++i) {
        if (merges[i].rank < merges[best].rank) best = i;
      }
      if (merges[best].rank == kNever) break;
      ids_[best] = merges[best].id;
      --count;
      for (size_t i = best + 1; i < count; ++i) {
        ids_[i] = ids_[i + 1];
        begins_[i] = begins_[i + 1];
        merges[i - 1] = merges[i];
      }
      begins_[count] = begins_[count + 1];
      if (best > 0) merges[best - 1] = merge_of(ids_[best - 1], ids_[best]);
      if (best + 1 < count) merges[best] = merge_of(ids_[best], ids_[best + 1]);
    }
    ids_.resize(count);
    begins_.resize(count + 1);
  }

  // heap_ holds (rank, position of the left symbol); an entry is stale unless ranks_ still says the same.
  void merge_by_heap() {
    const auto count = static_cast<uint32_t>(ids_.size());
    ranks_.assign(count, kNever);
    next_.resize(count);
    previous_.resize(count);
    heap_.clear();
    for (uint32_t i = 0; i < count; ++i) {
      next_[i] = i + 1;
      previous_[i] = i - 1;  // of the first: UINT32_MAX
    }
    for (uint32_t i = 0; i + 1 < count; ++i) consider(i, count);
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      const auto rank = static_cast<uint32_t>(heap_.back() >> 32);
      const auto left = static_cast<uint32_t>(heap_.back());
      heap_.pop_back();
      if (ranks_[left] != rank) continue;
      const uint32_t right = next_[left];
      ids_[left] = merge_of(ids_[left], ids_[right]).id;
      ranks_[right] = kNever;
      next_[left] = next_[right];
      if (next_[left] < count) previous_[next_[left]] = left;
      push_pair(left, count);
      if (previous_[left] != UINT32_MAX) push_pair(previous_[left], count);
    }
    uint32_t out = 0;
    for (uint32_t i = 0; i < count; i = next_[i], ++out) {
      ids_[out] = ids_[i];
      begins_[out] = begins_[i];
    }
    begins_[out] = begins_[count];
    ids_.resize(out);
    begins_.resize(out + 1);
  }

  void consider(uint32_t left, uint32_t count) {
    ranks_[left] = next_[left] < count ? merge_of(ids_[left], ids_[next_[left]]).rank : kNever;
    if (ranks_[left] != kNever) heap_.push_back(static_cast<uint64_t>(ranks_[left]) << 32 | left);
  }
  void push_pair(uint32_t left, uint32_t count) {
    const size_t before = heap_.size();
    consider(left, count);
    if (heap_.size() > before) std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }

  const BpeModel& model_;
  WordCache cache_;
  std::string kept_;
  size_t word_start_ = 0;
  std::vector<int32_t> ids_;
  std::vector<uint32_t> begins_, ranks_, next_, previous_;
  std::vector<uint64_t> heap_;
  std::unordered_map<int32_t, std::pair<int32_t, int32_t>> halves_;
};

std::unique_ptr<ModelSession> BpeModel::start() const { return std::make_unique<Session>(*this); }

}  // namespace shenbi::tokenizers
