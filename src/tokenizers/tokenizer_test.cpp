// What the golden files cannot show: hostile files, GGUF vocabularies made here, cost on adversarial texts, kinds.

#include "tokenizers/tokenizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizers/vocabulary.h"

namespace shenbi::tokenizers {
namespace {

using Ids = std::vector<int32_t>;

std::string repeated(std::string_view unit, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += unit;
  return out;
}

// A GGUF vocabulary that owns its strings.
struct File {
  GgufVocabulary fields;
  std::vector<std::string> tokens, merges;
  const GgufVocabulary& get() {
    fields.tokens.assign(tokens.begin(), tokens.end());
    fields.merges.assign(merges.begin(), merges.end());
    return fields;
  }
};

File byte_bpe() {
  File file;
  file.fields.model = "gpt2";
  file.fields.pre = "gpt-2";
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    file.tokens.push_back(bytes_to_alphabet({&byte, 1}));
  }
  for (const char* pair : {"a a", "aa aa", "aaaa aaaa", "h e", "he y"}) {
    std::string joint = pair;
    file.merges.push_back(joint);
    joint.erase(joint.find(' '), 1);
    file.tokens.push_back(joint);
  }
  file.tokens.insert(file.tokens.end(), {"<|im_end|>", "<think>"});
  file.fields.kinds.assign(file.tokens.size(), 1);
  file.fields.kinds[261] = 3;
  file.fields.kinds[262] = 4;
  file.fields.bos = 261;
  return file;
}

File spm(bool bytes) {
  File file;
  file.fields.model = "llama";
  file.tokens = {"<unk>", "<s>", "</s>"};
  file.fields.kinds = {2, 3, 3};
  if (bytes) {
    for (int b = 0; b < 256; ++b) file.tokens.push_back(byte_token(static_cast<uint8_t>(b)));
    file.fields.kinds.resize(file.tokens.size(), 6);
  }
  for (const char* word : {"▁", "a", "b", "ab", "▁ab", "aa", "▁a"}) file.tokens.emplace_back(word);
  file.fields.kinds.resize(file.tokens.size(), 1);
  file.fields.scores.resize(file.tokens.size(), 0);
  for (size_t i = file.tokens.size() - 7; i < file.tokens.size(); ++i) file.fields.scores[i] = -static_cast<float>(i);
  file.fields.unknown = 0;
  file.fields.bos = 1;
  file.fields.eos = 2;
  return file;
}

std::string failure(File file) {
  try {
    Tokenizer::from_gguf(file.get());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Tokenizer, literal_control_tokens_give_the_ids_of_plain_text) {
  const auto tokenizer = Tokenizer::from_gguf(byte_bpe().get());
  const std::string text = "aa<|im_end|>a<|im_end|>";
  EXPECT_EQ(tokenizer->find_special(text), (std::vector<size_t>{2, 13}));
  const std::vector<size_t> all = {2, 13}, first = {2};
  const Ids plain = tokenizer->encode(text, {.add_special = false});
  EXPECT_EQ(tokenizer->encode(text, {.add_special = false, .parse_special = true, .literal = all}), plain);
  Ids half = tokenizer->encode("aa<|im_end|>a", {.add_special = false});
  half.push_back(261);
  EXPECT_EQ(tokenizer->encode(text, {.add_special = false, .parse_special = true, .literal = first}), half);
}

TEST(Bpe, where_a_character_without_a_token_vanishes_its_neighbours_merge) {
  // As `tokenizers` 0.23 does for a BPE without unk_token: the line feed leaves nothing, and "a" meets "b".
  const auto tokenizer = Tokenizer::from_tokenizer_json(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2},
      "merges": [["a", "b"]]}})");
  EXPECT_EQ(tokenizer->encode("a\nb"), (Ids{2}));
  EXPECT_EQ(tokenizer->encode("\n"), Ids{});
  EXPECT_EQ(tokenizer->encode("b\na\n\nb"), (Ids{1, 2}));
}

TEST(Gguf, control_tokens_in_text_are_text_unless_asked_for) {
  const auto tokenizer = Tokenizer::from_gguf(byte_bpe().get());
  EXPECT_EQ(tokenizer->encode("<|im_end|>", {.add_special = false, .parse_special = true}), Ids{261});
  EXPECT_EQ(tokenizer->encode("<|im_end|>", {.add_special = false}).size(), 10u);
  EXPECT_EQ(tokenizer->encode("<think>", {.add_special = false}), Ids{262});  // user-defined: always
  EXPECT_EQ(tokenizer->decode({261, 259, 262}), "he<think>");
  EXPECT_EQ(tokenizer->decode({261, 259}, true), "<|im_end|>he");
  EXPECT_EQ(tokenizer->stop_ids(), Ids{261});
}

