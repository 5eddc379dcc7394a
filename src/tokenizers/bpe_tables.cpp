// The tables of a BPE model as bytes, and back.
//
//   TablesHeader | merge slots | symbols of basic characters, int32 | seams, uint64 | lengths of the extra texts,
//   uint32 | the extra texts
//
// Building the merges of a quarter million words asks the vocabulary three million times; proving these bytes is one
// pass over them. What is proven is what safety needs: that the table has room to end every search, that every id is a
// word, and that a merge is as long as its parts, so that taking words apart ends. That the merges are those of this
// vocabulary is the care of whoever keeps the bytes.

#include <algorithm>
#include <cstring>

#include "tokenizers/bpe.h"

namespace shenbi::tokenizers {
namespace {

struct TablesHeader {
  uint64_t seed, slots, basic, seams, extras, extra_bytes;
  uint32_t vocabulary, has_unused;
};

template <class T>
void append(std::vector<std::byte>& out, const T* data, size_t count) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + count * sizeof(T));
}

/// Cuts runs of values off the front of bytes from outside.
class Cutter {
 public:
  explicit Cutter(std::span<const std::byte> bytes) : left_(bytes) {}

  template <class T>
  bool cut(uint64_t count, std::span<const T>& out) {
    if (count > left_.size() / sizeof(T) || reinterpret_cast<uintptr_t>(left_.data()) % alignof(T) != 0) return false;
    out = {reinterpret_cast<const T*>(left_.data()), static_cast<size_t>(count)};
    left_ = left_.subspan(out.size_bytes());
    return true;
  }
  bool empty() const noexcept { return left_.empty(); }

 private:
  std::span<const std::byte> left_;
};

}  // namespace

void BpeModel::keep_tables(TokenizerTables& tables) const {
  tables.built.clear();
  if (!merges_are_sound()) return;  // merges of texts outside the alphabet: never used, but never proven either
  std::vector<uint32_t> lengths;
  std::string texts;
  for (const std::string& text : extra_texts_) {
    lengths.push_back(static_cast<uint32_t>(text.size()));
    texts += text;
  }
  const auto slots = merges_.slots();
  const TablesHeader header{.seed = merges_.seed(),
                            .slots = slots.size(),
                            .basic = basic_symbols_.size(),
                            .seams = inside_.size(),
                            .extras = lengths.size(),
                            .extra_bytes = texts.size(),
                            .vocabulary = static_cast<uint32_t>(vocabulary_.size()),
                            .has_unused = has_unused_};
  auto& out = tables.built;
  out.reserve(sizeof header + slots.size_bytes() + basic_symbols_.size() * 4 + inside_.size() * 8 + texts.size());
  append(out, &header, 1);
  append(out, slots.data(), slots.size());
  append(out, basic_symbols_.data(), basic_symbols_.size());
  append(out, inside_.data(), inside_.size());
  append(out, lengths.data(), lengths.size());
  append(out, texts.data(), texts.size());
}

std::unique_ptr<BpeModel> BpeModel::from_tables(const Vocabulary& vocabulary, BpeOptions options,
                                                const TokenizerTables& tables) {
  Cutter cutter(tables.kept);
  std::span<const TablesHeader> header;
  std::span<const MergeTable::Slot> slots;
  std::span<const int32_t> basic;
  std::span<const uint64_t> seams;
  std::span<const uint32_t> lengths;
  std::span<const char> texts;
  std::unique_ptr<BpeModel> model(new BpeModel(vocabulary, std::move(options)));
  const bool fits = cutter.cut(1, header) && cutter.cut(header[0].slots, slots) && cutter.cut(header[0].basic, basic) &&
                    cutter.cut(header[0].seams, seams) && cutter.cut(header[0].extras, lengths) &&
                    cutter.cut(header[0].extra_bytes, texts) && cutter.empty();
  if (!fits || header[0].vocabulary != static_cast<uint32_t>(vocabulary.size())) return nullptr;
  if (basic.size() != model->basic_symbols_.size() || seams.size() != model->inside_.size()) return nullptr;
  if (!std::all_of(basic.begin(), basic.end(), [&](int32_t id) { return id == -1 || vocabulary.has(id); })) {
    return nullptr;
  }
  size_t at = 0;
  for (const uint32_t length : lengths) {
    if (length > texts.size() - at) return nullptr;
    const std::string& text = model->extra_texts_.emplace_back(texts.data() + at, length);
    model->extra_symbols_.insert(text, vocabulary.size() + static_cast<int32_t>(model->extra_texts_.size()) - 1);
    at += length;
  }
  if (!model->merges_.restore(slots, header[0].seed) || !model->merges_are_sound()) return nullptr;
  std::copy(basic.begin(), basic.end(), model->basic_symbols_.begin());
  std::copy(seams.begin(), seams.end(), model->inside_.begin());
  model->has_unused_ = header[0].has_unused != 0;
  model->tables_owner_ = tables.owner;
  return model;
}

bool BpeModel::merges_are_sound() const {
  std::vector<uint32_t> lengths;  // of each symbol's text
  lengths.reserve(static_cast<size_t>(vocabulary_.size()) + extra_texts_.size());
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    const auto& text = bytes_.empty() ? vocabulary_.text(id) : bytes_[static_cast<size_t>(id)];
    lengths.push_back(static_cast<uint32_t>(text.size()));
  }
  for (const std::string& text : extra_texts_) lengths.push_back(static_cast<uint32_t>(text.size()));
  return std::all_of(merges_.slots().begin(), merges_.slots().end(), [&](const MergeTable::Slot& slot) {
    if (slot.empty()) return slot.merge.id == -1 && slot.merge.rank == UINT32_MAX;
    const uint64_t left = slot.key >> 32, right = slot.key & UINT32_MAX;
    return left < lengths.size() && right < lengths.size() && vocabulary_.has(slot.merge.id) && lengths[left] > 0 &&
           lengths[right] > 0 &&
           uint64_t{lengths[left]} + lengths[right] == lengths[static_cast<size_t>(slot.merge.id)];
  });
}

}  // namespace shenbi::tokenizers
