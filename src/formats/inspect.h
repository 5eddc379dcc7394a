#pragma once
// What a checkpoint is, for people (`shenbi inspect FILE`) and programs (`--json`).
//
//   const Inspection found = inspect(*Checkpoint::open(path));
//   std::cout << to_text(found);

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "formats/checkpoint.h"

namespace shenbi::formats {

struct TypeCount {
  std::string type;
  uint64_t tensors = 0, elements = 0, bytes = 0;
};

struct TensorSummary {
  std::string name, type;
  std::vector<uint64_t> shape;  ///< outermost first
  uint64_t bytes = 0;
};

struct MetadataSummary {
  std::string key;
  std::string kind;   ///< "an unsigned integer"
  std::string value;  ///< one line; long strings and lists are cut
};

struct TokenizerSummary {
  std::string kind;  ///< as the file says: "llama", "gpt2"; "BPE", "Unigram", "WordPiece"; "SentencePiece"
  std::string pre;   ///< GGUF pre-tokenizer name
  uint64_t tokens = 0;
};

/// What running the model takes, in bytes. An estimate: weights as stored plus keys and values of all layers in 16
/// bits; sliding windows are not deducted, scratch memory is not added. Absent parameters make `kv_cache` absent.
struct MemoryNeed {
  uint64_t weights = 0;
  uint64_t context = 0;  ///< positions the cache is counted for
  std::optional<uint64_t> kv_cache;
};

struct Inspection {
  std::string path;
  std::string format;        ///< "GGUF", "safetensors", "Hugging Face folder"
  std::string architecture;  ///< "gemma3", "" if unknown
  std::string name, licence;
  uint64_t files = 0, file_bytes = 0;
  uint64_t parameters = 0;
  std::optional<uint64_t> layers, embedding_size, context_length, num_heads, num_kv_heads, head_dim, vocab_size;
  std::optional<TokenizerSummary> tokenizer;
  std::optional<std::string> chat_template;
  std::vector<TypeCount> types;  ///< most bytes first
  MemoryNeed memory;
  std::vector<TensorSummary> tensors;
  std::vector<MetadataSummary> metadata;
};

/// Reads what the checkpoint tells. `context` is the number of positions for the memory estimate; 0: the model's own,
/// at most 8192. Throws Error{kCorruptFile} for a hyper-parameter or side file that is broken.
Inspection inspect(const Checkpoint& checkpoint, uint64_t context = 0);

nlohmann::json to_json(const Inspection& inspection);

/// `with_tensors` lists every tensor and every metadata entry; else only how many there are.
std::string to_text(const Inspection& inspection, bool with_tensors = false);

}  // namespace shenbi::formats
