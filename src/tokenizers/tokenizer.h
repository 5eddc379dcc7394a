#pragma once
// Text to token ids and back, exactly as the checkpoint's own tokenizer does it.
//
//   auto tokenizer = Tokenizer::from_tokenizer_json(text);
//   std::vector<int32_t> ids = tokenizer->encode("Hello 世界", {.add_special = true});
//   StreamDecoder stream(*tokenizer);
//   for (int32_t id : ids) std::cout << stream.push(id);   // never half a UTF-8 character
//   std::cout << stream.finish();
//
// Immutable after construction and thread-safe. encode() is linear in the text, also on adversarial input.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shenbi::tokenizers {

enum class TokenKind : uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct EncodeOptions {
  bool add_special = true;     ///< bos/eos/[CLS]... as the model wants them
  bool parse_special = false;  ///< text that spells a control token becomes that token. Off for anything users wrote
  /// With parse_special: byte offsets, ascending, where text that spells a control token stays text all the same.
  std::span<const size_t> literal = {};
};

/// The vocabulary as GGUF keeps it (tokenizer.ggml.*). Views need to live only during the call.
struct GgufVocabulary {
  std::string_view model;  ///< "llama", "gpt2", "t5", "bert", "gemma4", "rwkv", "no_vocab"
  std::string_view pre;    ///< pre-tokenizer name, "" if absent
  std::vector<std::string_view> tokens;
  std::vector<float> scores;             ///< may be empty
  std::vector<int32_t> kinds;            ///< TokenKind values, may be empty
  std::vector<std::string_view> merges;  ///< "left right"
  std::optional<int32_t> bos, eos, eot, eom, unknown, separator, padding, mask;
  std::optional<bool> add_bos, add_eos, add_space_prefix, remove_extra_whitespaces, escape_whitespaces;
  std::optional<bool> lowercase, strip_accents;  ///< tokenizer.ggml.normalizer.*, for "bert"
  std::string_view precompiled_charsmap;         ///< SentencePiece normaliser blob, "" if absent
};

/// The tables of a vocabulary that take long to build, as bytes to keep between runs.
struct TokenizerTables {
  /// In: `built` of an earlier from_gguf() with the same vocabulary, or empty. At a multiple of 16 in memory, kept
  /// alive by `owner`. Bytes of another vocabulary, of an older program or of a stranger are noticed or harmless: no
  /// look-up leaves them, no search in them is endless.
  std::span<const std::byte> kept;
  std::shared_ptr<const void> owner;
  /// Out: what to keep; empty if `kept` could be used, or if this kind has nothing worth keeping.
  std::vector<std::byte> built;
};
inline constexpr uint32_t kTokenizerTablesVersion = 1;

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Throws Error{kCorruptFile} naming the field and value, Error{kUnsupported} naming the kind.
  static std::unique_ptr<Tokenizer> from_gguf(const GgufVocabulary& vocabulary, TokenizerTables* tables = nullptr);
  static std::unique_ptr<Tokenizer> from_tokenizer_json(std::string_view json,
                                                        std::string_view tokenizer_config_json = {});
  static std::unique_ptr<Tokenizer> from_sentencepiece(std::string_view model_bytes);
  /// A tiktoken rank file (base64 token, space, rank, newline) with the pattern and special tokens that go with it.
  static std::unique_ptr<Tokenizer> from_tiktoken(std::string_view ranks, std::string_view pattern,
                                                  const std::vector<std::pair<std::string, int32_t>>& special);

  virtual std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const = 0;

  /// Joins the ids' text. Control tokens are left out unless `keep_special`. Bytes that are not UTF-8 stay as they are.
  virtual std::string decode(const std::vector<int32_t>& ids, bool keep_special = false) const = 0;

  /// Every byte offset of `text` where the spelling of a control token begins.
  virtual std::vector<size_t> find_special(std::string_view text) const = 0;

  virtual size_t vocab_size() const noexcept = 0;
  /// The raw bytes this id stands for (may be part of a character); "" for ids out of range.
  virtual std::string token_bytes(int32_t id) const = 0;
  /// The vocabulary entry as written ("▁Hello", "Ġworld", "<0x0A>", "<|im_end|>").
  virtual std::string token_text(int32_t id) const = 0;
  virtual TokenKind token_kind(int32_t id) const noexcept = 0;
  virtual std::optional<int32_t> find_token(std::string_view text) const = 0;

  /// True if decode() drops one leading space of a text's first token (SentencePiece dummy prefix).
  virtual bool strips_leading_space() const noexcept { return false; }

  std::optional<int32_t> bos() const noexcept { return bos_; }
  std::optional<int32_t> eos() const noexcept { return eos_; }
  bool adds_bos() const noexcept { return adds_bos_; }
  /// Ids that end an answer: eos, end of turn, end of message.
  const std::vector<int32_t>& stop_ids() const noexcept { return stop_ids_; }

 protected:
  std::optional<int32_t> bos_, eos_;
  bool adds_bos_ = false;
  std::vector<int32_t> stop_ids_;
};

/// Turns ids into text piece by piece; holds back the beginning of a UTF-8 character until it is complete.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool keep_special = false)
      : tokenizer_(tokenizer), keep_special_(keep_special) {}
  std::string push(int32_t id);
  /// What is still held back, with broken sequences replaced by U+FFFD.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool keep_special_;
  bool first_ = true;
  std::string held_;
};

}  // namespace shenbi::tokenizers
