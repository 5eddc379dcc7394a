#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "grammar/grammar.h"

namespace shenbi::grammar {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::shared_ptr<const Grammar> schema_grammar(const char* schema) {
  return Grammar::from_json_schema(OrderedJson::parse(schema));
}

std::string schema_error(const OrderedJson& schema) {
  try {
    Grammar::from_json_schema(schema);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
std::string schema_error(const char* schema) { return schema_error(OrderedJson::parse(schema)); }

void expect(const char* schema, const std::vector<const char*>& good, const std::vector<const char*>& bad) {
  const auto grammar = schema_grammar(schema);
  const auto again = Grammar::from_gbnf(Grammar::gbnf_of_json_schema(OrderedJson::parse(schema), "root"));
  for (const char* text : good) {
    EXPECT_TRUE(grammar->matches(text)) << schema << " " << text;
    EXPECT_TRUE(again->matches(text)) << "as GBNF: " << schema << " " << text;
  }
  for (const char* text : bad) {
    EXPECT_FALSE(grammar->matches(text)) << schema << " " << text;
    EXPECT_FALSE(again->matches(text)) << "as GBNF: " << schema << " " << text;
  }
}

TEST(Schema, any_value_is_any_json_with_bounded_white_space) {
  for (const char* any : {"{}", "true"}) {
    expect(any,
           {"null", "true", "-1.5e+3", "\"\"", "\"\\u00e9\\n\\uD83D\\uDE00é\"", "[]", "[1, [2],\n  {}]",
            "{\"a\":{\"b\": 1}}", "{ \"a\": 1 }"},
           {"", "nul", "01", "1.", "\"\\uD83D\"", "\"\\x\"", "\"a\nb\"", "[1,]", "{\"a\"}", "{1:2}", "[1,  2]", "'a'"});
  }
}

TEST(Schema, objects_have_their_properties_in_order) {
  expect(R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"null"}},
             "required":["b"],"additionalProperties":false})",
         {R"({"b":"x"})", R"({"a":1,"b":"x"})", R"({"a":1, "b": "x", "c":null})", "{\n  \"b\": \"\"\n}"},
         {"{}", R"({"a":1})", R"({"b":"x","a":1})", R"({"b":1})", R"({"b":"x","d":1})", R"({,"b":"x"})"});
}

TEST(Schema, additional_members_never_take_a_declared_name) {
  expect(R"({"properties":{"ab":{"type":"integer"}},"additionalProperties":{"type":"string"}})",
         {"{}", R"({"ab":1})", R"({"ab":1,"x":"y","a":"","abc":""})", R"({"":""})", R"({"a\n":""})"},
         {R"({"ab":"x"})", R"({"x":"y","ab":1})", R"({"x":1})", R"({"\u0061b":"x"})"});
  expect(R"({"properties":{"a":true}})", {"{}", R"({"a":[]})"}, {R"({"b":1})"});
  expect(R"({"type":"object"})", {"{}", R"({"a":[],"b":1})"}, {"[]"});
}

TEST(Schema, names_and_numbers_of_members_are_bounded) {
  expect(R"({"patternProperties":{"^[a-z]{2}$":{"type":"integer"}},"additionalProperties":false,"minProperties":1})",
         {R"({"ab":1})", R"({"ab":1,"cd":2})"}, {"{}", R"({"a":1})", R"({"ab":"x"})"});
  expect(R"({"propertyNames":{"enum":["x","y"]},"additionalProperties":{"type":"integer"},"maxProperties":2})",
         {"{}", R"({"y":1})", R"({"y":1,"x":2})"}, {R"({"z":1})", R"({"x":1,"y":2,"x":3})"});
  expect(R"({"properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},"minProperties":1,"maxProperties":2,
             "required":["c"],"additionalProperties":false})",
         {R"({"c":3})", R"({"a":1,"c":3})"}, {"{}", R"({"a":1,"b":2,"c":3})"});
}

TEST(Schema, lists_count_their_items) {
  expect(R"({"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3})",
         {"[true]", "[true,false]", "[true, false, true]"}, {"[]", "[true,true,true,true]", "[1]", "[true,]"});
  expect(R"({"prefixItems":[{"const":1},{"const":"b"}],"items":{"type":"null"},"minItems":1})",
         {"[1]", "[1,\"b\"]", "[1,\"b\",null,null]"}, {"[]", "[\"b\"]", "[1,null]"});
  expect(R"({"prefixItems":[{"const":1},{"const":2}],"items":false})", {"[]", "[1]", "[1,2]"}, {"[1,2,3]", "[2]"});
  expect(R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"});
}

