#include "chat/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"

namespace shenbi::chat {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

struct Outcome {
  std::string text;
  std::string error;
  Code code = Code::kInternal;
};

Outcome render(const std::string& text, const Json& input = Json::object(), int64_t now = 0) {
  try {
    RenderOptions options;
    options.now = std::chrono::system_clock::from_time_t(now);
    return {ChatTemplate::parse(text, "template").render(input, options), "", Code::kInternal};
  } catch (const Error& error) {
    return {"", error.what(), error.code()};
  }
}

// --- fixtures: what jinja2, set up as transformers does, makes of the same template ---

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, renders_what_jinja2_renders) {
  setenv("TZ", "UTC", 1);
  tzset();
  std::ifstream file(GetParam());
  const Json cases = Json::parse(file);
  ASSERT_FALSE(cases.empty());
  for (const Json& one : cases) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const Outcome outcome = render(one["template"], one["input"], one["now"].get<int64_t>());
    if (one.contains("output")) {
      EXPECT_EQ(outcome.error, "");
      EXPECT_EQ(outcome.text, one["output"].get<std::string>());
    } else {
      EXPECT_THAT(outcome.error, HasSubstr(one["error"].get<std::string>()));
    }
  }
}

std::vector<std::string> golden_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(SHENBI_SOURCE_DIR "/tests/golden/chat")) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files()),
                         [](const auto& info) { return std::filesystem::path(info.param).stem().string(); });

// --- errors ---

TEST(ChatTemplate, an_unsupported_construct_is_named_with_source_and_line) {
  const Outcome outcome = render("a\n{% include 'x' %}");
  EXPECT_EQ(outcome.error, "template:2: 'include' is not supported in chat templates");
  EXPECT_EQ(outcome.code, Code::kUnsupported);
  EXPECT_EQ(render("{{ 1|random }}").code, Code::kUnsupported);
}

TEST(ChatTemplate, raise_exception_gives_its_message_alone) {
  const Outcome outcome = render("{{ raise_exception('no system role: ' ~ 1) }}");
  EXPECT_EQ(outcome.error, "no system role: 1");
  EXPECT_EQ(outcome.code, Code::kInvalidArgument);
}

TEST(ChatTemplate, a_failure_names_source_and_line) {
  EXPECT_EQ(render("x\n\n{{ a.b }}").error, "template:3: 'a' is undefined");
}

TEST(ChatTemplate, variables_keep_the_order_of_their_keys) {
  EXPECT_EQ(render("{{ d|tojson }}", Json::parse(R"({"d": {"z": 1, "a": 2}})")).text, R"({"z": 1, "a": 2})");
}

TEST(ChatTemplate, variables_nested_too_deep_are_refused) {
  Json deep = 1;
  for (int i = 0; i < 3000; ++i) {
    Json outer = Json::array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_THAT(render("x", {{"d", deep}}).error, HasSubstr("depth limit"));
}

TEST(ChatTemplate, integers_overflow_loudly) {
  EXPECT_THAT(render("{{ 9223372036854775807 + 1 }}").error, HasSubstr("integer overflow"));
  EXPECT_THAT(render("{{ 2 ** 200 }}").error, HasSubstr("integer overflow"));
  EXPECT_EQ(render("{{ 9223372036854775807 }}{{ -9223372036854775807 - 1 }}").text,
            "9223372036854775807-9223372036854775808");
}

TEST(ChatTemplate, lists_a_template_made_can_be_changed) {
  EXPECT_EQ(render("{% set l = [1] %}{% set _ = l.append(2) %}{% set _ = l.insert(0, 0) %}{{ l.pop() }}{{ l }}").text,
            "2[0, 1]");
}

TEST(ChatTemplate, a_template_renders_on_many_threads_at_once) {
  const auto chat = ChatTemplate::parse("{% for i in range(200) %}{{ 'x' ~ i ~ n }}{% endfor %}", "t");
  const std::string expected = chat.render({{"n", 1}});
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) wrong[t] += chat.render({{"n", 1}}) != expected;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

// --- limits: every hostile template ends, by the limit that its message names; limits count steps and bytes, so no
// clock is needed to prove that the end comes ---

struct Attack {
  std::string name, text, limit;
  friend void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }
};

class Limits : public testing::TestWithParam<Attack> {};

TEST_P(Limits, end_with_the_limit_in_the_message) {
  const Outcome outcome = render(GetParam().text, {{"s", "ab"}, {"d", {{"k", 1}}}});
  EXPECT_THAT(outcome.error, HasSubstr(GetParam().limit));
  EXPECT_EQ(outcome.code, Code::kInvalidArgument);
}

std::string repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

