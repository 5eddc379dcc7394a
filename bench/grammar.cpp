// grammar_bench TOKENIZER: what structured output costs with a real vocabulary (a model file or folder).
//
// For each grammar an answer is written token by token as a model would (the tokenizer's own cut of a given text), and
// the processor time of every mask is taken: `cold` in a fresh vocabulary, `other` for a new grammar when other
// grammars have run, `warm` when the same answer is written again. Below: what a request pays for a schema that the
// model's cache of grammars does not know (`miss`: compiled, with its automaton) and for one that it does (`hit`).

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/model.h"
#include "grammar/grammar.h"
#include "grammar/grammar_cache.h"

namespace {

using namespace shenbi;
using grammar::Grammar;
using grammar::Matcher;
using grammar::TokenVocabulary;
// Time of this thread's processor, so that a busy machine measures nearly the same.
double now_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}
double since_us(double begin) { return now_us() - begin; }

struct Case {
  const char* name;
  std::shared_ptr<const Grammar> (*make)();
  std::string answer;
};

std::shared_ptr<const Grammar> person() {
  return Grammar::from_json_schema(nlohmann::ordered_json::parse(R"({
    "type": "object", "additionalProperties": false, "required": ["name", "age", "email", "tags", "address"],
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
      "email": {"type": "string", "format": "email"}, "tags": {"type": "array", "items": {"type": "string"}},
      "address": {"type": "object", "additionalProperties": false, "required": ["street", "city"],
        "properties": {"street": {"type": "string", "maxLength": 200}, "city": {"type": "string"}}}}})"));
}
std::shared_ptr<const Grammar> tree() {
  return Grammar::from_json_schema(nlohmann::ordered_json::parse(R"({"$ref": "#/$defs/node", "$defs": {"node": {
    "type": "object", "additionalProperties": false, "required": ["kind", "label", "children"],
    "properties": {"kind": {"enum": ["leaf", "branch"]}, "label": {"type": "string", "pattern": "^[^0-9]+$"},
      "score": {"type": "number", "minimum": 0, "maximum": 1},
      "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}})"));
}
std::shared_ptr<const Grammar> many_names() {
  nlohmann::ordered_json names = nlohmann::ordered_json::array();
  for (int i = 0; i < 100'000; ++i) names.push_back("name " + std::to_string(i));
  return Grammar::from_json_schema({{"enum", names}});
}
std::shared_ptr<const Grammar> pattern() {
  return Grammar::from_regex("([A-Z][a-z]+ ){2,8}\\(\\d{4}-\\d{2}-\\d{2}\\): .{10,400}");
}
std::shared_ptr<const Grammar> arithmetic() {
  return Grammar::from_gbnf(
      "root ::= root \"+\" term | root \"-\" term | term\nterm ::= term \"*\" factor | factor\n"
      "factor ::= [0-9]+ | [a-z] [a-z0-9_]* | \"(\" root \")\"\n");
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"any JSON object", [] { return Grammar::any_json_object(); },
       R"({"title": "A walk along the river", "n": [1, 2.5, null, true], "inner": {"text": "Es war einmal ein König."}})"},
      {"person (schema)", person,
       R"({"name": "Ada Lovelace", "age": 36, "email": "ada@example.org", "tags": ["mathematics", "first programmer"], )"
       R"("address": {"street": "12 St James's Square, near the library", "city": "London"}})"},
      {"tree (recursive schema)", tree,
       R"({"kind": "branch", "label": "the root of it all", "score": 0.75, "children": [{"kind": "leaf", )"
       R"("label": "a leaf in the wind", "children": []}, {"kind": "leaf", "label": "another", "children": []}]})"},
      {"100,000 names (enum)", many_names, R"("name 79190")"},
      {"pattern", pattern,
       "The Old Stone Bridge (1848-05-17): it was built by masons from the village and still stands."},
      {"sums (left-recursive GBNF)", arithmetic, "a1+(price*quantity-discount)*(1234+b)-12*c+d_e"},
  };
  return all;
}

struct Times {
  std::vector<double> us;
  void add(double t) { us.push_back(t); }
  double median() {
    std::sort(us.begin(), us.end());
    return us[us.size() / 2];
  }
  double most() { return *std::max_element(us.begin(), us.end()); }
  double sum() const {
    double all = 0;
    for (const double t : us) all += t;
    return all;
  }
};

Times masks(const std::shared_ptr<const Grammar>& grammar, const std::shared_ptr<const TokenVocabulary>& vocabulary,
            const tokenizers::Tokenizer& tokenizer, const std::string& answer, size_t vocab, size_t* forced) {
  Matcher matcher(grammar, vocabulary);
  std::vector<uint64_t> mask((vocab + 63) / 64);
  Times times;
  for (const int32_t id : tokenizer.encode(answer, {.add_special = false})) {
    if (forced != nullptr) *forced += !matcher.forced_text().empty();
    const auto begin = now_us();
    matcher.allowed(mask);
    times.add(since_us(begin));
    const std::string bytes = tokenizer.token_bytes(id);
    if (!((mask[static_cast<size_t>(id) / 64] >> (id % 64)) & 1) && !matcher.accept_text(bytes)) {
      throw Error(Code::kInternal, fmt::format("token '{}' of the answer is refused", bytes));
    }
    matcher.accept(id);
  }
  if (!matcher.can_end()) throw Error(Code::kInternal, "the answer is not a whole sentence");
  return times;
}

// Of GrammarCache::matcher() with a schema of bench/schemas, as a request carries it.
void cached(const std::string& name, const std::shared_ptr<const TokenVocabulary>& vocabulary) {
  std::ifstream file(fmt::format(SHENBI_BENCH_FOLDER "/schemas/{}.json", name));
  if (!file) throw Error(Code::kNotFound, fmt::format("bench/schemas/{}.json is not there", name));
  const auto schema = nlohmann::ordered_json::parse(file);
  Times miss, hit;
  for (int i = 0; i < 21; ++i) {
    grammar::GrammarCache cache(vocabulary);
    const auto ask = [&](Times& times) {
      const double begin = now_us();
      const Matcher matcher = cache.matcher(schema.dump(), [&] { return Grammar::from_json_schema(schema); });
      times.add(since_us(begin));
    };
    ask(miss);
    for (int again = 0; again < 100; ++again) ask(hit);
  }
  fmt::print("{:28} {:7} bytes   miss {:8.1f} us   hit {:6.1f} us, of them {:.1f} us for its text\n", name,
             schema.dump().size(), miss.median(), hit.median(), [&] {
               Times times;
               for (int i = 0; i < 100; ++i) {
                 const double begin = now_us();
                 const std::string text = schema.dump();
                 times.add(since_us(begin));
               }
               return times.median();
             }());
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 2) throw Error(Code::kInvalidArgument, "usage: grammar_bench TOKENIZER");
  const auto tokenizer = engine::load_tokenizer(arguments[1]);
  const size_t vocab = tokenizer->vocab_size();
  const auto fresh = [&] { return TokenVocabulary::make(*tokenizer, vocab, tokenizer->stop_ids()); };
  const auto begin = now_us();
  const auto shared = fresh();
  fmt::print("{} tokens; their trie takes {:.0f} ms, once a model\n\n", vocab, since_us(begin) / 1000);
  for (const Case& c : cases()) (void)masks(c.make(), shared, *tokenizer, c.answer, vocab, nullptr);

  fmt::print("{:28} {:>10} {:>7} | {:>9} {:>9} | {:>9} {:>9} | {:>9} {:>9}\n", "", "compile", "tokens", "cold",
             "cold max", "other", "other max", "warm", "warm max");
  for (const Case& c : cases()) {
    const auto compile_begin = now_us();
    const auto grammar = c.make();
    const double compile_us = since_us(compile_begin);
    Times cold = masks(grammar, fresh(), *tokenizer, c.answer, vocab, nullptr);
    const auto again = c.make();  // what is kept for one grammar only is not known to this one
    Times other = masks(again, shared, *tokenizer, c.answer, vocab, nullptr);
    Matcher keep(again, shared);  // the automaton lives while somebody uses it
    (void)masks(again, shared, *tokenizer, c.answer, vocab, nullptr);
    Times warm = masks(again, shared, *tokenizer, c.answer, vocab, nullptr);
    fmt::print("{:28} {:7.2f} ms {:7} | {:6.1f} us {:6.0f} us | {:6.1f} us {:6.0f} us | {:6.1f} us {:6.0f} us\n",
               c.name, compile_us / 1000, cold.us.size(), cold.median(), cold.most(), other.median(), other.most(),
               warm.median(), warm.most());
  }
  fmt::print("\n");
  for (const char* name : {"answer", "person", "order"}) cached(name, shared);
  return 0;
} catch (const shenbi::Error& error) {
  fmt::print(stderr, "grammar_bench: {}\n", error.what());
  return 1;
}