TEST(Schema, strings_are_counted_in_characters_and_matched_as_they_are_read) {
  expect(R"({"type":"string","minLength":2,"maxLength":3})", {"\"ab\"", "\"é神笔\"", "\"\\n\\uD83D\\uDE00\""},
         {"\"a\"", "\"abcd\"", "\"\\uD83D\\uDE00\""});
  expect(R"({"type":"string","pattern":"^a\"\\\\\\n?$"})", {R"("a\"\\")", R"("a\"\\\n")"}, {R"("a"\\")", R"("a\"")"});
  expect(R"({"type":"string","pattern":"b+"})", {R"("b")", R"("abbc")", R"("\"b")"}, {R"("ac")"});
  expect(R"({"type":"string","pattern":"^[a-z]+$","minLength":2,"maxLength":3})", {R"("ab")", R"("abc")"},
         {R"("a")", R"("abcd")", R"("AB")"});
  expect(R"({"allOf":[{"pattern":"^a"},{"pattern":"z$"}],"type":"string"})", {R"("az")", R"("abz")"}, {R"("ab")"});
}

TEST(Schema, formats_allow_what_exists) {
  expect(R"({"format":"date"})", {R"("2024-02-29")", R"("1999-12-31")", R"("2000-02-29")"},
         {R"("2023-02-29")", R"("1900-02-29")", R"("2024-04-31")", R"("0000-01-01")", R"("2024-13-01")"});
  expect(R"({"format":"date-time"})", {R"("2024-02-29T23:59:59Z")", R"("2024-01-01T00:00:00.123+02:00")"},
         {R"("2024-01-01 00:00:00Z")", R"("2024-01-01T24:00:00Z")", R"("2024-01-01T00:00:00")"});
  expect(R"({"format":"uuid"})", {R"("123e4567-e89b-12d3-a456-426614174000")"},
         {R"("123e4567e89b12d3a456426614174000")"});
  expect(R"({"format":"email"})", {R"("a.b+c@example.org")"}, {R"("a@")", R"("a b@c.d")", R"(".a@b.c")"});
  expect(R"({"format":"ipv4"})", {R"("255.0.10.199")"}, {R"("256.0.0.1")", R"("01.0.0.0")"});
  expect(R"({"format":"ipv6"})", {R"("::1")", R"("1:2:3:4:5:6:7:8")", R"("fe80::1:2")", R"("::")"},
         {R"("1:2")", R"("1::2::3")", R"("12345::")"});
  expect(R"({"format":"duration"})", {R"("P1DT2H")", R"("PT5M")", R"("P3W")"}, {R"("P")", R"("PT")", R"("1D")"});
  expect(R"({"type":"integer","format":"int32"})", {"2147483647", "-2147483648"}, {"2147483648", "-2147483649"});
}

TEST(Schema, numbers_keep_their_bounds) {
  expect(R"({"type":"integer"})", {"0", "-1", "123456789012345678"}, {"-0", "01", "1.0", "1234567890123456789"});
  expect(R"({"type":"integer","minimum":-5,"maximum":123})", {"-5", "-1", "0", "7", "99", "100", "123"},
         {"-6", "124", "200", "1000", "-50", "-0"});
  expect(R"({"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10})", {"1", "9"}, {"0", "10", "-1"});
  expect(R"({"type":"integer","minimum":0,"maximum":100,"multipleOf":7})", {"0", "7", "49", "98"},
         {"1", "50", "105", "-7"});
  expect(R"({"type":"number","minimum":0,"maximum":1})", {"0", "1", "0.5", "1.0", "0.25000", "0.0"},
         {"-0.1", "1.1", "1.00001", "2", "1e0", "-0"});
  expect(R"({"type":"number","exclusiveMinimum":-1.5,"exclusiveMaximum":2.25})",
         {"-1.4999", "2.2499", "-0.5", "2", "0"}, {"-1.5", "2.25", "2.250", "-1.50", "3"});
  expect(R"({"type":"number","multipleOf":0.25,"minimum":0})", {"0.25", "1.5", "3", "10.75"}, {"0.3", "1.1", "-1"});
  expect(R"({"type":"integer","minimum":1000000000000000000})", {"1000000000000000000", "9000000000000000000"},
         {"999999999999999999"});
  expect(R"({"type":"number","maximum":1e40})", {"123", "-0.5"}, {"1e41", "1e5"});
  expect(R"({"type":"number"})", {"-0", "1e5", "1.5E-7"}, {"1e123", "+1", ".5"});
}