const Attack kAttacks[] = {
    {"one_range", "{% for a in range(10**9) %}x{% endfor %}", "range too big"},
    {"nested_ranges",
     "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}{% endfor %}{% endfor %}{% "
     "endfor %}",
     "step limit"},
    {"nested_ranges_with_text",
     "{% for a in range(100000) %}{% for b in range(100000) %}0123456789{% endfor %}{% endfor %}", "limit"},
    {"string_doubling",
     "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "output limit"},
    {"string_doubling_kept",
     "{% set ns = namespace(l=[], s='x') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}"
     "{% set ns.l = ns.l + [ns.s] %}{% endfor %}",
     "limit"},
    {"list_doubling", "{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
     "limit"},
    {"list_of_itself", "{% set l = [] %}{% for i in range(64) %}{% set _ = l.append(l) %}{% endfor %}{{ l }}", "limit"},
    {"shared_lists",
     "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
     "limit"},
    {"shared_lists_compared",
     "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}"
     "{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
     "limit"},
    {"macro_recursion", "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(100000) }}",
     "depth limit"},
    {"macro_tree", "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
     "step limit"},
    {"loop_recursion", "{% set l = [] %}{% set _ = l.append(l) %}{% for x in l recursive %}{{ loop(x) }}{% endfor %}",
     "depth limit"},
    {"caller_recursion", "{% macro f() %}{% call f() %}{% endcall %}{% endmacro %}{{ f() }}",
     "takes no keyword argument"},
    {"filter_chain",
     "{% set ns = namespace(g=[1]) %}{% for i in range(90000) %}{% set ns.g = ns.g|map('string') %}{% endfor %}"
     "{{ ns.g|list }}",
     "limit"},
    {"multiplied_string", "{{ 'x' * 10**12 }}", "output limit"},
    {"multiplied_list", "{{ [1] * 10**12 }}", "limit"},
    {"multiplied_to_overflow", "{{ ('x' * 1000000) * (10**18) }}", "output limit"},
    {"percent_width", "{{ '%1000000000d' % 1 }}", "output limit"},
    {"percent_star", "{{ '%*d' % (10**12, 1) }}", "output limit"},
    {"percent_precision", "{{ '%.1000000000f' % 1.5 }}", "output limit"},
    {"brace_width", "{{ '{:>999999999}'.format(1) }}", "output limit"},
    {"brace_precision", "{{ '{:.999999999f}'.format(1.5) }}", "output limit"},
    {"brace_nested_width", "{{ '{:{}}'.format(1, 999999999) }}", "output limit"},
    {"centered", "{{ s|center(10**12) }}", "output limit"},
    {"ljust", "{{ s.ljust(10**18) }}", "output limit"},
    {"zfill", "{{ s.zfill(10**12) }}", "output limit"},
    {"expandtabs", "{{ '\\t'.expandtabs(10**12) }}", "output limit"},
    {"replaced", "{{ ('x' * 1000000).replace('', 'y' * 1000000) }}", "output limit"},
    {"replaced_by_filter", "{{ ('x' * 1000000)|replace('x', 'y' * 1000000) }}", "output limit"},
    {"joined", "{{ ('y' * 1000000).join('x' * 1000000) }}", "limit"},
    {"indented", "{{ ('\\n' * 1000000)|indent('y' * 1000000, true, true) }}", "output limit"},
    {"json_indent", "{{ [[[[1]]]]|tojson(indent=10**12) }}", "output limit"},
    {"json_many_indents", "{{ ([1] * 100000)|tojson(indent=1000000) }}", "output limit"},
    {"batched", "{{ [1]|batch(10**12, 0)|list }}", "limit"},
    {"sliced", "{{ [1]|slice(10**12)|list }}", "limit"},
    {"captured_many_times",
     "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set v %}{{ 'x' * 1000000 }}{% endset %}"
     "{% set ns.l = ns.l + [v] %}{% endfor %}",
     "limit"},
    {"searching", "{% set a = 'a' * 10000000 %}{% for i in range(100000) %}{{ 'b' in a }}{% endfor %}", "step limit"},
    {"unicode_case", "{% set a = 'ß' * 1000000 %}{% for i in range(100000) %}{% set b = a|upper %}{% endfor %}",
     "step limit"},
    {"unicode_index", "{% set a = 'é' * 1000000 %}{% for i in range(100000) %}{% set b = a[999999] %}{% endfor %}",
     "step limit"},
    {"nested_source", "{{ " + repeat("(", 100000), "nested deeper"},
    {"nested_lists", "{{ " + repeat("[", 100000), "nested deeper"},
    {"nested_not", "{{ " + repeat("not ", 100000) + "1 }}", "nested deeper"},
    {"nested_minus", "{{ " + repeat("-", 100000) + "1 }}", "nested deeper"},
    {"nested_filters", "{{ 1" + repeat("|abs", 100000) + " }}", "nested deeper"},
    {"nested_attributes", "{{ a" + repeat(".b", 100000) + " }}", "nested deeper"},
    {"nested_if", repeat("{% if 1 %}", 20000), "nested deeper"},
    {"nested_conditions", "{{ " + repeat("1 if 1 else ", 50000) + "1 }}", "nested deeper"},
};

INSTANTIATE_TEST_SUITE_P(Attacks, Limits, testing::ValuesIn(kAttacks),
                         [](const auto& info) { return info.param.name; });

TEST(ChatTemplate, a_template_beyond_the_size_limit_is_refused) {
  EXPECT_THAT(render(std::string((1u << 20) + 1, 'x')).error, HasSubstr("the limit is 1048576"));
}

TEST(ChatTemplate, ten_thousand_messages_stay_far_below_the_limits) {
  Json messages = Json::array();
  for (int i = 0; i < 10000; ++i)
    messages.push_back({{"role", i % 2 ? "assistant" : "user"}, {"content", "你好 " + std::to_string(i)}});
  const Outcome outcome = render(
      "{% for m in messages %}{% if m.role == 'user' %}<u>{{ m['content'] | trim }}</u>{% else %}"
      "{{ '<a>' + m.content.split('x')[-1] ~ '</a>' }}{% endif %}{% endfor %}",
      {{"messages", messages}});
  EXPECT_EQ(outcome.error, "");
  EXPECT_GT(outcome.text.size(), 150'000u);
}

}  // namespace
}  // namespace shenbi::chat
