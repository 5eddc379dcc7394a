#include "tokenizers/pipeline.h"

#include <algorithm>

#include "base/utf8.h"

namespace shenbi::tokenizers {
namespace {

class ModelSink final : public PieceSink {
 public:
  ModelSink(ModelSession& session, std::vector<int32_t>& out) : session_(session), out_(out) {}
  void piece(std::string_view text, bool) override { session_.encode(text, out_); }

 private:
  ModelSession& session_;
  std::vector<int32_t>& out_;
};

}  // namespace

PipelineTokenizer::PipelineTokenizer(Pipeline pipeline) : parts_(std::move(pipeline)) {
  std::vector<AddedToken> raw, normalized;
  for (AddedToken& token : parts_.added) (token.normalized ? normalized : raw).push_back(std::move(token));
  parts_.added.clear();
  raw_ = AddedTokens(std::move(raw));
  normalized_ = AddedTokens(std::move(normalized));

  bos_ = parts_.bos;
  eos_ = parts_.eos;
  adds_bos_ = bos_ && std::find(parts_.prefix.begin(), parts_.prefix.end(), *bos_) != parts_.prefix.end();
  stop_ids_ = known_stop_ids(*parts_.vocabulary);
  stop_ids_.insert(stop_ids_.end(), parts_.more_stop_ids.begin(), parts_.more_stop_ids.end());
  if (eos_) stop_ids_.push_back(*eos_);
  std::sort(stop_ids_.begin(), stop_ids_.end());
  stop_ids_.erase(std::unique(stop_ids_.begin(), stop_ids_.end()), stop_ids_.end());
}

std::vector<int32_t> PipelineTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::vector<int32_t> out;
  out.reserve(text.size() / 4 + 8);
  if (options.add_special) out = parts_.prefix;
  const auto session = parts_.model->start();
  ModelSink sink(*session, out);
  const auto push = [&](int32_t id) { out.push_back(id); };

  const auto encode_part = [&](size_t begin, size_t end) {
    const std::string_view raw = text.substr(begin, end - begin);
    std::string rewritten;
    if (!parts_.normalizers.empty()) rewritten = normalize_all(parts_.normalizers, raw);
    const std::string_view part = parts_.normalizers.empty() ? raw : std::string_view(rewritten);
    // Offsets do not survive normalising, so a part that holds literal text parses none of these.
    const auto literal = std::lower_bound(options.literal.begin(), options.literal.end(), begin);
    const bool plain = literal == options.literal.end() || *literal >= end;
    normalized_.split(
        part, options.parse_special && plain, {},
        [&](size_t from, size_t to) {
          split_all(parts_.pre_tokenizers, part.substr(from, to - from), begin == 0 && from == 0, sink);
        },
        push);
  };
  raw_.split(text, options.parse_special, options.literal, encode_part, push);
  if (options.add_special) out.insert(out.end(), parts_.suffix.begin(), parts_.suffix.end());
  return out;
}

std::vector<size_t> PipelineTokenizer::find_special(std::string_view text) const {
  std::vector<size_t> found;
  raw_.find_special(text, found);
  const size_t raw = found.size();
  normalized_.find_special(text, found);
  std::inplace_merge(found.begin(), found.begin() + static_cast<ptrdiff_t>(raw), found.end());
  return found;
}

std::string PipelineTokenizer::decode(const std::vector<int32_t>& ids, bool keep_special) const {
  std::string out;
  bool first = parts_.strip_leading_space;
  for (const int32_t id : ids) {
    if (!parts_.vocabulary->has(id) || (!keep_special && token_kind(id) == TokenKind::kControl)) continue;
    const std::string_view bytes = parts_.bytes[static_cast<size_t>(id)];
    out += bytes.substr(first && bytes.starts_with(' ') ? 1 : 0);
    first = first && bytes.empty();
  }
  return out;
}

std::string PipelineTokenizer::token_bytes(int32_t id) const {
  return parts_.vocabulary->has(id) ? parts_.bytes[static_cast<size_t>(id)] : std::string();
}
std::string PipelineTokenizer::token_text(int32_t id) const {
  return parts_.vocabulary->has(id) ? parts_.vocabulary->text(id) : std::string();
}
TokenKind PipelineTokenizer::token_kind(int32_t id) const noexcept {
  return parts_.vocabulary->has(id) ? parts_.vocabulary->kind(id) : TokenKind::kUnused;
}
std::optional<int32_t> PipelineTokenizer::find_token(std::string_view text) const {
  const int32_t id = parts_.vocabulary->find(text);
  if (id < 0) return std::nullopt;
  return id;
}

std::string sentencepiece_bytes(std::string_view text, TokenKind kind) {
  if (kind == TokenKind::kByte) {
    const int byte = byte_of_token(text);
    if (byte >= 0) return {static_cast<char>(byte)};
  }
  if (kind == TokenKind::kControl) return std::string(text);
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with(kSpaceMark)) {
      out += ' ';
      i += kSpaceMark.size();
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::vector<int32_t> known_stop_ids(const Vocabulary& vocabulary) {
  static constexpr std::string_view kEnds[] = {
      "<|eot_id|>",
      "<|im_end|>",
      "<|end|>",
      "<|return|>",
      "<|call|>",
      "<end_of_turn>",
      "<|eom_id|>",
      "<|eot|>",
      "<|eom|>",
      "<EOT>",
      "_<EOT>",
      "[EOT]",
      "[EOS]",
      "<turn|>",
      "<|endoftext|>",
      "<|end_of_text|>",
      "<end_of_utterance>",
      "<｜end▁of▁sentence｜>",
      "<|flush|>",
      "<|calls|>",
      "[e~[",
  };
  std::vector<int32_t> ids;
  bool harmony = false;
  for (const std::string_view text : kEnds) {
    const int32_t id = vocabulary.find(text);
    if (id < 0 || vocabulary.kind(id) == TokenKind::kNormal) continue;
    ids.push_back(id);
    harmony |= text == "<|return|>" || text == "<|calls|>";
  }
  // In the harmony format "<|end|>" closes one message of an answer, not the answer.
  if (harmony) std::erase(ids, vocabulary.find("<|end|>"));
  return ids;
}

// --- streaming ---

std::string StreamDecoder::push(int32_t id) {
  if (keep_special_ || tokenizer_.token_kind(id) != TokenKind::kControl) {
    const std::string bytes = tokenizer_.token_bytes(id);
    const bool strip = first_ && tokenizer_.strips_leading_space() && bytes.starts_with(' ');
    held_.append(bytes, strip ? 1 : 0);
    first_ = first_ && bytes.empty();
  }
  const size_t whole = held_.size() - incomplete_utf8_tail(held_);
  std::string out = sanitize_utf8(std::string_view(held_).substr(0, whole));
  held_.erase(0, whole);
  return out;
}

std::string StreamDecoder::finish() {
  std::string out = sanitize_utf8(held_);
  held_.clear();
  return out;
}

}  // namespace shenbi::tokenizers
