#pragma once
// For tests: the tiny reference models of tests/golden/models (made by tools/make_model_fixtures.py), their logits, and
// a cache to run a decoder with.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "models/decoder.h"

namespace shenbi::models::testing {

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(SHENBI_SOURCE_DIR) / "tests/golden/models";
}

struct Reference {
  std::vector<int32_t> tokens;
  std::vector<float> logits;  ///< [tokens, vocab]
};

struct Fixture {
  std::string name;
  std::filesystem::path model;  ///< folder or .gguf file
  uint32_t context = 0;         ///< to load it with; 0: its own
  std::vector<Reference> references;

  friend void PrintTo(const Fixture& fixture, std::ostream* out) { *out << fixture.label(); }
  std::string label() const { return name + (model.extension() == ".gguf" ? "_gguf" : "_hub"); }
};

template <class T>
std::vector<T> tensor_values(const formats::TensorEntry& tensor) {
  std::vector<T> values(tensor.elements());
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

inline std::vector<Reference> references(const std::filesystem::path& folder) {
  const auto file = formats::Checkpoint::open(folder / "reference.safetensors");
  std::vector<Reference> out;
  for (int k = 0; const auto* ids = file->find("ids_" + std::to_string(k)); ++k)
    out.push_back({tensor_values<int32_t>(*ids), tensor_values<float>(file->at("logits_" + std::to_string(k)))});
  return out;
}

/// All fixtures, each model once as a hub folder and, where there is one, once as GGUF.
inline std::vector<Fixture> all_fixtures() {
  std::vector<Fixture> out;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder())) {
    if (!entry.is_directory()) continue;
    const std::string name = entry.path().filename().string();
    // The reference turns to the long factors beyond 64 positions; here the context decides.
    const uint32_t context = name == "phi3_longrope" ? 64 : 0;
    for (const char* model : {"model", "model.gguf"})
      if (std::filesystem::exists(entry.path() / model))
        out.push_back({name, entry.path() / model, context, references(entry.path())});
  }
  std::sort(out.begin(), out.end(), [](const Fixture& a, const Fixture& b) { return a.label() < b.label(); });
  return out;
}

inline float largest(const std::vector<float>& values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::abs(value));
  return most;
}

/// Largest difference, as a part of the largest magnitude.
inline double difference(const std::vector<float>& got, const std::vector<float>& want) {
  if (got.size() != want.size()) return HUGE_VAL;
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) worst = std::max(worst, static_cast<double>(std::abs(got[i] - want[i])));
  return worst / largest(want);
}

/// A decoder with pages of its own, given out in an order that is not that of their addresses.
class Runner {
 public:
  Runner(const Decoder& decoder, ThreadTeam& team, uint32_t sequences = 1, uint32_t pages_each = 4)
      : decoder_(decoder), team_(team), pages_(sequences) {
    pool_.page_bytes = decoder.kv_page_bytes();
    pool_.pages = sequences * pages_each;
    memory_.assign(pool_.pages * pool_.page_bytes + 64, std::byte{0xff});  // NaN: what was not written must not count
    pool_.base = memory_.data() + (64 - reinterpret_cast<uintptr_t>(memory_.data()) % 64) % 64;
    for (uint32_t p = 0; p < pool_.pages; ++p) pages_[p % sequences].push_back(pool_.pages - 1 - p);
  }

  SequenceSlice slice(uint32_t sequence, std::span<const int32_t> tokens, uint32_t start, bool all = true) const {
    return {.tokens = tokens, .start = start, .pages = pages_[sequence], .all_logits = all};
  }

  std::vector<float> run(const std::vector<SequenceSlice>& slices, const std::atomic<bool>* cancelled = nullptr,
                         Workspace* workspace = nullptr) {
    size_t rows = 0;
    for (const SequenceSlice& slice : slices)
      rows += slice.all_logits ? slice.tokens.size() : slice.wants_logits ? 1 : 0;
    std::vector<float> logits(rows * decoder_.spec().vocab_size);
    const size_t given =
        decoder_.forward(slices, pool_, workspace ? *workspace : workspace_, team_, logits.data(), cancelled);
    EXPECT_EQ(given, cancelled && *cancelled ? 0 : rows);
    logits.resize(given * decoder_.spec().vocab_size);
    return logits;
  }

  /// All logits of one sequence, cut into slices of these sizes (the last repeats).
  std::vector<float> run_in_chunks(std::span<const int32_t> tokens, const std::vector<size_t>& sizes) {
    std::vector<float> all;
    for (size_t start = 0, i = 0; start < tokens.size(); ++i) {
      const size_t count = std::min(sizes[std::min(i, sizes.size() - 1)], tokens.size() - start);
      const auto part = run({slice(0, tokens.subspan(start, count), static_cast<uint32_t>(start))});
      all.insert(all.end(), part.begin(), part.end());
      start += count;
    }
    return all;
  }

 private:
  const Decoder& decoder_;
  ThreadTeam& team_;
  Workspace workspace_;
  KvPool pool_;
  std::vector<std::byte> memory_;
  std::vector<std::vector<uint32_t>> pages_;
};

}  // namespace shenbi::models::testing