TEST(Gguf, bos_is_added_as_the_file_says_or_by_the_family) {
  File file = byte_bpe();
  EXPECT_FALSE(Tokenizer::from_gguf(file.get())->adds_bos());
  file.fields.add_bos = true;
  EXPECT_EQ(Tokenizer::from_gguf(file.get())->encode("hey"), (Ids{261, 260}));
  file.fields.add_bos.reset();
  file.fields.pre = "llama-bpe";
  EXPECT_TRUE(Tokenizer::from_gguf(file.get())->adds_bos());
  EXPECT_EQ(Tokenizer::from_gguf(spm(false).get())->encode("ab"), (Ids{1, 7}));
}

TEST(Gguf, spm_falls_back_to_bytes_or_to_one_unknown) {
  const auto with_bytes = Tokenizer::from_gguf(spm(true).get());
  EXPECT_EQ(with_bytes->encode("é", {.add_special = false}), (Ids{259, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(with_bytes->decode(with_bytes->encode("aé ab")), "aé ab");
  const auto without = Tokenizer::from_gguf(spm(false).get());
  EXPECT_EQ(without->encode("éèa", {.add_special = false}), (Ids{3, 0, 4}));
}

TEST(Gguf, errors_name_the_field_and_the_value) {
  EXPECT_NE(failure({}).find("tokens"), std::string::npos);
  File file = byte_bpe();
  file.fields.bos = 9999;
  EXPECT_NE(failure(file).find("bos_token_id: 9999"), std::string::npos);
  file = byte_bpe();
  file.fields.pre = "nobody-knows";
  EXPECT_NE(failure(file).find("nobody-knows"), std::string::npos);
  file = byte_bpe();
  file.merges.push_back("nospace");
  EXPECT_NE(failure(file).find("nospace"), std::string::npos);
  file = spm(true);
  file.fields.scores.resize(5);
  EXPECT_NE(failure(file).find("scores: 5"), std::string::npos);
  file = spm(true);
  file.fields.scores[7] = std::nanf("");
  EXPECT_NE(failure(file).find("token 7 is NaN"), std::string::npos);
  file = spm(true);
  file.fields.precompiled_charsmap = std::string_view("\xFF\xFF\xFF\x7F", 4);
  EXPECT_NE(failure(file).find("precompiled_charsmap"), std::string::npos);
  file.fields.model = "no_vocab";
  EXPECT_NE(failure(file).find("no vocabulary"), std::string::npos);
}

TEST(Gguf, strange_byte_tokens_are_words_like_others) {
  File file = spm(true);
  for (const char* strange : {"<0x-1>", "<0xZZ>", "<0x1>", "<0x100>", "<0x"}) {
    file.tokens.emplace_back(strange);
    file.fields.kinds.push_back(6);
    file.fields.scores.push_back(0);
  }
  const auto tokenizer = Tokenizer::from_gguf(file.get());
  EXPECT_EQ(tokenizer->token_bytes(tokenizer->find_token("<0x-1>").value()), "<0x-1>");
}

TEST(Tokenizer, ids_out_of_range_are_nothing) {
  const auto tokenizer = Tokenizer::from_gguf(byte_bpe().get());
  for (const int32_t id : {-1, 100'000, INT32_MAX, INT32_MIN}) {
    EXPECT_EQ(tokenizer->token_bytes(id), "");
    EXPECT_EQ(tokenizer->decode({id}), "");
    EXPECT_EQ(tokenizer->token_kind(id), TokenKind::kUnused);
  }
}

TEST(StreamDecoder, holds_back_the_beginning_of_a_character) {
  const auto tokenizer = Tokenizer::from_gguf(byte_bpe().get());
  const Ids ids = tokenizer->encode("人", {.add_special = false});
  ASSERT_EQ(ids.size(), 3u);
  StreamDecoder stream(*tokenizer);
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.push(ids[1]), "");
  EXPECT_EQ(stream.push(ids[2]), "人");
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.push(259), "\uFFFDhe");  // never completed
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

std::string json_failure(std::string_view json) {
  try {
    Tokenizer::from_tokenizer_json(json);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TokenizerJson, names_the_component_it_does_not_know) {
  const std::string model = R"("model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})";
  EXPECT_EQ(json_failure("{" + model + "}"), "");
  EXPECT_NE(json_failure(R"({"normalizer":{"type":"Whatever"},)" + model + "}").find("normalizer 'Whatever'"),
            std::string::npos);
  EXPECT_NE(json_failure(R"({"pre_tokenizer":{"type":"UnicodeScripts"},)" + model + "}").find("UnicodeScripts"),
            std::string::npos);
  EXPECT_NE(json_failure(R"({"decoder":{"type":"CTC"},)" + model + "}").find("decoder 'CTC'"), std::string::npos);
  EXPECT_NE(json_failure(R"({"model":{"type":"Magic","vocab":{}}})").find("model 'Magic'"), std::string::npos);
  EXPECT_NE(json_failure(R"({"model":{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}})").find("dropout"),
            std::string::npos);
}

TEST(TokenizerJson, refuses_damaged_files_with_the_field) {
  EXPECT_NE(json_failure("{}").find("'model' is missing"), std::string::npos);
  EXPECT_NE(json_failure("[").find("not valid JSON"), std::string::npos);
  EXPECT_NE(json_failure(R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})").find("id -1"), std::string::npos);
  EXPECT_NE(json_failure(R"({"model":{"type":"BPE","vocab":{"a":4000000000},"merges":[]}})").find("id 4000000000"),
            std::string::npos);
  EXPECT_NE(json_failure(R"({"model":{"type":"BPE","vocab":{"a":4000000},"merges":[]}})").find("id 4000000"),
            std::string::npos);
  EXPECT_NE(json_failure(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a z"]}})").find("merge 0 needs 'z'"),
            std::string::npos);
  EXPECT_NE(json_failure(R"({"model":{"type":"Unigram","unk_id":5,"vocab":[["a",0]]}})").find("unk_id"),
            std::string::npos);
  EXPECT_NE(json_failure(R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["a","b"]]}})").find("vocab[0]"),
            std::string::npos);
  const std::string deep = repeated(R"({"type":"Sequence","normalizers":[)", 20) + repeated("]}", 20);
  EXPECT_NE(
      json_failure(R"({"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":)" + deep + "}").find("too deep"),
      std::string::npos);
}

