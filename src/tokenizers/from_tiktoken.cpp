// tiktoken rank files: a line is a token in base64, a space and its rank, which is also its id.

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "base/limits.h"
#include "tokenizers/bpe.h"
#include "tokenizers/pipeline.h"

namespace shenbi::tokenizers {
namespace {

[[noreturn]] void corrupt(size_t line, std::string_view why) {
  throw Error(Code::kCorruptFile, fmt::format("tiktoken: line {}: {}", line, why));
}

int base64_digit(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::string from_base64(std::string_view text, size_t line) {
  std::string out;
  uint32_t bits = 0, count = 0;
  size_t padding = 0;
  for (const char c : text) {
    if (c == '=') {
      ++padding;
      continue;
    }
    const int digit = base64_digit(c);
    if (digit < 0 || padding > 0) corrupt(line, "not base64");
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xFF);
    }
  }
  if (text.size() % 4 != 0 || padding > 2 || out.empty()) corrupt(line, "not base64");
  return out;
}

void place(std::vector<std::string>& texts, std::vector<TokenKind>& kinds, uint64_t id, std::string text,
           TokenKind kind) {
  if (id >= texts.size()) {
    texts.resize(id + 1);
    kinds.resize(id + 1, TokenKind::kUnused);
  }
  texts[id] = std::move(text);
  kinds[id] = kind;
}

// Ids are bounded by the limit for vocabularies; a small file cannot claim a large id, for gaps are short in real
// files.
constexpr uint64_t kMaxGap = 4096;

void read_ranks(std::string_view ranks, std::vector<std::string>& texts, std::vector<TokenKind>& kinds) {
  size_t line = 0;
  for (size_t begin = 0; begin < ranks.size();) {
    const size_t end = std::min(ranks.find('\n', begin), ranks.size());
    std::string_view row = ranks.substr(begin, end - begin);
    begin = end + 1;
    ++line;
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (row.empty()) continue;
    const size_t space = row.find(' ');
    if (space == std::string_view::npos) corrupt(line, "no space between token and rank");
    if (space > limits::kMaxTokenBytes) corrupt(line, "token too long");
    const std::string_view digits = row.substr(space + 1);
    uint64_t rank = 0;
    const auto [stop, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
    if (failed != std::errc{} || stop != digits.data() + digits.size()) corrupt(line, "the rank is not a number");
    if (rank >= limits::kMaxVocabulary || rank > line + kMaxGap)
      corrupt(line, fmt::format("rank {} is out of range", rank));
    place(texts, kinds, rank, from_base64(row.substr(0, space), line), TokenKind::kNormal);
  }
  if (texts.empty()) throw Error(Code::kCorruptFile, "tiktoken: the file holds no tokens");
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::from_tiktoken(std::string_view ranks, std::string_view pattern,
                                                    const std::vector<std::pair<std::string, int32_t>>& special) {
  std::vector<std::string> texts;
  std::vector<TokenKind> kinds;
  read_ranks(ranks, texts, kinds);
  Pipeline pipeline;
  for (const auto& [text, id] : special) {
    if (id < 0 || static_cast<uint64_t>(id) >= limits::kMaxVocabulary) {
      throw Error(Code::kInvalidArgument, fmt::format("tiktoken: special token '{}' has id {}", text, id));
    }
    pipeline.added.push_back({.text = text, .id = id, .special = true});
    place(texts, kinds, static_cast<uint64_t>(id), text, TokenKind::kControl);
    if (text == "<|endoftext|>") pipeline.eos = id;
  }
  pipeline.bytes = texts;
  pipeline.vocabulary = std::make_unique<Vocabulary>(std::move(texts), kinds);
  pipeline.pre_tokenizers.push_back(
      regex_splitter(pattern, Regex::Dialect::kFancyRegex, SplitBehavior::kIsolated, false));
  std::vector<uint32_t> rank_of_id(kinds.size(), UINT32_MAX);
  for (size_t id = 0; id < kinds.size(); ++id) {
    if (kinds[id] == TokenKind::kNormal) rank_of_id[id] = static_cast<uint32_t>(id);
  }
  BpeOptions options{.over_bytes = true, .raw_vocabulary = true, .whole_words = true};
  pipeline.model = BpeModel::from_ranks(*pipeline.vocabulary, options, rank_of_id);
  return std::make_unique<PipelineTokenizer>(std::move(pipeline));
}

}  // namespace shenbi::tokenizers
