#include "catalog/update.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "catalog/cost.h"

namespace shenbi::catalog {
namespace {

Update update(const std::string& text) { return read_update(text, Catalog::built_in(), "table 2", "2027-01-01"); }

TEST(Update, litellms_table_changes_the_price_of_one_name_and_leaves_the_others_of_its_row) {
  const Update found = update(R"({"sample_spec": {"litellm_provider": "one of"},
    "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06},
    "gpt-4o-2024-08-06": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
       "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06, "input_cost_per_token_batches": 1.25e-06,
       "output_cost_per_token_batches": 5e-06},
    "somewhere/model": {"litellm_provider": "somewhere", "input_cost_per_token": 1}})");
  EXPECT_EQ(found.form, "litellm");
  EXPECT_EQ(found.changed, 1u);
  EXPECT_EQ(found.added, 0u);
  EXPECT_EQ(found.skipped, 1u);
  Catalog catalog = Catalog::built_in();
  catalog.merge(found.changes);
  EXPECT_EQ(catalog.price("openai", "gpt-4o")->tokens.input, 1'000'000);
  EXPECT_EQ(catalog.price("openai", "gpt-4o")->source, "table 2");
  EXPECT_EQ(catalog.price("openai", "gpt-4o")->date, "2027-01-01");
  EXPECT_EQ(catalog.price("openai", "gpt-4o-2024-08-06")->tokens.input, 2'500'000);
  EXPECT_EQ(catalog.price("openai", "gpt-4o-2024-08-06")->source, "litellm 1.109.1");
}

TEST(Update, litellms_new_models_join_with_their_steps) {
  const Update found =
      update(R"({"gemini/gemini-9": {"litellm_provider": "gemini", "mode": "chat", "max_input_tokens": 1000000,
    "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06, "input_cost_per_token_above_200k_tokens": 2e-06,
    "supported_modalities": ["text", "image"], "supports_function_calling": true}})");
  ASSERT_EQ(found.added, 1u);
  const Model* model = found.changes.find("gemini/gemini-9");
  ASSERT_TRUE(model);
  EXPECT_EQ(model->context, 1'000'000u);
  EXPECT_EQ(model->input, (std::vector<std::string>{"text", "image"}));
  EXPECT_TRUE(model->tools);
  // 300,000 tokens at 2 $/M (the step), 1 token of answer at 2 $/M
  EXPECT_EQ(cost_nano_usd(model->prices.at(0), {.prompt = 300'000, .completion = 1}), 300'001 * 2'000);
}

TEST(Update, openrouters_list_is_read_and_a_price_that_it_does_not_tell_stays_unknown) {
  const Update found = update(R"({"data": [
    {"id": "acme/one", "name": "One", "context_length": 4096, "pricing": {"prompt": "0.0000005", "completion": "0.0000015"},
     "architecture": {"input_modalities": ["image", "text", "file"], "output_modalities": ["text"]},
     "supported_parameters": ["tools", "seed"]},
    {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}}, 7]})");
  EXPECT_EQ(found.form, "openrouter");
  EXPECT_EQ(found.added, 1u);
  EXPECT_EQ(found.skipped, 2u);
  const Model* model = found.changes.find("openrouter/acme/one");
  ASSERT_TRUE(model);
  EXPECT_EQ(model->prices.at(0).tokens.output, 1'500'000);
  EXPECT_EQ(model->input, (std::vector<std::string>{"text", "image"}));
  EXPECT_TRUE(model->tools);
}

TEST(Update,
     a_price_beyond_what_our_form_can_say_is_unknown) {  // found by the fuzzer: it was written and could not be read
  const Update found = update(R"({"data": [{"id": "a/b", "pricing": {"prompt": "1.0000005", "completion": "1"}}]})");
  EXPECT_EQ(found.changes.find("openrouter/a/b")->prices.at(0).tokens.input, std::nullopt);
  EXPECT_NO_THROW(Catalog::parse(found.changes.to_json(), "again"));
}

TEST(Update, what_has_not_changed_is_not_written_down_again) {
  const Catalog now = Catalog::built_in();
  const Update found = read_update(now.to_json(), now, "file", "2027-01-01");
  EXPECT_EQ(found.form, "shenbi");
  EXPECT_TRUE(found.changes.models().empty());
}

TEST(Update, anything_else_is_refused) {
  for (const char* text : {"", "[]", "{}", R"({"a": 1})", R"({"data": 1})", R"({"version": 1, "models": [{}]})"})
    EXPECT_THROW(update(text), Error) << text;
}

}  // namespace
}  // namespace shenbi::catalog
