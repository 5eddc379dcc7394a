// tests/golden/quant/mixes.txt holds llama.cpp's answers for models of eight shapes (tools/make_quant_mix_fixtures.py).
#include "kernels/quant_mix.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/quant_type.h"

namespace shenbi::kernels {
namespace {

struct Model {
  std::string name, architecture;
  MixModel facts;
  std::map<std::string, std::vector<uint64_t>> tensors;                          // pattern -> shape
  std::map<std::string, std::map<std::string, std::vector<std::string>>> mixes;  // mix -> pattern -> type of each layer
};

std::vector<std::string> expand_runs(std::istringstream& line) {
  std::vector<std::string> types;
  for (std::string run; line >> run;) {
    const size_t star = run.find('*');
    types.insert(types.end(), std::stoul(run.substr(star + 1)), run.substr(0, star));
  }
  return types;
}

std::vector<Model> read_models() {
  std::ifstream file(SHENBI_SOURCE_DIR "/tests/golden/quant/mixes.txt");
  std::vector<Model> models;
  std::string mix;
  for (std::string text; std::getline(file, text);) {
    std::istringstream line(text);
    std::string word;
    line >> word;
    if (word == "model") {
      Model& model = models.emplace_back();
      MixModel& facts = model.facts;
      line >> model.name >> model.architecture >> facts.num_layers >> facts.num_heads >> facts.num_kv_heads >>
          facts.num_experts >> facts.tied_output;
    } else if (word == "tensor") {
      line >> word;
      for (uint64_t size; line >> size;) models.back().tensors[word].push_back(size);
    } else if (word == "mix") {
      line >> mix;
      models.back().mixes[mix];
    } else {
      models.back().mixes[mix][word] = expand_runs(line);
    }
  }
  return models;
}

std::string name_of(std::string pattern, uint32_t layer) {
  const size_t place = pattern.find("{}");
  return place == std::string::npos ? pattern : pattern.replace(place, 2, std::to_string(layer));
}

}  // namespace

TEST(QuantMix, gives_every_tensor_the_type_that_llama_cpp_gives_it) {
  const std::vector<Model> models = read_models();
  ASSERT_EQ(models.size(), 8u);
  for (const Model& model : models) {
    MixModel facts = model.facts;
    facts.architecture = model.architecture;
    ASSERT_EQ(model.mixes.size(), quant_mixes().size());
    for (const QuantMix& mix : quant_mixes()) {
      const auto& expected = model.mixes.at(std::string(mix.name));
      for (const auto& [pattern, shape] : model.tensors) {
        const uint32_t layers = pattern.find("{}") == std::string::npos ? 1 : facts.num_layers;
        for (uint32_t layer = 0; layer < layers; ++layer) {
          const auto row = expected.find(pattern);
          const std::string type = row == expected.end() ? "F32" : row->second.at(layer);
          const std::string name = name_of(pattern, layer);
          EXPECT_EQ(choose_type(mix, {name, shape}, facts), type) << model.name << ' ' << mix.name << ' ' << name;
        }
      }
    }
  }
}

TEST(QuantMix, treats_canonical_names_as_their_gguf_names) {
  const std::pair<const char*, const char*> names[] = {
      {"token_embd.weight", "embedding.weight"},
      {"output.weight", "output.weight"},
      {"blk.5.attn_q.weight", "layers.5.query.weight"},
      {"blk.5.attn_k.weight", "layers.5.key.weight"},
      {"blk.5.attn_v.weight", "layers.5.value.weight"},
      {"blk.0.attn_output.weight", "layers.0.attention_output.weight"},
      {"blk.5.ffn_down.weight", "layers.5.down.weight"},
      {"blk.5.ffn_up.weight", "layers.5.up.weight"},
      {"blk.5.ffn_gate.weight", "layers.5.gate.weight"},
      {"blk.5.ffn_gate_inp.weight", "layers.5.router.weight"},
      {"blk.9.ffn_down_exps.weight", "layers.9.experts.down"},
      {"blk.9.ffn_norm.weight", "layers.9.mlp_norm.weight"},
  };
  const MixModel model{.architecture = "llama", .num_layers = 32, .num_heads = 32, .num_kv_heads = 8};
  const uint64_t shape[] = {4096, 4096};
  for (const QuantMix& mix : quant_mixes()) {
    for (const auto& [gguf, canonical] : names) {
      EXPECT_EQ(choose_type(mix, {gguf, shape}, model), choose_type(mix, {canonical, shape}, model))
          << mix.name << ' ' << canonical;
    }
  }
}

TEST(QuantMix, guards_the_first_down_projections_when_importance_is_given) {
  MixModel model{.architecture = "llama", .num_layers = 32, .num_heads = 32, .num_kv_heads = 8};
  const uint64_t shape[] = {4096, 14336};
  const MixTensor down{"blk.3.ffn_down.weight", shape};
  EXPECT_EQ(choose_type(*find_quant_mix("Q4_0"), down, model), "Q4_0");
  EXPECT_EQ(choose_type(*find_quant_mix("IQ4_XS"), down, model), "Q5_K");
  model.has_importance = true;
  EXPECT_EQ(choose_type(*find_quant_mix("Q4_0"), down, model), "Q4_1");
  EXPECT_EQ(choose_type(*find_quant_mix("IQ4_XS"), down, model), "IQ4_XS");
}

TEST(QuantMix, answers_for_empty_shapes_huge_layer_numbers_and_models_without_layers) {
  const MixModel nothing;
  const uint64_t shape[] = {256, 256};
  for (const QuantMix& mix : quant_mixes()) {
    EXPECT_EQ(choose_type(mix, {"blk.0.attn_v.weight", {}}, nothing), "F32");
    EXPECT_NE(find_quant_type(choose_type(mix, {"blk.99999999999999.attn_v.weight", shape}, nothing)), nullptr);
    EXPECT_NE(find_quant_type(choose_type(mix, {"", shape}, nothing)), nullptr);
  }
}

TEST(QuantMix, has_a_base_type_that_can_be_written_and_is_found_in_any_case) {
  for (const QuantMix& mix : quant_mixes()) {
    ASSERT_NE(find_quant_type(mix.base), nullptr) << mix.name;
    EXPECT_NE(find_quant_type(mix.base)->encode, nullptr) << mix.name;
  }
  ASSERT_NE(find_quant_mix("q4_k_m"), nullptr);
  EXPECT_EQ(find_quant_mix("q4_k_m")->file_type, 15u);
  EXPECT_EQ(find_quant_mix("Q4_K_XXL"), nullptr);
}

}  // namespace shenbi::kernels
