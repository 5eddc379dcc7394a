// Spans through a real collector on loopback.
#include "trace/tracer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "net/server.h"

namespace shenbi::trace {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// Answers each export with the next of `statuses`, then 200.
class Collector {
 public:
  explicit Collector(std::vector<int> statuses = {}) : statuses_(std::move(statuses)) { server_.start(); }
  ~Collector() { server_.stop(0ms); }

  Options options() const {
    Options options;
    options.endpoint = "http://127.0.0.1:" + std::to_string(server_.port()) + "/v1/traces";
    options.headers = {"api-key: k"};
    return options;
  }
  std::vector<Json> spans() const {
    std::vector<Json> all;
    std::lock_guard lock(mutex_);
    for (const Json& body : bodies_) {
      for (const Json& span : body["resourceSpans"][0]["scopeSpans"][0]["spans"]) all.push_back(span);
    }
    return all;
  }
  std::vector<Json> bodies() const {
    std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  void take(const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    std::lock_guard lock(mutex_);
    EXPECT_EQ(request.header("api-key"), "k");
    EXPECT_EQ(request.header("content-type"), "application/json");
    int status = 200;
    if (!statuses_.empty()) {
      status = statuses_.front();
      statuses_.erase(statuses_.begin());
    }
    if (status == 200) bodies_.push_back(Json::parse(request.body));
    exchange->send({.status = status, .headers = {}, .body = "{}"});
  }

  mutable std::mutex mutex_;
  std::vector<int> statuses_;
  std::vector<Json> bodies_;
  net::HttpServer server_{{.threads = 1},
                          [](const net::ServerRequest&) { return std::nullopt; },
                          [this](net::ServerRequest request, net::ExchangePtr exchange) { take(request, exchange); }};
};

TEST(Tracer, is_nothing_without_an_endpoint_and_refuses_one_that_is_no_address) {
  EXPECT_EQ(Tracer::start({}), nullptr);
  Options options;
  options.endpoint = "collector:4317";
  EXPECT_THROW(Tracer::start(options), Error);
}

TEST(Tracer, sends_a_span_with_its_parent_times_and_attributes) {
  Collector collector;
  const auto tracer = Tracer::start(collector.options());
  {
    Span root = tracer->root("GET /x", Kind::kServer, std::nullopt);
    root.set("http.response.status_code", int64_t{200});
    root.set("gen_ai.response.finish_reasons", std::vector<std::string>{"stop"});
    const Entered here(root);
    Span part = child("part");
    part.fail("upstream");
  }
  ASSERT_TRUE(tracer->flush(60s));
  const auto spans = collector.spans();
  ASSERT_EQ(spans.size(), 2u);
  const Json &part = spans[0], &root = spans[1];
  EXPECT_EQ(part["traceId"], root["traceId"]);
  EXPECT_EQ(part["parentSpanId"], root["spanId"]);
  EXPECT_FALSE(root.contains("parentSpanId"));
  EXPECT_EQ(part["status"]["code"], 2);
  EXPECT_EQ(part["attributes"][0], Json::parse(R"({"key": "error.type", "value": {"stringValue": "upstream"}})"));
  EXPECT_FALSE(root.contains("status"));
  EXPECT_EQ(root["attributes"][0]["value"]["intValue"], "200");
  EXPECT_LE(std::stoull(root["startTimeUnixNano"].get<std::string>()),
            std::stoull(part["startTimeUnixNano"].get<std::string>()));
  EXPECT_EQ(collector.bodies()[0]["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "shenbi");
  EXPECT_EQ(tracer->counts().sent, 2u);
}

TEST(Tracer, goes_on_with_the_callers_trace_and_obeys_what_it_says_about_recording) {
  Collector collector;
  const auto tracer = Tracer::start(collector.options());
  const char* ids = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0";
  tracer->root("yes", Kind::kServer, read_context(ids + std::string("1"), "k=v"));
  const Span silent = tracer->root("no", Kind::kServer, read_context(ids + std::string("0"), ""));
  EXPECT_FALSE(silent.recorded());
  EXPECT_FALSE(silent.child("neither").recorded());
  EXPECT_EQ(hex(silent.context().trace), "4bf92f3577b34da6a3ce929d0e0e4736");
  ASSERT_TRUE(tracer->flush(60s));
  const auto spans = collector.spans();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0]["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(spans[0]["parentSpanId"], "00f067aa0ba902b7");
  EXPECT_EQ(spans[0]["traceState"], "k=v");
}

TEST(Tracer, a_ratio_decides_by_the_number_of_the_trace) {
  Collector collector;
  Options options = collector.options();
  options.ratio = 0.25;
  const auto tracer = Tracer::start(options);
  int recorded = 0;
  for (int i = 0; i < 2000; ++i) recorded += tracer->root("x", Kind::kServer, std::nullopt).recorded();
  EXPECT_NEAR(recorded, 500, 100);  // five standard deviations of a binomial count
}

TEST(Tracer, tries_again_when_the_collector_is_busy_and_not_when_it_refuses) {
  Collector collector({503, 429, 200, 400});
  const auto tracer = Tracer::start(collector.options());
  tracer->root("busy", Kind::kServer, std::nullopt);
  ASSERT_TRUE(tracer->flush(60s));
  EXPECT_EQ(tracer->counts().sent, 1u);
  tracer->root("refused", Kind::kServer, std::nullopt);
  ASSERT_TRUE(tracer->flush(60s));
  EXPECT_EQ(tracer->counts().dropped, 1u);
  EXPECT_EQ(tracer->counts().failed_requests, 3u);
}

TEST(Tracer, a_full_queue_drops_what_comes_and_counts_it) {
  Options options;
  options.endpoint = "http://127.0.0.1:1/v1/traces";  // port 1 is never served
  options.queue = 4;
  const auto tracer = Tracer::start(options);
  for (int i = 0; i < 1000; ++i) tracer->root("x", Kind::kServer, std::nullopt);
  EXPECT_GE(tracer->counts().dropped, 1000u - 8);  // four wait, and four may be on their way
  EXPECT_LE(tracer->counts().waiting, 8u);
}

TEST(Tracer, what_waits_is_sent_at_the_end_and_a_span_that_ends_later_is_only_counted) {
  Collector collector;
  auto tracer = Tracer::start(collector.options());
  Span late = tracer->root("late", Kind::kServer, std::nullopt);
  tracer->root("in time", Kind::kServer, std::nullopt);
  tracer.reset();
  EXPECT_EQ(collector.spans().size(), 1u);
  late.end();
  EXPECT_EQ(collector.spans().size(), 1u);
}

TEST(Tracer, bytes_that_are_no_text_do_not_break_an_export) {
  Collector collector;
  const auto tracer = Tracer::start(collector.options());
  tracer->root("x", Kind::kServer, std::nullopt)
      .set("gen_ai.request.model", std::string("\xFF\xFE") + std::string(5000, 'm'));
  ASSERT_TRUE(tracer->flush(60s));
  const auto spans = collector.spans();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_LT(spans[0]["attributes"][0]["value"]["stringValue"].get<std::string>().size(), 1100u);
}

}  // namespace
}  // namespace shenbi::trace