TEST(Schema, enums_consts_and_types_meet) {
  expect(R"({"enum":["a",1,null,{"b":[1,"x"]},true]})",
         {"\"a\"", "1", "null", "true", R"({"b":[1,"x"]})", R"({ "b": [1, "x"]})"}, {"\"b\"", "2", "{}"});
  expect(R"({"type":"string","enum":["abc",1,"x"],"minLength":2})", {"\"abc\""}, {"1", "\"x\""});
  expect(R"({"allOf":[{"enum":[1,2,3]},{"enum":[2,3,4.0]},{"minimum":3}]})", {"3"}, {"1", "2", "4"});
  expect(R"({"type":["string","null"],"maxLength":1})", {"null", "\"a\""}, {"\"ab\"", "1"});
  expect(R"({"type":"integer","nullable":true})", {"null", "1"}, {"\"a\""});
}

TEST(Schema, alternatives_and_conjunctions_multiply_out) {
  expect(R"({"type":"object","properties":{"k":{"type":"integer"}},"required":["k"],
             "anyOf":[{"properties":{"x":{"const":1}},"required":["x"]},{"properties":{"y":{"const":2}},"required":["y"]}]})",
         {R"({"k":1,"x":1})", R"({"k":1,"y":2})"}, {R"({"k":1})", R"({"x":1})"});
  expect(R"({"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"v":{"type":"integer"}},"required":["t","v"]},
                      {"type":"object","properties":{"t":{"const":"b"},"w":{"type":"string"}},"required":["t"]},
                      {"type":"null"}]})",
         {R"({"t":"a","v":1})", R"({"t":"b"})", "null"}, {R"({"t":"a"})", R"({"t":"c"})"});
  expect(R"({"allOf":[{"$ref":"#/$defs/base"},{"properties":{"b":{"type":"integer"}}}],
             "$defs":{"base":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}})",
         {R"({"a":""})", R"({"a":"","b":1})"}, {"{}", R"({"b":1})"});
}

TEST(Schema, references_may_be_recursive) {
  expect(R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer"},
             "kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["v"],"additionalProperties":false}}})",
         {R"({"v":1})", R"({"v":1,"kids":[{"v":2,"kids":[]},{"v":3}]})"}, {R"({"kids":[]})"});
  expect(R"({"anyOf":[{"type":"null"},{"type":"array","items":{"$ref":"#"}}]})", {"null", "[[null],[]]"}, {"1", "[1]"});
  expect(R"({"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}},"$ref":"#/$defs/a"})", {"null"}, {"1"});
}

TEST(Schema, the_strict_subset_of_openai_works) {
  expect(R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Event","description":"d","type":"object",
             "properties":{"name":{"type":"string","description":"n"},"kind":{"type":"string","enum":["a","b"]},
             "when":{"anyOf":[{"type":"string","format":"date"},{"type":"null"}]},
             "tags":{"type":"array","items":{"type":"string"},"minItems":1},
             "place":{"$ref":"#/$defs/place"}},"required":["name","kind","when","tags","place"],
             "additionalProperties":false,"$defs":{"place":{"type":"object","properties":{"lat":{"type":"number","minimum":-90,
             "maximum":90},"next":{"anyOf":[{"$ref":"#/$defs/place"},{"type":"null"}]}},"required":["lat","next"],
             "additionalProperties":false}}})",
         {R"({"name":"x","kind":"a","when":null,"tags":["t"],"place":{"lat":-89.5,"next":{"lat":90,"next":null}}})"},
         {R"({"name":"x","kind":"c","when":null,"tags":["t"],"place":{"lat":1,"next":null}})",
          R"({"name":"x","kind":"a","when":null,"tags":[],"place":{"lat":1,"next":null}})"});
}

