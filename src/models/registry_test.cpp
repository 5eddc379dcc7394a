// Every family is proven: it has a reference model, which its file reads completely.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "models/architecture.h"
#include "models/fixture.h"
#include "models/parameters.h"

namespace shenbi::models {
namespace {

using testing::Fixture;

TEST(Registry, every_family_has_a_fixture) {
  std::set<std::string> proven;
  for (const Fixture& fixture : testing::all_fixtures())
    proven.insert(describe(formats::Checkpoint::open(fixture.model)).spec.architecture);
  for (const auto& [stem, make] : arch_registry())
    EXPECT_TRUE(proven.contains(std::string(stem))) << stem << " has no fixture";
}

TEST(Registry, no_name_belongs_to_two_families) {
  std::set<std::string_view> gguf, hub;
  for (const auto& [stem, make] : arch_registry()) {
    const Architecture row = make();
    for (const std::string_view name : row.gguf_names) EXPECT_TRUE(gguf.insert(name).second) << name;
    for (const std::string_view name : row.model_types) EXPECT_TRUE(hub.insert(name).second) << name;
  }
}

TEST(Registry, every_tensor_of_every_fixture_is_used) {
  for (const Fixture& fixture : testing::all_fixtures()) {
    const Model model = describe(formats::Checkpoint::open(fixture.model));
    EXPECT_THAT(model.parameters.unused(), ::testing::IsEmpty()) << fixture.label();
  }
}

}  // namespace
}  // namespace shenbi::models
