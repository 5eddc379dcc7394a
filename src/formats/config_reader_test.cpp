#include "formats/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/folders.h"
#include "base/limits.h"
#include "formats/test_bytes.h"

namespace shenbi::formats {

using ::testing::ElementsAre;
using testing::GgufBytes;
using ::testing::HasSubstr;
using testing::raw;

namespace {

constexpr ConfigKey kLayers = {.gguf = "{arch}.block_count", .hf = "num_hidden_layers|n_layer"};
constexpr ConfigKey kKvHeads = {.gguf = "{arch}.attention.head_count_kv", .hf = "num_key_value_heads"};
constexpr ConfigKey kTheta = {.gguf = "{arch}.rope.freq_base", .hf = "rope_theta|rope_parameters.rope_theta"};
constexpr ConfigKey kEpsilon = {.gguf = "{arch}.attention.layer_norm_rms_epsilon", .hf = "rms_norm_eps"};

class Config : public ::testing::Test {
 protected:
  ConfigReader json(std::string_view text) {
    testing::write_file(folder_.path() / "config.json", text);
    testing::write_file(folder_.path() / "model.safetensors", raw<uint64_t>(2) + "{}");
    checkpoint_ = Checkpoint::open(folder_.path());
    return ConfigReader(*checkpoint_);
  }
  ConfigReader gguf(GgufBytes& file) {
    testing::write_file(folder_.path() / "model.gguf", file.bytes());
    checkpoint_ = Checkpoint::open(folder_.path() / "model.gguf");
    return ConfigReader(*checkpoint_);
  }
  template <class Call>
  static std::string error_of(const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  TemporaryFolder folder_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};

}  // namespace

TEST_F(Config, reads_the_same_parameter_from_both_formats) {
  EXPECT_EQ(json(R"({"model_type":"llama","n_layer":3})").uint(kLayers, {1, limits::kMaxLayers}), 3u);
  GgufBytes file;
  file.text("general.architecture", "llama").u32("llama.block_count", 3);
  const ConfigReader config = gguf(file);
  EXPECT_EQ(config.uint(kLayers, {1, limits::kMaxLayers}), 3u);
  EXPECT_EQ(config.architecture(), "llama");
}

TEST_F(Config, prefers_the_first_alternative_and_follows_dots) {
  EXPECT_EQ(json(R"({"rope_theta":5,"rope_parameters":{"rope_theta":6}})").real(kTheta), 5.0);
  EXPECT_EQ(json(R"({"rope_parameters":{"rope_theta":6}})").real(kTheta), 6.0);
  EXPECT_EQ(json(R"({"rope_theta":null,"rope_parameters":{"rope_theta":6}})").real(kTheta), 6.0);
  EXPECT_EQ(json(R"({"rope_parameters":7})").real_or(kTheta, 1e4), 1e4);
}

TEST_F(Config, looks_into_text_config_first_and_at_the_top_second) {
  const ConfigReader config = json(
      R"({"model_type":"gemma3","rms_norm_eps":0.5,"text_config":{"model_type":"gemma3_text","num_hidden_layers":18}})");
  EXPECT_EQ(config.architecture(), "gemma3_text");
  EXPECT_EQ(config.uint(kLayers), 18u);
  EXPECT_EQ(config.real(kEpsilon), 0.5);
}

TEST_F(Config, spreads_one_value_over_the_layers_and_checks_the_length_of_a_list) {
  EXPECT_THAT(json(R"({"num_key_value_heads":4})").uint_per_layer(kKvHeads, 3), ElementsAre(4, 4, 4));
  EXPECT_THAT(json(R"({"num_key_value_heads":[1,0,2]})").uint_per_layer(kKvHeads, 3), ElementsAre(1, 0, 2));
  EXPECT_THAT(json("{}").uint_per_layer(kKvHeads, 3), ElementsAre());
  GgufBytes file;
  file.text("general.architecture", "deci");
  file.array("deci.attention.head_count_kv", GgufValueType::kI32, 2, raw<int32_t>(8) + raw<int32_t>(0));
  const ConfigReader config = gguf(file);
  EXPECT_THAT(config.uint_per_layer(kKvHeads, 2), ElementsAre(8, 0));
  EXPECT_THAT(
      error_of([&] { config.uint_per_layer(kKvHeads, 3); }),
      HasSubstr("model.gguf: metadata 'deci.attention.head_count_kv' has 2 values, expected one for each of 3 layers"));
}

TEST_F(Config, reads_flags_texts_and_lists) {
  const ConfigReader config = json(
      R"({"tie_word_embeddings":true,"hidden_act":"silu","layer_types":["full","sliding"],"eos_token_id":[1,106],"f":[1,2.5]})");
  EXPECT_TRUE(config.flag({.hf = "tie_word_embeddings"}));
  EXPECT_FALSE(config.flag_or({.hf = "attention_bias"}, false));
  EXPECT_EQ(config.text({.hf = "hidden_act"}), "silu");
  EXPECT_THAT(config.texts({.hf = "layer_types"}, 2), ElementsAre("full", "sliding"));
  EXPECT_THAT(config.uints({.hf = "eos_token_id"}, 8), ElementsAre(1, 106));
  EXPECT_THAT(config.reals({.hf = "f"}, 8), ElementsAre(1.0, 2.5));
  GgufBytes file;
  file.array("pattern", GgufValueType::kBool, 2, std::string("\1\0", 2));
  EXPECT_THAT(gguf(file).flag_per_layer({.gguf = "pattern"}, 2), ElementsAre(true, false));
}

TEST_F(Config, names_file_key_value_and_bound_of_every_wrong_json_value) {
  struct Case {
    std::string_view value, expected;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"0", "config.json: 'num_hidden_layers' is 0, expected 1 to 1024"},
           {"-1", "'num_hidden_layers' is -1, expected 1 to 1024"},
           {"1025", "'num_hidden_layers' is 1025, expected 1 to 1024"},
           {"2147483648", "'num_hidden_layers' is 2147483648, expected 1 to 1024"},
           {"9223372036854775808", "'num_hidden_layers' is 9223372036854775808, expected 1 to 1024"},
           {"18446744073709551616", "'num_hidden_layers' is the float 1.8446744073709552e+19, expected an integer"},
           {"1.5", "'num_hidden_layers' is the float 1.5, expected an integer"},
           {"true", "'num_hidden_layers' is the bool true, expected an integer"},
           {"\"12\"", "'num_hidden_layers' is the string '12', expected an integer"},
           {"[12]", "'num_hidden_layers' is a list or an object, expected an integer"},
           {"{}", "'num_hidden_layers' is a list or an object, expected an integer"},
           {"null", "config.json: 'num_hidden_layers' is missing"},
       }) {
    const auto text = "{\"num_hidden_layers\":" + std::string(c.value) + "}";
    EXPECT_THAT(error_of([&] { json(text).uint(kLayers, {1, limits::kMaxLayers}); }), HasSubstr(c.expected));
  }
  EXPECT_THAT(error_of([&] { json(R"({"rms_norm_eps":"1e-6"})").real(kEpsilon); }),
              HasSubstr("is the string '1e-6', expected a float"));
  EXPECT_THAT(error_of([&] { json(R"({"rms_norm_eps":2})").real(kEpsilon, {0, 1}); }),
              HasSubstr("is 2, expected 0 to 1"));
  EXPECT_THAT(error_of([&] { json(R"({"rms_norm_eps":NaN})"); }), HasSubstr("config.json: not valid JSON at byte 17"));
  EXPECT_THAT(error_of([&] { json(R"({"rms_norm_eps":1e999})"); }), HasSubstr("config.json: not valid JSON"));
  EXPECT_THAT(error_of([&] { json(R"({"x":[1,2,3]})").uints({.hf = "x"}, 2); }),
              HasSubstr("'x' has 3 values, at most 2"));
  EXPECT_THAT(error_of([&] { json(R"({"x":[1,"a"]})").uints({.hf = "x"}, 2); }),
              HasSubstr("'x' is the string 'a', expected an integer"));
  EXPECT_THAT(error_of([&] { json(R"({"model_type":"a\nb"})"); }), HasSubstr("'model_type' is 'a\\x0Ab', not a name"));
}