TEST(SentencePiece, refuses_damaged_files) {
  for (const std::string_view bytes : {std::string_view("\x0A\xFF\xFF\xFF\xFF\x0F", 6),
                                       std::string_view("\x0A\x05"
                                                        "ab",
                                                        4),
                                       std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12),
                                       std::string_view("\x0B\x00", 2), std::string_view("", 0)}) {
    EXPECT_THROW(Tokenizer::from_sentencepiece(bytes), Error);
  }
}

TEST(Tiktoken, refuses_damaged_files_with_the_line) {
  const auto failure = [](std::string_view ranks) -> std::string {
    try {
      Tokenizer::from_tiktoken(ranks, ".", {});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(failure("YQ== 0\nYg== 1\n"), "");
  EXPECT_NE(failure("YQ== 0\nYg==\n").find("line 2"), std::string::npos);
  EXPECT_NE(failure("Y*== 0\n").find("not base64"), std::string::npos);
  EXPECT_NE(failure("YQ== 4000000\n").find("rank 4000000"), std::string::npos);
  EXPECT_NE(failure("YQ== x\n").find("not a number"), std::string::npos);
}

// CPU time, so other load does not count; the bound only tells linear (2) from quadratic (4), with room for caches.
double growth(const Tokenizer& tokenizer, std::string_view unit) {
  const auto seconds = [&](size_t times) {
    const std::string text = repeated(unit, times);
    const std::clock_t begin = std::clock();
    EXPECT_FALSE(tokenizer.encode(text).empty());
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  };
  const size_t times = 100'000 / unit.size();
  return seconds(4 * times) / std::max(seconds(times), 1e-3);
}

TEST(Tokenizer, adversarial_texts_cost_linear_time) {
  File pre = byte_bpe();
  std::vector<std::unique_ptr<Tokenizer>> tokenizers;
  for (const char* name : {"gpt-2", "llama-bpe", "gpt-4o", "deepseek-v3", "tiny_aya"}) {
    pre.fields.pre = name;
    tokenizers.push_back(Tokenizer::from_gguf(pre.get()));
  }
  tokenizers.push_back(Tokenizer::from_gguf(spm(true).get()));
  for (const auto& tokenizer : tokenizers) {
    for (const std::string_view unit : {"a", "!a", "\u0301", "1", " ", "人"}) {
      EXPECT_LT(growth(*tokenizer, unit), 12) << unit;  // 4 times the text: linear 4, quadratic 16
    }
  }
}

}  // namespace
}  // namespace shenbi::tokenizers
