// What configs say in more than one way, what they leave out, and what is refused.

#include "models/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "models/edited_checkpoint.h"
#include "models/fixture.h"

namespace shenbi::models {
namespace {

using testing::EditedCheckpoint;

std::shared_ptr<EditedCheckpoint> edited(const std::string& fixture) {
  return std::make_shared<EditedCheckpoint>(formats::Checkpoint::open(testing::golden_folder() / fixture));
}

DecoderSpec read(std::string_view family, const formats::Checkpoint& checkpoint) {
  for (const auto& [stem, make] : arch_registry())
    if (stem == family) return make().read(Config(checkpoint));
  throw Error(Code::kNotFound, std::string(family));
}

/// The message of the Error that describe() throws.
std::string refusal(std::shared_ptr<const formats::Checkpoint> checkpoint) {
  try {
    describe(std::move(checkpoint));
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Describe, names_the_missing_parameter) {
  auto checkpoint = edited("llama/model");
  checkpoint->remove("model.layers.1.mlp.up_proj.weight");
  EXPECT_THAT(refusal(checkpoint), ::testing::HasSubstr("the parameter layers.1.up.weight is missing"));
}

TEST(Describe, names_tensor_and_both_shapes_when_they_differ) {
  auto checkpoint = edited("llama/model");
  checkpoint->tensor("model.layers.0.self_attn.k_proj.weight").shape = {16, 64};
  EXPECT_THAT(
      refusal(checkpoint),
      ::testing::HasSubstr("tensor 'model.layers.0.self_attn.k_proj.weight' is BF16 [16, 64]; as layers.0.key.weight "
                           "the configuration needs [32, 32]"));
}

TEST(Describe, names_an_unknown_family) {
  auto checkpoint = edited("llama/model");
  checkpoint->set_config({{"model_type", "mamba"}});
  EXPECT_THAT(refusal(checkpoint), ::testing::HasSubstr("model family 'mamba' is not supported"));
}

TEST(Describe, refuses_numbers_beyond_their_limit) {
  auto checkpoint = edited("llama/model.gguf");
  checkpoint->set_metadata("llama.block_count", uint64_t{1} << 40);
  EXPECT_THAT(refusal(checkpoint), ::testing::HasSubstr("llama.block_count"));
}

TEST(Describe, refuses_heads_that_key_value_heads_do_not_divide) {
  auto checkpoint = edited("llama/model.gguf");
  checkpoint->set_metadata("llama.attention.head_count_kv", uint64_t{3});
  EXPECT_THAT(refusal(checkpoint), ::testing::HasSubstr("4 heads cannot be shared by 3"));
}

TEST(Describe, refuses_an_untied_model_without_a_head) {
  auto checkpoint = edited("llama/model");
  checkpoint->remove("lm_head.weight");
  EXPECT_THAT(refusal(checkpoint), ::testing::HasSubstr("the parameter output.weight is missing"));
}

TEST(Describe, reports_tensors_that_nothing_uses) {
  auto checkpoint = edited("llama/model");
  checkpoint->tensor("model.norm.weight").name = "model.norm.weight";
  Json config = checkpoint->config();
  config["num_hidden_layers"] = 1;
  checkpoint->set_config(config);
  EXPECT_THAT(describe(checkpoint).parameters.unused(), ::testing::Contains("model.layers.1.self_attn.q_proj.weight"));
}

TEST(Config, both_spellings_of_rope_scaling_mean_the_same) {
  auto old = edited("llama3/model"), now = edited("llama3/model");
  Json config = old->config();
  Json rope = config["rope_scaling"];
  rope["rope_theta"] = config["rope_theta"];
  config.erase("rope_scaling");
  config.erase("rope_theta");
  config["rope_parameters"] = rope;
  now->set_config(config);
  const auto a = read("llama", *old).layers[0].attention.rope, b = read("llama", *now).layers[0].attention.rope;
  EXPECT_EQ(a->inverse_frequencies, b->inverse_frequencies);
}

TEST(Config, llama_rows_are_reordered_in_gguf_files_alone) {
  EXPECT_EQ(read("llama", *edited("llama/model")).layers[0].attention.rope->order, nn::RopeOrder::kHalf);
  EXPECT_EQ(read("llama", *edited("llama/model.gguf")).layers[0].attention.rope->order, nn::RopeOrder::kAdjacent);
}

TEST(Config, gguf_of_the_largest_gemmas_scales_scores_by_width_per_head) {
  auto checkpoint = edited("gemma2/model.gguf");
  EXPECT_FLOAT_EQ(read("gemma2", *checkpoint).layers[0].attention.scale, 1 / std::sqrt(16.0f));  // head_dim
  checkpoint->set_metadata("gemma2.block_count", uint64_t{46});
  checkpoint->set_metadata("gemma2.embedding_length", uint64_t{4608});
  checkpoint->set_metadata("gemma2.attention.head_count", uint64_t{32});
  EXPECT_FLOAT_EQ(read("gemma2", *checkpoint).layers[0].attention.scale, 1 / std::sqrt(144.0f));
}

TEST(Config, gemma3_with_images_may_leave_out_what_equals_the_defaults) {
  auto checkpoint = edited("gemma3/model");
  checkpoint->set_config({{"model_type", "gemma3"},
                          {"text_config",
                           {{"model_type", "gemma3_text"},
                            {"hidden_size", 2560},
                            {"intermediate_size", 10240},
                            {"num_hidden_layers", 34},
                            {"rope_scaling", {{"factor", 8.0}, {"rope_type", "linear"}}},
                            {"sliding_window", 1024}}}});
  const DecoderSpec spec = read("gemma3", *checkpoint);
  EXPECT_EQ(spec.vocab_size, 262208u);
  EXPECT_EQ(spec.context_length, 131072u);
  const nn::AttentionSpec &local = spec.layers[0].attention, &global = spec.layers[5].attention;
  EXPECT_EQ(local.num_heads, 8u);
  EXPECT_EQ(local.num_kv_heads, 4u);
  EXPECT_EQ(local.head_dim, 256u);
  EXPECT_EQ(local.window, 1024u);
  EXPECT_EQ(global.window, 0u);
  EXPECT_FLOAT_EQ(local.rope->inverse_frequencies[1], std::pow(10000.0f, -2.0f / 256));
  EXPECT_FLOAT_EQ(global.rope->inverse_frequencies[1], std::pow(1000000.0f, -2.0f / 256) / 8);
}

TEST(Config, baichuan_13b_has_alibi_and_7b_turns) {
  const DecoderSpec small = read("baichuan", *edited("baichuan_7b/model"));
  const DecoderSpec large = read("baichuan", *edited("baichuan_13b/model"));
  EXPECT_TRUE(small.layers[0].attention.rope && !small.layers[0].attention.alibi);
  EXPECT_TRUE(!large.layers[0].attention.rope && large.layers[0].attention.alibi);
}

TEST(Config, first_generation_chatglm_is_refused_by_name) {
  auto checkpoint = edited("chatglm2/model");
  Json config = checkpoint->config();
  config["position_encoding_2d"] = true;
  checkpoint->set_config(config);
  EXPECT_THAT(refusal(checkpoint), ::testing::HasSubstr("first generation"));
}

}  // namespace
}  // namespace shenbi::models
