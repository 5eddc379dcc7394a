#include "formats/tokenizer_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "formats/text.h"

namespace shenbi::formats {

namespace {

constexpr size_t kMaxDepth = 64;

/// Walks the file and keeps only the path to the present value, the type and counts: a 35 MB vocabulary costs no tree.
class Walker final : public nlohmann::json_sax<Json> {
 public:
  explicit Walker(std::string_view file_name) : file_name_(file_name) {}

  TokenizerSummary summary() const {
    // The vocabulary's ids and those of the added tokens, most of which are in it already: the highest id tells the
    // size.
    return {.kind = kind_.empty() ? "unknown" : kind_, .pre = "", .tokens = std::max(entries_, highest_id_)};
  }

  bool start_object(size_t) override { return enter(""); }
  bool start_array(size_t) override {
    entries_ += is_vocab_entry();
    return enter("[]");
  }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& text) override {
    path_.back() = text.size() <= 64 ? std::move(text) : std::string();
    entries_ += is_vocab_entry();
    return true;
  }
  bool string(string_t& text) override {
    if (path_.size() == 2 && path_[0] == "model" && path_[1] == "type") kind_ = printable(text, 32);
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    const bool is_added_id = path_.size() == 3 && path_[0] == "added_tokens" && path_[2] == "id";
    if (is_added_id && value < (uint64_t{1} << 31)) highest_id_ = std::max(highest_id_, value + 1);
    return true;
  }
  bool number_integer(number_integer_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    throw Error(Code::kCorruptFile, fmt::format("{}: not valid JSON at byte {}", file_name_, position));
  }

 private:
  /// A key of {"model": {"vocab": {...}}}, or an item of {"model": {"vocab": [...]}}.
  bool is_vocab_entry() const { return path_.size() == 3 && path_[0] == "model" && path_[1] == "vocab"; }

  bool enter(std::string_view mark) {
    if (path_.size() == kMaxDepth) {
      throw Error(Code::kCorruptFile, fmt::format("{}: JSON is nested deeper than {} levels", file_name_, kMaxDepth));
    }
    path_.emplace_back(mark);
    return true;
  }
  bool leave() {
    path_.pop_back();
    return true;
  }

  std::string_view file_name_;
  std::vector<std::string> path_;  // the key in each object on the way here, "[]" for an array
  std::string kind_;
  uint64_t entries_ = 0, highest_id_ = 0;
};

std::optional<TokenizerSummary> summarize_gguf(const Checkpoint& checkpoint) {
  const auto kind = checkpoint.get_string("tokenizer.ggml.model");
  if (!kind) return std::nullopt;
  const auto* tokens = checkpoint.get_strings("tokenizer.ggml.tokens");
  return TokenizerSummary{.kind = printable(*kind),
                          .pre = printable(checkpoint.get_string("tokenizer.ggml.pre").value_or("")),
                          .tokens = tokens ? tokens->size() : 0};
}

}  // namespace

TokenizerSummary summarize_tokenizer_json(std::string_view text, std::string_view file_name) {
  Walker walker(file_name);
  Json::sax_parse(text.begin(), text.end(), &walker);
  return walker.summary();
}

std::optional<TokenizerSummary> summarize_tokenizer(const Checkpoint& checkpoint) {
  if (checkpoint.kind() == CheckpointKind::kGguf) return summarize_gguf(checkpoint);
  if (const auto text = checkpoint.side_file("tokenizer.json")) {
    return summarize_tokenizer_json(*text, (checkpoint.path() / "tokenizer.json").string());
  }
  if (checkpoint.side_file("tokenizer.model")) return TokenizerSummary{.kind = "SentencePiece", .pre = "", .tokens = 0};
  return std::nullopt;
}

}  // namespace shenbi::formats
