#include "catalog/catalog.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "base/folders.h"
#include "catalog/filter.h"
#include "catalog/library.h"

namespace shenbi::catalog {
namespace {

std::string with(const std::string& fields) {
  return R"({"version": 1, "models": [{"id": "a/b", "name": "B", )" + fields + "}]}";
}

std::string refusal(const std::string& text) {
  try {
    Catalog::parse(text, "file");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kCorruptFile);
    return error.what();
  }
  return "";
}

TEST(Catalog, the_one_in_the_program_is_read_and_written_back_the_same) {
  const Catalog catalog = Catalog::built_in();
  EXPECT_GT(catalog.models().size(), 200u);
  EXPECT_EQ(Catalog::parse(catalog.to_json(), "again").models(), catalog.models());
}

// The models that the field's overviews name, a row each; what has no official API says so in its row.
TEST(Catalog, has_a_row_for_every_model_that_people_ask_for_by_name) {
  const Catalog catalog = Catalog::built_in();
  for (const char* id : {"openai/gpt-3.5-turbo",
                         "openai/gpt-4",
                         "openai/gpt-4o",
                         "openai/gpt-4.1",
                         "openai/gpt-4.5-preview",
                         "openai/o1",
                         "openai/o3",
                         "openai/o4-mini",
                         "openai/dall-e-3",
                         "openai/tts-1",
                         "openai/whisper-1",
                         "openai/sora",
                         "deepseek/deepseek-v3",
                         "deepseek/deepseek-r1",
                         "google/gemma-3-270m",
                         "google/gemini-2.0-flash",
                         "google/gemini-2.5-pro",
                         "anthropic/claude-3-5-sonnet",
                         "anthropic/claude-3-7-sonnet",
                         "qwen/qwen2.5-72b",
                         "qwen/qwen2.5-vl-72b",
                         "qwen/qwq-32b",
                         "qwen/qwen3-8b",
                         "baidu/ernie-4.0",
                         "iflytek/spark-4.0-ultra",
                         "tencent/hunyuan-t1",
                         "bytedance/doubao-1.5-pro",
                         "moonshot/kimi-k2",
                         "zhipu/glm-4-plus",
                         "zhipu/chatglm-6b",
                         "baichuan/baichuan4",
                         "sensetime/sensenova-v6",
                         "360/360gpt-pro",
                         "huawei/pangu-nlp",
                         "meta/llama-3.1-8b",
                         "stability/sd3.5-large",
                         "stability/stable-video-diffusion",
                         "stability/stable-audio",
                         "bfl/flux-1-dev",
                         "midjourney/midjourney",
                         "runway/gen-4",
                         "pika/pika",
                         "haiper/haiper",
                         "suno/suno",
                         "alibaba/emo",
                         "heygen/heygen",
                         "d-id/talks",
                         "opentalker/sadtalker",
                         "baidu/wenxin-yige",
                         "jd/chatjd",
                         "canva/magic-studio",
                         "github/copilot-chat",
                         "haomo/drivegpt",
                         "vega/vega-ai"}) {
    EXPECT_TRUE(catalog.find(id)) << id;
  }
}

TEST(Catalog, whatever_has_no_api_says_so_in_both_languages_and_names_a_model_that_has) {
  const Catalog catalog = Catalog::built_in();
  size_t without = 0;
  for (const Model& model : catalog.models()) {
    EXPECT_FALSE(model.input.empty() || model.output.empty() || model.kind.empty() || model.level.empty()) << model.id;
    if (model.no_api.empty()) continue;
    ++without;
    EXPECT_FALSE(model.no_api_zh.empty()) << model.id;
    const Model* nearest = catalog.find(model.nearest);
    ASSERT_TRUE(nearest) << model.id;
    EXPECT_TRUE(nearest->no_api.empty()) << model.id << ": " << model.nearest;
  }
  EXPECT_GE(without, 12u);
}

TEST(Catalog, no_figure_is_zero_and_each_says_where_it_is_from) {
  const Catalog catalog = Catalog::built_in();
  for (const Model& model : catalog.models()) {
    EXPECT_TRUE(!model.context || !model.source.empty()) << model.id;
    for (const Price& price : model.prices) {
      EXPECT_FALSE(price.source.empty() || price.date.empty()) << model.id;
      for (const auto& figure :
           {price.tokens.input, price.tokens.output, price.tokens.cache_read, price.image, price.second})
        EXPECT_NE(figure, std::optional<PicoUsd>(0)) << model.id;
    }
  }
}

TEST(Catalog, a_price_is_that_of_the_exact_name_at_that_house) {
  const Catalog catalog = Catalog::built_in();
  const Price* now = catalog.price("openai", "gpt-4o");
  const Price* first = catalog.price("openai", "gpt-4o-2024-05-13");
  ASSERT_TRUE(now && first);
  EXPECT_EQ(now->tokens.input, 2'500'000);    // 2.5 $/M
  EXPECT_EQ(first->tokens.input, 5'000'000);  // the first version cost twice as much
  EXPECT_EQ(catalog.price("openai", "gpt-4o-2024-05-14"), nullptr);
  EXPECT_EQ(catalog.price("openrouter", "gpt-4o"), nullptr);
}

TEST(Catalog, what_is_wrong_in_a_file_is_named) {
  EXPECT_NE(refusal("[]").find("models: expected a list"), std::string::npos);
  EXPECT_NE(refusal(R"({"version": 2, "models": []})").find("version"), std::string::npos);
  EXPECT_NE(refusal(with(R"("colour": "red")")).find("file: a/b.colour: no such field"), std::string::npos);
  EXPECT_NE(refusal(with(R"("context": -1)")).find("a/b.context"), std::string::npos);
  EXPECT_NE(refusal(with(R"("context": 5)")).find("a/b.source"), std::string::npos);
  EXPECT_NE(refusal(with(R"("input": ["smell"])")).find("'smell' is not one of"), std::string::npos);
  EXPECT_NE(refusal(with(R"("licence": "\u001b[2J")")).find("control character"), std::string::npos);
  const auto price = [](const std::string& fields) {
    return refusal(with(R"("prices": [{"house": "h", "models": ["m"], "source": "s", "date": "d", )" + fields + "}]"));
  };
  EXPECT_NE(price(R"("tokens": {"input": -1})").find("a/b.prices[0].tokens.input: expected dollars"),
            std::string::npos);
  EXPECT_NE(price(R"("tokens": {"input": 1e300})").find("expected dollars"), std::string::npos);
  EXPECT_NE(price(R"("over": [{"above": 2, "input": 1}, {"above": 2, "input": 1}])").find("must ascend"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"version": 1, "models": [{"id": "a", "name": "A"}, {"id": "a", "name": "A"}]})").find("twice"),
            std::string::npos);
}

TEST(Catalog, the_users_file_lies_over_the_programs_and_a_broken_one_is_passed_over) {
  TemporaryFolder folder;
  const auto file = user_file(folder.path());
  std::ofstream(file)
      << R"({"version": 1, "models": [{"id": "openai/gpt-4o", "name": "mine"}, {"id": "x/y", "name": "Y"}]})";
  const auto both = Library(file).current();
  EXPECT_EQ(both->find("openai/gpt-4o")->name, "mine");
  EXPECT_TRUE(both->find("x/y") && both->find("openai/gpt-4.1"));
  std::ofstream(file) << "{";
  EXPECT_EQ(Library(file).current()->find("openai/gpt-4o")->name, "GPT-4o");
}

std::string ids(std::string_view words) {
  static const Catalog catalog = [] {
    Catalog all = Catalog::parse(
        R"({"version": 1, "models": [
          {"id": "a/eye", "name": "Eye", "maker": "Aa", "class": "multimodal", "open": "closed", "input": ["text", "image"],
           "output": ["text"], "context": 200000, "source": "s",
           "prices": [{"house": "h", "models": ["eye"], "tokens": {"input": 1, "output": 4}, "source": "s", "date": "d"},
                      {"house": "cheap", "models": ["eye"], "tokens": {"input": 0.5, "output": 0.9}, "source": "s", "date": "d"}]},
          {"id": "a/old", "name": "Old", "retired": true, "open": "weights", "input": ["text"], "output": ["text"], "tools": true},
          {"id": "b/paint", "name": "Paint", "input": ["text"], "output": ["image"], "level": "L2"}]})",
        "test");
    all.merge(Catalog({local_model({.name = "gemma3:270m", .context = 32768})}));
    return all;
  }();
  std::string out;
  for (const Model* model : filtered(catalog, words)) out += (out.empty() ? "" : " ") + model->id;
  return out;
}

