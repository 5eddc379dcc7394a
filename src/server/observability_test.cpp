// What the server tells its operators, without a model: health, metrics, numbers of requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/metrics.h"
#include "server/process_metrics.h"
#include "server/testing.h"

namespace shenbi::server::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Health, says_what_runs_only_when_asked) {
  TestServer server;
  EXPECT_EQ(server.get("/health").body, R"({"status":"ok"})");
  EXPECT_EQ(server.get("/health?verbose=0").body, R"({"status":"ok"})");
  const auto verbose = server.get("/health?verbose").json();
  EXPECT_EQ(verbose["version"], server.get("/version").json()["version"]);
  EXPECT_THAT(verbose["sqlite"].get<std::string>(), ::testing::StartsWith("3."));
  EXPECT_GE(verbose["uptime_s"].get<double>(), 0);
  EXPECT_TRUE(verbose["models"].empty());
  EXPECT_FALSE(verbose["traces"].get<bool>());
}

TEST(Health, tells_strangers_nothing_about_models) {
  ServeOptions options;
  options.keys = {"a-secret-of-some-length"};
  TestServer server(options);
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_EQ(server.get("/health?verbose").status, 401);
  EXPECT_EQ(server.get("/health?verbose", {"Authorization: Bearer a-secret-of-some-length"}).status, 200);
}

TEST(RequestNumber, is_on_every_answer_also_on_refusals) {
  ServeOptions options;
  options.keys = {"a-secret-of-some-length"};
  TestServer server(options);
  EXPECT_EQ(server.get("/health", {"X-Request-Id: mine"}).headers.at("x-request-id"), "mine");
  const Answer refused = server.get("/v1/models", {"X-Request-Id: mine"});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.at("x-request-id"), "mine");
  EXPECT_THAT(server.get("/nowhere").headers.at("x-request-id"), HasSubstr("req-"));
}

TEST(Metrics, count_refusals_under_the_pattern_of_their_route) {
  TestServer server;
  server.get("/nowhere/at/all");
  server.get("/v1/models/a:b");
  const std::string text = server.get("/metrics").body;
  EXPECT_THAT(text, HasSubstr("shenbi:http_requests_total{route=\"none\",status=\"404\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("shenbi:build_info{version=\""));
  EXPECT_THAT(text, Not(HasSubstr("trace_spans")));
}

TEST(Metrics, of_an_answer_fall_into_the_right_buckets) {
  Metrics metrics;
  AnswerFigures figures{.model = "m\"", .finish = "stop"};
  figures.prompt_tokens = 7;
  figures.completion_tokens = 3;
  figures.first_token_s = 0.25;
  figures.queue_s = 0.01, figures.prefill_s = 0.2, figures.decode_s = 0.4;
  metrics.answer(figures);
  const std::string text = metrics.print();
  EXPECT_THAT(text, HasSubstr("shenbi:request_queue_time_seconds_bucket{model_name=\"m\\\"\",le=\"0.01\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("shenbi:request_prompt_tokens_bucket{model_name=\"m\\\"\",le=\"5\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("shenbi:request_prompt_tokens_bucket{model_name=\"m\\\"\",le=\"10\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("shenbi:request_time_per_output_token_seconds_sum{model_name=\"m\\\"\"} 0.2\n"));
  EXPECT_THAT(text, HasSubstr("finished_reason=\"stop\"} 1\n"));
}

TEST(Metrics, of_a_model_that_is_not_ours_have_no_phases) {
  Metrics metrics;
  AnswerFigures figures{.model = "m", .finish = "stop"};
  figures.completion_tokens = 3;
  metrics.answer(figures);
  EXPECT_THAT(metrics.print(), HasSubstr("shenbi:request_queue_time_seconds_count{model_name=\"m\"} 0\n"));
}

TEST(ProcessMetrics, are_those_of_this_process) {
  const std::string text = process_metrics();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds",
                           "process_open_fds", "process_max_fds"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name + " "));
  }
}

}  // namespace
}  // namespace shenbi::server::testing