// Type confusion has been an exploitable hole in other readers: a key of one type read as another.
TEST_F(Config, refuses_each_gguf_type_where_another_is_expected) {
  using T = GgufValueType;
  const std::vector<std::pair<T, std::string>> values = {
      {T::kU8, raw<uint8_t>(1)},
      {T::kI8, raw<int8_t>(1)},
      {T::kU16, raw<uint16_t>(1)},
      {T::kI16, raw<int16_t>(1)},
      {T::kU32, raw<uint32_t>(1)},
      {T::kI32, raw<int32_t>(1)},
      {T::kF32, raw<float>(1)},
      {T::kBool, raw<uint8_t>(1)},
      {T::kString, testing::gguf_string("1")},
      {T::kU64, raw<uint64_t>(1)},
      {T::kI64, raw<int64_t>(1)},
      {T::kF64, raw<double>(1)},
      {T::kArray, raw<uint32_t>(4) + raw<uint64_t>(1) + raw<uint32_t>(1)}};
  for (const auto& [type, bytes] : values) {
    GgufBytes file;
    file.metadata("k", type, bytes);
    const ConfigReader config = gguf(file);
    const bool is_integer = type <= T::kI32 || type == T::kU64 || type == T::kI64;
    const bool is_real = type == T::kF32 || type == T::kF64;
    EXPECT_EQ(error_of([&] { config.uint({.gguf = "k"}); }) == "no error", is_integer) << static_cast<int>(type);
    EXPECT_EQ(error_of([&] { config.real({.gguf = "k"}); }) == "no error", is_real) << static_cast<int>(type);
    EXPECT_EQ(error_of([&] { config.flag({.gguf = "k"}); }) == "no error", type == T::kBool) << static_cast<int>(type);
    EXPECT_EQ(error_of([&] { config.text({.gguf = "k"}); }) == "no error", type == T::kString)
        << static_cast<int>(type);
    EXPECT_EQ(error_of([&] { checkpoint_->get_uint("k"); }) == "no error", is_integer) << static_cast<int>(type);
    EXPECT_EQ(error_of([&] { checkpoint_->get_float("k"); }) == "no error", is_real) << static_cast<int>(type);
    EXPECT_EQ(error_of([&] { checkpoint_->get_bool("k"); }) == "no error", type == T::kBool) << static_cast<int>(type);
    EXPECT_EQ(error_of([&] { checkpoint_->get_string("k"); }) == "no error", type == T::kString)
        << static_cast<int>(type);
    EXPECT_THAT(error_of([&] { checkpoint_->get_strings("k"); }),
                HasSubstr("metadata 'k': expected an array of strings, found a"));
  }
}