TEST(Filter, every_condition_must_hold_and_what_is_not_known_does_not) {
  EXPECT_EQ(ids(""), "a/eye a/old b/paint local/gemma3:270m");
  EXPECT_EQ(ids("vision,ctx>=100k,out<=1$/M"), "a/eye");
  EXPECT_EQ(ids("vision, ctx>=201k"), "");
  EXPECT_EQ(ids("ctx>=32k"), "a/eye local/gemma3:270m");
  EXPECT_EQ(ids("out<=$0.8"), "local/gemma3:270m");
  EXPECT_EQ(ids("in<=0.5"), "a/eye local/gemma3:270m");
  EXPECT_EQ(ids("text>image"), "b/paint");
  EXPECT_EQ(ids("tools"), "a/old");
  EXPECT_EQ(ids("tools,current"), "");
  EXPECT_EQ(ids("api"), "a/eye");
  EXPECT_EQ(ids("local"), "local/gemma3:270m");
  EXPECT_EQ(ids("house=cheap,class=multimodal,maker=aa"), "a/eye");
  EXPECT_EQ(ids("L2"), "b/paint");
  EXPECT_EQ(ids("GEMMA"), "local/gemma3:270m");
}

TEST(Filter, what_cannot_be_read_is_named) {
  for (const std::string words : {"ctx>=many", "size<=3", "out<=1$/K", "colour=red", "in<=-1", "ctx>=1e999"}) {
    try {
      read_filter("vision," + words);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("'" + words + "'"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace shenbi::catalog
