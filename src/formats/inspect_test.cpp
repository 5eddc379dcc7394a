#include "formats/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/folders.h"
#include "base/json.h"
#include "formats/memory_checkpoint.h"
#include "formats/test_bytes.h"
#include "formats/text.h"
#include "formats/tokenizer_summary.h"

namespace shenbi::formats {

using testing::gguf_string;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::raw;
using T = GgufValueType;

namespace {

std::string small_gguf() {
  testing::GgufBytes file;
  file.text("general.architecture", "llama").text("general.name", "Tiny").text("general.license", "mit");
  file.u32("llama.block_count", 2).u32("llama.embedding_length", 8).u32("llama.context_length", 100);
  file.u32("llama.attention.head_count", 4).u32("llama.attention.head_count_kv", 2);
  file.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "qwen2");
  file.array("tokenizer.ggml.tokens", T::kString, 3, gguf_string("a") + gguf_string("b") + gguf_string("c"));
  file.text("tokenizer.chat_template", "line 1\nline 2\x1b[2J\nline 3\nline 4");
  file.f32("a", {4, 2}, std::vector<float>(8)).f32("b", {2}, {1, 2});
  return file.bytes();
}

}  // namespace

TEST(Inspect, tells_what_a_gguf_file_is) {
  const std::string bytes = small_gguf();
  const Inspection found = inspect(*open_in_memory(testing::as_bytes(bytes), "tiny.gguf"));
  EXPECT_EQ(found.format, "GGUF");
  EXPECT_EQ(found.architecture, "llama");
  EXPECT_EQ(found.name, "Tiny");
  EXPECT_EQ(found.licence, "mit");
  EXPECT_EQ(found.parameters, 10u);
  EXPECT_EQ(found.context_length, 100u);
  EXPECT_EQ(found.head_dim, 2u);
  EXPECT_EQ(found.vocab_size, 3u);
  EXPECT_EQ(found.tokenizer->kind, "gpt2");
  EXPECT_EQ(found.tokenizer->pre, "qwen2");
  ASSERT_EQ(found.types.size(), 1u);
  EXPECT_EQ(found.types[0].type, "F32");
  EXPECT_EQ(found.types[0].bytes, 40u);
  EXPECT_EQ(found.memory.weights, 40u);
  // 2 layers x 2 heads x (2 + 2) values x 100 positions x 2 bytes
  EXPECT_EQ(found.memory.context, 100u);
  EXPECT_EQ(found.memory.kv_cache, 3200u);
}

TEST(Inspect, writes_json_that_programs_read) {
  const std::string bytes = small_gguf();
  const Json json = to_json(inspect(*open_in_memory(testing::as_bytes(bytes), "tiny.gguf"), 10));
  EXPECT_EQ(json["architecture"], "llama");
  EXPECT_EQ(json["parameters"], 10);
  EXPECT_EQ(json["memory"], Json({{"weights", 40}, {"kv_cache", 320}, {"context", 10}, {"total", 360}}));
  EXPECT_EQ(json["tensors"][0], Json({{"name", "a"}, {"type", "F32"}, {"shape", {2, 4}}, {"bytes", 32}}));
  EXPECT_EQ(json["tokenizer"], Json({{"kind", "gpt2"}, {"pre", "qwen2"}, {"tokens", 3}}));
  EXPECT_EQ(json["metadata"]["tokenizer.ggml.tokens"]["value"], "3 values: a, b, c");
}

TEST(Inspect, writes_text_that_cannot_drive_the_terminal) {
  const std::string bytes = small_gguf();
  const std::string text = to_text(inspect(*open_in_memory(testing::as_bytes(bytes), "tiny.gguf")), true);
  EXPECT_THAT(text, HasSubstr("architecture    llama\n"));
  EXPECT_THAT(text, HasSubstr("| line 1\n"));
  EXPECT_THAT(text, HasSubstr("| line 2\\x1B[2J\n"));
  EXPECT_THAT(text, Not(HasSubstr("| line 4")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(Inspect, reads_a_folder_with_its_model_card_and_tokenizer) {
  TemporaryFolder folder;
  const auto write = [&](const char* name, std::string_view text) { testing::write_file(folder.path() / name, text); };
  write("model.safetensors", raw<uint64_t>(2) + "{}");
  write("config.json",
        R"({"model_type":"qwen3","num_hidden_layers":2,"num_attention_heads":4,"head_dim":16,"vocab_size":9})");
  write("README.md", "---\nlanguage: en\nlicense: \"apache-2.0\"\n---\n# Model\nlicense: other\n");
  write(
      "tokenizer.json",
      R"({"added_tokens":[{"id":5,"content":"<eos>"}],"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[["a","b"]]}})");
  const Inspection found = inspect(*Checkpoint::open(folder.path()));
  EXPECT_EQ(found.format, "Hugging Face folder");
  EXPECT_EQ(found.architecture, "qwen3");
  EXPECT_EQ(found.licence, "apache-2.0");
  EXPECT_EQ(found.tokenizer->kind, "BPE");
  EXPECT_EQ(found.tokenizer->tokens, 6u);
  EXPECT_EQ(found.memory.kv_cache, 2u * 4 * 32 * 8192 * 2);
}

TEST(Inspect, counts_the_tokens_of_a_unigram_tokenizer) {
  const auto found =
      summarize_tokenizer_json(R"({"model":{"type":"Unigram","vocab":[["<unk>",0],["a",-1.5],["b",-2]]}})", "t");
  EXPECT_EQ(found.kind, "Unigram");
  EXPECT_EQ(found.tokens, 3u);
}

TEST(Inspect, refuses_a_tokenizer_file_that_is_not_json_or_too_deep) {
  EXPECT_THROW(summarize_tokenizer_json("{", "t"), Error);
  EXPECT_THROW(summarize_tokenizer_json(std::string(100'000, '['), "t"), Error);
}

TEST(Text, sizes_use_powers_of_1000_as_download_pages_do) {
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(253'113'024), "253.1 MB");
  EXPECT_EQ(bytes_text(999'999), "1.0 MB");
  EXPECT_EQ(bytes_text(UINT64_MAX), "18.4 EB");
}

}  // namespace shenbi::formats
