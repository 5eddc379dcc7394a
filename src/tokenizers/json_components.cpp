#include "tokenizers/json_components.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "tokenizers/pre_names.h"

namespace shenbi::tokenizers {
namespace {

constexpr int kMaxNesting = 16;  // Sequence within Sequence; real files nest twice

[[noreturn]] void unsupported(std::string_view what, const std::string& type) {
  throw Error(Code::kUnsupported, fmt::format("tokenizer.json: {} '{}'", what, sanitize_utf8(type.substr(0, 100))));
}

std::string base64_decode(std::string_view text, std::string_view where) {
  std::string out;
  uint32_t bits = 0, count = 0;
  for (const char c : text) {
    if (c == '=') break;
    uint32_t digit = 64;
    if (c >= 'A' && c <= 'Z')
      digit = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      digit = static_cast<uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      digit = static_cast<uint32_t>(c - '0' + 52);
    else if (c == '+')
      digit = 62;
    else if (c == '/')
      digit = 63;
    if (digit == 64) json_corrupt(where, "not base64");
    bits = bits << 6 | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

// {"Regex": "..."} or {"String": "..."}.
struct Pattern {
  std::string text;
  bool regex;
};
Pattern read_pattern(const Json& object, std::string_view where) {
  const Json& pattern = json_field(object, "pattern", where);
  if (pattern.is_string()) return {pattern.get<std::string>(), false};
  if (pattern.is_object() && pattern.contains("Regex")) return {json_string(pattern, "Regex", where), true};
  return {json_string(pattern, "String", where), false};
}

SplitBehavior read_behavior(const Json& object, std::string_view where, const char* fallback = nullptr) {
  const std::string name =
      fallback && !object.contains("behavior") ? std::string(fallback) : json_string(object, "behavior", where);
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  unsupported("split behavior", name);
}

PrependScheme read_scheme(const Json& object, std::string_view where) {
  if (!object.contains("prepend_scheme")) {
    return json_bool(object, "add_prefix_space", true, where) ? PrependScheme::kAlways : PrependScheme::kNever;
  }
  const std::string name = json_string(object, "prepend_scheme", where);
  if (name == "always") return PrependScheme::kAlways;
  if (name == "first") return PrependScheme::kFirst;
  if (name == "never") return PrependScheme::kNever;
  unsupported("prepend_scheme", name);
}

// --- normalizers ---

void add_normalizer(const Json& object, Normalizers& out, int depth) {
  constexpr std::string_view kWhere = "normalizer";
  if (depth > kMaxNesting) json_corrupt(kWhere, "nested too deep");
  const std::string type = json_string(object, "type", kWhere);
  if (type == "Sequence") {
    const Json& steps = json_field(object, "normalizers", kWhere);
    if (!steps.is_array()) json_corrupt(kWhere, "normalizers is not an array");
    for (const Json& step : steps) add_normalizer(step, out, depth + 1);
  } else if (type == "NFC") {
    out.push_back(unicode_normalizer(NormalForm::kNfc));
  } else if (type == "NFD") {
    out.push_back(unicode_normalizer(NormalForm::kNfd));
  } else if (type == "NFKC") {
    out.push_back(unicode_normalizer(NormalForm::kNfkc));
  } else if (type == "NFKD") {
    out.push_back(unicode_normalizer(NormalForm::kNfkd));
  } else if (type == "Lowercase") {
    out.push_back(lowercase_normalizer());
  } else if (type == "Strip") {
    out.push_back(strip_normalizer(json_bool(object, "strip_left", true, kWhere),
                                   json_bool(object, "strip_right", true, kWhere)));
  } else if (type == "StripAccents") {
    out.push_back(strip_accents_normalizer());
  } else if (type == "Replace") {
    const Pattern pattern = read_pattern(object, kWhere);
    out.push_back(replace_normalizer(pattern.regex ? Regex::compile(pattern.text) : Regex::literal(pattern.text),
                                     json_string(object, "content", kWhere)));
  } else if (type == "Prepend") {
    out.push_back(prepend_normalizer(json_string(object, "prepend", kWhere)));
  } else if (type == "Nmt") {
    out.push_back(nmt_normalizer());
  } else if (type == "ByteLevel") {
    out.push_back(byte_alphabet_normalizer());
  } else if (type == "Precompiled") {
    const Json& blob = json_field(object, "precompiled_charsmap", kWhere);
    if (blob.is_null()) return;
    const std::string bytes = base64_decode(json_string(object, "precompiled_charsmap", kWhere), kWhere);
    if (!bytes.empty()) out.push_back(grapheme_charsmap_normalizer(Charsmap(bytes, "tokenizer.json")));
  } else if (type == "BertNormalizer") {
    BertCleaning what;
    what.clean_text = json_bool(object, "clean_text", true, kWhere);
    what.isolate_chinese = json_bool(object, "handle_chinese_chars", true, kWhere);
    what.lowercase = json_bool(object, "lowercase", true, kWhere);
    what.strip_accents = json_bool(object, "strip_accents", what.lowercase, kWhere);
    out.push_back(bert_normalizer(what));
  } else {
    unsupported("normalizer", type);
  }
}

// --- pre-tokenizers ---

// Adds steps; sets `bytes` to whether the last one added is ByteLevel (whose mapping is then still to be added).
void add_pre_tokenizer(const Json& object, PreTokenizers& out, bool& bytes, int depth) {
  constexpr std::string_view kWhere = "pre_tokenizer";
  if (depth > kMaxNesting) json_corrupt(kWhere, "nested too deep");
  const std::string type = json_string(object, "type", kWhere);
  if (type == "Sequence") {
    const char* name = object.contains("pretokenizers") ? "pretokenizers" : "processors";
    const Json& steps = json_field(object, name, kWhere);
    if (!steps.is_array()) json_corrupt(kWhere, "pretokenizers is not an array");
    for (const Json& step : steps) add_pre_tokenizer(step, out, bytes, depth + 1);
    return;
  }
  if (bytes) out.push_back(byte_alphabet_mapper());  // a step behind ByteLevel sees the mapped characters
  bytes = false;
  if (type == "ByteLevel") {
    if (json_bool(object, "add_prefix_space", true, kWhere)) out.push_back(space_prepender());
    if (json_bool(object, "use_regex", true, kWhere)) {
      out.push_back(regex_splitter(kGpt2Pattern, Regex::Dialect::kOniguruma, SplitBehavior::kIsolated, false));
    }
    bytes = true;
  } else if (type == "Split") {
    const Pattern pattern = read_pattern(object, kWhere);
    const SplitBehavior behavior = read_behavior(object, kWhere);
    const bool invert = json_bool(object, "invert", false, kWhere);
    if (pattern.regex)
      out.push_back(regex_splitter(pattern.text, Regex::Dialect::kOniguruma, behavior, invert));
    else if (!pattern.text.empty())
      out.push_back(literal_splitter(pattern.text, behavior, invert));
  } else if (type == "Metaspace") {
    out.push_back(metaspace(json_string(object, "replacement", kWhere), read_scheme(object, kWhere),
                            json_bool(object, "split", true, kWhere)));
  } else if (type == "Digits") {
    const bool single = json_bool(object, "individual_digits", false, kWhere);
    out.push_back(character_splitter(is_number, single ? SplitBehavior::kIsolated : SplitBehavior::kContiguous));
  } else if (type == "Punctuation") {
    out.push_back(character_splitter(is_punctuation, read_behavior(object, kWhere, "Isolated")));
  } else if (type == "WhitespaceSplit") {
    out.push_back(character_splitter(is_whitespace, SplitBehavior::kRemoved));
  } else if (type == "Whitespace") {
    out.push_back(regex_splitter("[\\w\\x{200C}\\x{200D}]+|[^\\w\\s\\x{200C}\\x{200D}]+", Regex::Dialect::kFancyRegex,
                                 SplitBehavior::kRemoved, true));
  } else if (type == "BertPreTokenizer") {
    out.push_back(character_splitter(is_whitespace, SplitBehavior::kRemoved));
    out.push_back(character_splitter(is_punctuation, SplitBehavior::kIsolated));
  } else if (type == "CharDelimiterSplit") {
    out.push_back(literal_splitter(json_string(object, "delimiter", kWhere), SplitBehavior::kRemoved, false));
  } else if (type == "FixedLength") {
    const Json& length = json_field(object, "length", kWhere);
    if (!length.is_number_unsigned() || length.get<uint64_t>() == 0)
      json_corrupt(kWhere, "length is not a positive number");
    out.push_back(fixed_length_splitter(length.get<uint64_t>()));
  } else {
    unsupported("pre_tokenizer", type);
  }
}

// --- post-processors ---

int32_t token_pair_id(const Json& object, const char* name) {  // ["[SEP]", 102]
  const Json& pair = json_field(object, name, "post_processor");
  if (!pair.is_array() || pair.size() != 2) json_corrupt("post_processor", fmt::format("{} is not [token, id]", name));
  return json_id(pair[1], "post_processor");
}

void append_template_token(const Json& object, const Json& item, std::vector<int32_t>& out) {
  constexpr std::string_view kWhere = "post_processor";
  const std::string name = json_string(item, "id", kWhere);
  const Json& tokens = json_field(object, "special_tokens", kWhere);
  if (!tokens.is_object() || !tokens.contains(name))
    json_corrupt(kWhere, fmt::format("special_tokens lacks '{}'", name));
  const Json& ids = json_field(tokens[name], "ids", kWhere);
  if (!ids.is_array()) json_corrupt(kWhere, "ids is not an array");
  for (const Json& id : ids) out.push_back(json_id(id, kWhere));
}

void add_template(const Json& object, std::vector<int32_t>& before, std::vector<int32_t>& behind) {
  constexpr std::string_view kWhere = "post_processor";
  const Json& single = json_field(object, "single", kWhere);
  if (!single.is_array()) json_corrupt(kWhere, "single is not an array");
  bool seen_text = false;
  for (const Json& item : single) {
    if (item.is_object() && item.contains("Sequence")) {
      if (seen_text) unsupported("post_processor", "TemplateProcessing that repeats the text");
      seen_text = true;
    } else {
      append_template_token(object, json_field(item, "SpecialToken", kWhere), seen_text ? behind : before);
    }
  }
  if (!seen_text) unsupported("post_processor", "TemplateProcessing without the text");
}

void add_post(const Json& object, std::vector<int32_t>& prefix, std::vector<int32_t>& suffix, int depth) {
  constexpr std::string_view kWhere = "post_processor";
  if (object.is_null()) return;
  if (depth > kMaxNesting) json_corrupt(kWhere, "nested too deep");
  const std::string type = json_string(object, "type", kWhere);
  std::vector<int32_t> before, behind;
  if (type == "Sequence") {
    const Json& steps = json_field(object, "processors", kWhere);
    if (!steps.is_array()) json_corrupt(kWhere, "processors is not an array");
    for (const Json& step : steps) add_post(step, prefix, suffix, depth + 1);
  } else if (type == "TemplateProcessing") {
    add_template(object, before, behind);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    before = {token_pair_id(object, "cls")};
    behind = {token_pair_id(object, "sep")};
  } else if (type != "ByteLevel") {
    unsupported("post_processor", type);
  }
  prefix.insert(prefix.begin(), before.begin(), before.end());  // a later processor goes around an earlier one
  suffix.insert(suffix.end(), behind.begin(), behind.end());
}

}  // namespace

// --- fields ---

void json_corrupt(std::string_view where, std::string_view why) {
  throw Error(Code::kCorruptFile, fmt::format("tokenizer.json: {}: {}", where, why));
}
const Json& json_field(const Json& object, const char* name, std::string_view where) {
  if (!object.is_object() || !object.contains(name)) json_corrupt(where, fmt::format("field '{}' is missing", name));
  return object[name];
}
std::string json_string(const Json& object, const char* name, std::string_view where) {
  const Json& value = json_field(object, name, where);
  if (!value.is_string()) json_corrupt(where, fmt::format("field '{}' is not a string", name));
  return value.get<std::string>();
}
bool json_bool(const Json& object, const char* name, bool fallback, std::string_view where) {
  if (!object.contains(name) || object[name].is_null()) return fallback;
  if (!object[name].is_boolean()) json_corrupt(where, fmt::format("field '{}' is not a boolean", name));
  return object[name].get<bool>();
}
int32_t json_id(const Json& value, std::string_view where) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() >= limits::kMaxVocabulary) {
    json_corrupt(where,
                 fmt::format("id {} is not a number below {}", value.dump().substr(0, 40), limits::kMaxVocabulary));
  }
  return value.get<int32_t>();
}

void add_normalizers(const Json& object, Normalizers& out) {
  if (!object.is_null()) add_normalizer(object, out, 0);
}

bool add_pre_tokenizers(const Json& object, PreTokenizers& out) {
  bool bytes = false;
  if (!object.is_null()) add_pre_tokenizer(object, out, bytes, 0);
  return bytes;
}

void add_post_processor(const Json& object, const Vocabulary& vocabulary, std::vector<int32_t>& prefix,
                        std::vector<int32_t>& suffix) {
  add_post(object, prefix, suffix, 0);
  for (const auto* ids : {&prefix, &suffix}) {
    for (const int32_t id : *ids) {
      if (!vocabulary.has(id)) json_corrupt("post_processor", fmt::format("id {} is not in the vocabulary", id));
    }
  }
}

// --- decoders ---

TokenReader::TokenReader(const Json& decoder) {
  if (decoder.is_null()) {
    spaced_ = strip_leading_space = true;
  } else {
    add(decoder, false);
  }
}

void TokenReader::add(const Json& decoder, bool fused) {
  constexpr std::string_view kWhere = "decoder";
  const std::string type = json_string(decoder, "type", kWhere);
  if (type == "Sequence") {
    const Json& steps = json_field(decoder, "decoders", kWhere);
    if (!steps.is_array()) json_corrupt(kWhere, "decoders is not an array");
    for (const Json& step : steps) {
      const std::string inner = json_string(step, "type", kWhere);
      if (inner == "Sequence") unsupported("decoder", "Sequence inside a Sequence");
      if (inner == "Fuse")
        fused = true;
      else
        add(step, fused);
    }
  } else if (type == "ByteLevel") {
    steps_.push_back({.kind = Step::kByteLevel});
  } else if (type == "Metaspace") {
    steps_.push_back({.kind = Step::kMetaspace, .from = json_string(decoder, "replacement", kWhere)});
    strip_leading_space = read_scheme(decoder, kWhere) != PrependScheme::kNever;
  } else if (type == "WordPiece") {
    steps_.push_back({.kind = Step::kWordPiece,
                      .from = json_string(decoder, "prefix", kWhere),
                      .cleanup = json_bool(decoder, "cleanup", true, kWhere)});
    strip_leading_space = true;
  } else if (type == "BPEDecoder") {
    steps_.push_back({.kind = Step::kSuffix, .from = json_string(decoder, "suffix", kWhere)});
  } else if (type == "Replace") {
    const Pattern pattern = read_pattern(decoder, kWhere);
    if (pattern.regex || pattern.text.empty()) unsupported("decoder", "Replace by a regex");
    steps_.push_back({.kind = Step::kReplace, .from = pattern.text, .to = json_string(decoder, "content", kWhere)});
  } else if (type == "ByteFallback") {
    steps_.push_back({.kind = Step::kByteFallback});
  } else if (type == "Strip") {
    const Json& start = json_field(decoder, "start", kWhere);
    const Json& stop = json_field(decoder, "stop", kWhere);
    if (stop != 0 || !start.is_number_unsigned()) unsupported("decoder", "Strip at the end");
    const std::string content = json_string(decoder, "content", kWhere);
    if (fused && content == " " && start == 1)
      strip_leading_space = true;
    else if (!fused)
      steps_.push_back({.kind = Step::kStrip, .from = content, .start = start.get<uint64_t>()});
    else if (start != 0)
      unsupported("decoder", "Strip of something other than one space");
  } else if (type != "Fuse") {
    unsupported("decoder", type);
  }
}

namespace {

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (!from.empty()) {
    const size_t at = text.find(from);
    if (at == std::string_view::npos) break;
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

// " ." -> "." and English contractions, as BERT's reference detokenizer writes them.
std::string without_artifacts(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kRules) text = replaced(text, from, to);
  return text;
}

}  // namespace

std::string TokenReader::read(std::string_view token) const {
  if (spaced_) return " " + std::string(token);
  std::string text(token);
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Step::kByteLevel:
        text = alphabet_to_bytes(text).value_or(text);
        break;
      case Step::kMetaspace:
        text = replaced(text, step.from, " ");
        break;
      case Step::kWordPiece:
        text = text.starts_with(step.from) ? text.substr(step.from.size()) : " " + text;
        if (step.cleanup) text = without_artifacts(std::move(text));
        break;
      case Step::kSuffix:
        text = replaced(text, step.from, " ");
        break;
      case Step::kReplace:
        text = replaced(text, step.from, step.to);
        break;
      case Step::kByteFallback:
        if (const int byte = byte_of_token(text); byte >= 0) text = static_cast<char>(byte);
        break;
      case Step::kStrip:
        for (size_t i = 0; i < step.start && !step.from.empty() && text.starts_with(step.from); ++i) {
          text.erase(0, step.from.size());
        }
        break;
    }
  }
  return text;
}

}  // namespace shenbi::tokenizers