TEST(Schema, what_would_loosen_the_result_is_refused_with_its_place) {
  EXPECT_EQ(schema_error(R"({"properties":{"a":{"type":7}}})"), "schema: #/properties/a/type: 7 is not a type");
  EXPECT_EQ(schema_error(R"({"not":{}})"), "schema: #/not: this keyword is not supported");
  EXPECT_EQ(schema_error(R"({"type":"string","maxLenght":3})"), "schema: #/maxLenght: unknown keyword");
  EXPECT_EQ(schema_error(R"({"items":{"uniqueItems":true}})"), "schema: #/items/uniqueItems: items that must differ");
  EXPECT_EQ(schema_error(R"({"$ref":"https://example.com/x.json"})"),
            "schema: #/$ref: 'https://example.com/x.json' is not within the schema");
  EXPECT_EQ(schema_error(R"({"properties":{"a/b":{"$ref":"#/$defs/x"}}})"),
            "schema: #/properties/a~1b/$ref: '#/$defs/x' leads nowhere");
  EXPECT_EQ(schema_error(R"({"oneOf":[{"type":"integer"},{"type":"number"}]})"),
            "schema: #/oneOf: branches 0 and 1 may both hold; use anyOf, or a property that tells them apart");
  EXPECT_EQ(schema_error(R"({"type":"string","format":"iri"})"), "schema: #/format: format 'iri'");
  EXPECT_EQ(schema_error(R"s({"type":"string","pattern":"a(?=b)"})s"),
            "schema: #/pattern: pattern 'a(?=b)': look-around assertions at byte 1 are not supported");
  EXPECT_EQ(schema_error(R"({"minLength":-1})"), "schema: #/minLength: -1 is not a count");
  EXPECT_EQ(schema_error(R"({"type":"string","maxLength":1000000})"), "schema: #: maxLength is over 100000");
  EXPECT_EQ(schema_error("3"), "schema: #: 3 is not a schema (an object, true or false)");
}

TEST(Schema, circles_and_contradictions_are_named) {
  EXPECT_EQ(schema_error(R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})"),
            "schema: #/$defs/a: more than 100 references in a row, or one that leads back to itself");
  EXPECT_EQ(schema_error(R"({"minLength":1,"allOf":[{"$ref":"#"}]})"),
            "schema: #: refers to itself without describing a value");
  EXPECT_EQ(schema_error(R"({"properties":{"a":{"$ref":"#"}},"required":["a"]})"), "schema: #: no finite value fits");
  EXPECT_EQ(schema_error(R"({"properties":{"a":{"type":"integer","minimum":2,"maximum":1}},"required":["a"]})"),
            "schema: #/properties/a: no finite value fits");
  EXPECT_EQ(schema_error("false"), "schema: #: no finite value fits");
}

TEST(Schema, hostile_sizes_end_in_an_error_or_an_answer) {
  OrderedJson deep = true;
  for (int i = 0; i < 10'000; ++i) deep = OrderedJson{{"items", std::move(deep)}};
  EXPECT_EQ(schema_error(deep), "schema: #: nested deeper than 200 levels of JSON");

  OrderedJson values = OrderedJson::array();
  for (int i = 0; i < 100'000; ++i) values.push_back("v" + std::to_string(i));
  EXPECT_TRUE(Grammar::from_json_schema({{"enum", values}})->matches("\"v99999\""));

  OrderedJson diamond = {{"$defs", OrderedJson::object()}, {"$ref", "#/$defs/d0"}};
  for (int i = 0; i < 40; ++i) {
    const OrderedJson next = {{"$ref", "#/$defs/d" + std::to_string(i + 1)}};
    diamond["$defs"]["d" + std::to_string(i)] = {{"allOf", {next, next, next}}};
  }
  diamond["$defs"]["d40"] = {{"type", "null"}};
  EXPECT_TRUE(Grammar::from_json_schema(diamond)->matches("null"));

  OrderedJson product = {{"allOf", OrderedJson::array()}};
  for (int i = 0; i < 30; ++i) product["allOf"].push_back({{"anyOf", {{{"minLength", i}}, {{"minimum", i}}}}});
  EXPECT_EQ(schema_error(product), "schema: #/allOf/0/anyOf: more than 1024 combinations of alternatives");

  OrderedJson many = {{"properties", OrderedJson::object()}, {"type", "object"}};
  for (int i = 0; i < 1000; ++i) many["properties"]["p" + std::to_string(i)] = {{"type", "integer"}};
  const auto grammar = Grammar::from_json_schema(many);
  EXPECT_TRUE(grammar->matches(R"({"p0":1,"p999":2})"));
  EXPECT_FALSE(grammar->matches(R"({"p999":1,"p0":2})"));
}

TEST(AnyObject, is_an_object) {
  EXPECT_TRUE(Grammar::any_json_object()->matches(R"({"a": [1, {"b": null}]})"));
  EXPECT_FALSE(Grammar::any_json_object()->matches("[]"));
}

}  // namespace
}  // namespace shenbi::grammar
