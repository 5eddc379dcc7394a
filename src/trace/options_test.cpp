#include "trace/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace shenbi::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Options from(const std::map<std::string, std::string>& variables) {
  return options_from_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal(const std::map<std::string, std::string>& variables) {
  try {
    from(variables);
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

TEST(TraceOptions, nothing_is_traced_unless_an_endpoint_is_named) {
  EXPECT_EQ(from({}).endpoint, "");
  EXPECT_EQ(from({{"OTEL_EXPORTER_OTLP_ENDPOINT", ""}}).endpoint, "");
  const char* base = "http://127.0.0.1:4318/";
  EXPECT_EQ(from({{"OTEL_EXPORTER_OTLP_ENDPOINT", base}}).endpoint, "http://127.0.0.1:4318/v1/traces");
  EXPECT_EQ(from({{"OTEL_EXPORTER_OTLP_ENDPOINT", base}, {"OTEL_SDK_DISABLED", "true"}}).endpoint, "");
  EXPECT_EQ(from({{"OTEL_EXPORTER_OTLP_ENDPOINT", base}, {"OTEL_TRACES_EXPORTER", "none"}}).endpoint, "");
}

TEST(TraceOptions, the_endpoint_for_traces_is_taken_as_it_is) {
  EXPECT_EQ(from({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/x"}})
                .endpoint,
            "http://b/x");
}

TEST(TraceOptions, headers_are_decoded_and_one_that_would_break_the_line_is_refused_without_its_value) {
  EXPECT_THAT(from({{"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b , x=1=2,"}}).headers,
              ElementsAre("api-key: a b", "x: 1=2"));
  const std::string why = refusal({{"OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret%0d%0aHost: evil"}});
  EXPECT_THAT(why, HasSubstr("OTEL_EXPORTER_OTLP_HEADERS"));
  EXPECT_EQ(why.find("secret"), std::string::npos);
}

TEST(TraceOptions, the_name_of_the_service_comes_from_its_own_variable_first) {
  EXPECT_EQ(from({}).service_name, "shenbi");
  const auto options = from({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a,region=eu%2C1"}});
  EXPECT_EQ(options.service_name, "a");
  EXPECT_THAT(options.attributes, ElementsAre(Pair("region", "eu,1")));
  EXPECT_EQ(from({{"OTEL_SERVICE_NAME", "b"}, {"OTEL_RESOURCE_ATTRIBUTES", "service.name=a"}}).service_name, "b");
}

TEST(TraceOptions, samplers_are_those_of_the_specification) {
  const auto ratio = [](const char* sampler, const char* argument) {
    return from({{"OTEL_TRACES_SAMPLER", sampler}, {"OTEL_TRACES_SAMPLER_ARG", argument}});
  };
  EXPECT_EQ(ratio("always_off", "").ratio, 0);
  EXPECT_FALSE(ratio("always_on", "").follow_caller);
  EXPECT_EQ(ratio("parentbased_traceidratio", "0.25").ratio, 0.25);
  EXPECT_TRUE(ratio("parentbased_traceidratio", "0.25").follow_caller);
  EXPECT_THAT(refusal({{"OTEL_TRACES_SAMPLER", "sometimes"}}), HasSubstr("OTEL_TRACES_SAMPLER: 'sometimes'"));
  EXPECT_THAT(refusal({{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "2"}}),
              HasSubstr("OTEL_TRACES_SAMPLER_ARG"));
}

TEST(TraceOptions, numbers_out_of_bounds_are_refused_by_name) {
  EXPECT_EQ(from({{"OTEL_BSP_MAX_QUEUE_SIZE", "7"}}).queue, 7u);
  EXPECT_THAT(refusal({{"OTEL_BSP_MAX_QUEUE_SIZE", "0"}}), HasSubstr("OTEL_BSP_MAX_QUEUE_SIZE"));
  EXPECT_THAT(refusal({{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"}}), HasSubstr("OTEL_EXPORTER_OTLP_TIMEOUT: '10s'"));
}

}  // namespace
}  // namespace shenbi::trace