TEST_F(Config, refuses_gguf_numbers_that_are_not_finite_or_negative) {
  GgufBytes file;
  file.metadata("nan", GgufValueType::kF32, raw(std::numeric_limits<float>::quiet_NaN()));
  file.metadata("inf", GgufValueType::kF64, raw(std::numeric_limits<double>::infinity()));
  file.metadata("minus", GgufValueType::kI32, raw<int32_t>(-1));
  const ConfigReader config = gguf(file);
  EXPECT_THAT(error_of([&] { config.real({.gguf = "nan"}); }), HasSubstr("metadata 'nan' is nan, not a finite number"));
  EXPECT_THAT(error_of([&] { config.real({.gguf = "inf"}); }), HasSubstr("metadata 'inf' is inf, not a finite number"));
  EXPECT_THAT(error_of([&] { checkpoint_->get_float("inf"); }),
              HasSubstr("metadata 'inf' is inf, not a finite number"));
  EXPECT_THAT(error_of([&] { config.uint({.gguf = "minus"}); }),
              HasSubstr("metadata 'minus' is -1, expected 0 to 4294967295"));
  EXPECT_THAT(error_of([&] { checkpoint_->get_uint("minus"); }),
              HasSubstr("metadata 'minus' is -1, it cannot be negative"));
}

TEST_F(Config, says_that_a_lone_safetensors_file_has_no_configuration) {
  testing::write_file(folder_.path() / "x.safetensors", raw<uint64_t>(2) + "{}");
  const auto checkpoint = Checkpoint::open(folder_.path() / "x.safetensors");
  EXPECT_THAT(error_of([&] { ConfigReader(*checkpoint).uint(kLayers); }), HasSubstr("open its folder"));
}

}  // namespace shenbi::formats
