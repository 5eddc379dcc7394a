// Files whose hyper-parameters lie: every number of every family's configuration, in both formats, at 0, -1, 1, 2^31,
// 2^63 and beyond what numbers are. Each is refused with the name of its key, or means a model that computes.

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "models/edited_checkpoint.h"
#include "models/fixture.h"
#include "models/parameters.h"

namespace shenbi::models {
namespace {

using testing::EditedCheckpoint;
using testing::Fixture;
using testing::Runner;

constexpr uint64_t kHuge = uint64_t{1} << 63;

class HostileParameters : public ::testing::TestWithParam<Fixture> {
 protected:
  /// Nothing if it computes; else what the Error says.
  std::string verdict(const std::shared_ptr<EditedCheckpoint>& checkpoint) {
    try {
      const auto decoder = Decoder::load(checkpoint, {.context_length_cap = 64}, team_);
      const std::vector<int32_t> tokens = {1, 2, 3};
      Runner(*decoder, team_).run({Runner(*decoder, team_).slice(0, tokens, 0)});
      return {};
    } catch (const Error& error) {
      EXPECT_NE(error.code(), Code::kInternal) << error.what();
      return error.what();
    }
  }

  std::shared_ptr<EditedCheckpoint> edited() const {
    return std::make_shared<EditedCheckpoint>(formats::Checkpoint::open(GetParam().model));
  }

  ThreadTeam team_{1};
};

// The counts that shape a model cannot be nonsense in any family.
bool shapes_the_model(std::string_view key) {
  for (const char* name : {"embedding_length", "block_count", "attention.head_count", "hidden_size", "n_embd",
                           "num_hidden_layers", "n_layer", "num_attention_heads", "n_head"}) {
    if (key == name || key.ends_with("." + std::string(name))) return true;
  }
  return false;
}

void expect_named(const std::string& verdict, std::string_view key, const std::string& value) {
  EXPECT_NE(verdict.find(key.substr(key.rfind('.') + 1)), std::string::npos)
      << key << " = " << value << ": " << verdict;
}

TEST_P(HostileParameters, every_number_is_refused_or_computes) {
  const auto original = formats::Checkpoint::open(GetParam().model);
  size_t tried = 0;
  if (original->kind() == formats::CheckpointKind::kGguf) {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<formats::MetadataValue> values = {uint64_t{0}, int64_t{-1},
                                                        uint64_t{1}, uint64_t{1} << 31,
                                                        kHuge,       std::numeric_limits<int64_t>::min(),
                                                        0.0,         -1.0,
                                                        1e308,       nan,
                                                        inf,         std::numeric_limits<double>::denorm_min()};
    for (const auto& [key, before] : original->metadata()) {
      const bool number = std::holds_alternative<uint64_t>(before) || std::holds_alternative<int64_t>(before) ||
                          std::holds_alternative<double>(before);
      if (!number || key.starts_with("tokenizer.")) continue;
      for (size_t i = 0; i < values.size(); ++i) {
        const auto checkpoint = edited();
        checkpoint->set_metadata(key, values[i]);
        const std::string said = verdict(checkpoint);
        if (shapes_the_model(key) && i != 2) expect_named(said, key, std::to_string(i));
        ++tried;
      }
    }
  } else {
    const std::vector<Json> values = {
        0,      -1,  1,    uint64_t{1} << 31, kHuge,         std::numeric_limits<int64_t>::min(), 0.5, -1.0, 1e308,
        5e-324, "1", true, Json::array({1}),  Json::object()};
    for (const auto& [key, before] : original->config().items()) {
      if (!before.is_number()) continue;
      for (const Json& value : values) {
        const auto checkpoint = edited();
        Json config = original->config();
        config[key] = value;
        checkpoint->set_config(config);
        const std::string said = verdict(checkpoint);
        const bool one = value == 1 || value == Json::array({1});  // a list: layer by layer, and some have one layer
        if (shapes_the_model(key) && !one) expect_named(said, key, value.dump());
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 50u);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, HostileParameters, ::testing::ValuesIn(testing::all_fixtures()),
                         [](const auto& info) { return info.param.label(); });

}  // namespace
}  // namespace shenbi::models
