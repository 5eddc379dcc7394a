#include "server/openapi/answers.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace shenbi::server::openapi {
namespace {

TEST(OpenApiAnswers, each_row_is_of_a_route_there_is_and_of_a_type_there_is) {
  const Schema types = named_types();
  const Router router;
  for (const Answer& answer : answers()) {
    const bool routed = std::any_of(router.routes().begin(), router.routes().end(), [&](const Route& route) {
      return route.method() + " " + route.pattern() == answer.route;
    });
    EXPECT_TRUE(routed) << answer.route;
    EXPECT_TRUE(answer.type.empty() || types.contains(std::string(answer.type))) << answer.type;
  }
}

TEST(OpenApiAnswers, each_route_has_an_answer_but_the_one_that_only_refuses) {
  const Router router;
  for (const Route& route : router.routes()) {
    const bool refuses = route.pattern() == "/v1/moderations";
    EXPECT_EQ(responses_of(route).size() > 1, !refuses) << route.method() << " " << route.pattern();
  }
}

}  // namespace
}  // namespace shenbi::server::openapi
