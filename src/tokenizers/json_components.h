#pragma once
// The component objects of a Hugging Face tokenizer.json ({"type": "Split", ...}) turned into pipeline steps. Every
// function throws Error{kUnsupported} naming a type it does not know, Error{kCorruptFile} naming a field it needs.

#include "base/json.h"
#include "tokenizers/pipeline.h"

namespace shenbi::tokenizers {

// Fields of an object, with errors that name them.
const Json& json_field(const Json& object, const char* name, std::string_view where);
std::string json_string(const Json& object, const char* name, std::string_view where);
bool json_bool(const Json& object, const char* name, bool fallback, std::string_view where);
/// An id below limits::kMaxVocabulary.
int32_t json_id(const Json& value, std::string_view where);
[[noreturn]] void json_corrupt(std::string_view where, std::string_view why);

/// `object` may be null: no step.
void add_normalizers(const Json& object, Normalizers& out);

/// Returns true if the last step is ByteLevel: then the model works on bytes and no mapping step is added for it.
bool add_pre_tokenizers(const Json& object, PreTokenizers& out);

/// How each token reads inside a text, and whether a leading space is dropped.
struct TokenReader {
  explicit TokenReader(const Json& decoder);
  std::string read(std::string_view token) const;
  bool strip_leading_space = false;

 private:
  struct Step {
    enum Kind { kByteLevel, kMetaspace, kWordPiece, kSuffix, kReplace, kByteFallback, kStrip } kind;
    std::string from, to;
    size_t start = 0;
    bool cleanup = false;
  };
  void add(const Json& decoder, bool fused);
  std::vector<Step> steps_;
  bool spaced_ = false;  // no decoder at all: tokens are joined by spaces
};

/// Ids that a post-processor puts around a single text.
void add_post_processor(const Json& object, const Vocabulary& vocabulary, std::vector<int32_t>& prefix,
                        std::vector<int32_t>& suffix);

}  // namespace shenbi::tokenizers
