// Drives grammars from scripts: one JSON request a line in, one JSON reply a line out.
//
//   {"schema" | "regex" | "gbnf" | "choices": ..., "match": [texts], "sample": count, "seed": number}
//     -> {"matches": [booleans], "samples": [texts]}    or {"error": message, "code": name}
//
// Samples are walks over the allowed tokens of a small vocabulary (every byte and some hundred words), biased towards
// an end once they are long. A walk that has no way on, or does not end, is an error.

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "base/error.h"
#include "grammar/grammar.h"

using shenbi::Error;
using namespace shenbi::grammar;
using OrderedJson = nlohmann::ordered_json;

namespace {

class SmallTokenizer : public shenbi::tokenizers::Tokenizer {
 public:
  SmallTokenizer() {
    for (int b = 0; b < 256; ++b) tokens_.emplace_back(1, static_cast<char>(b));
    for (const char* word :
         {"\",",   "\":",  "\": ", "\"}",   "\"]",  "\", \"", "{\"", "[{", "}]", "]}",    "}}",  ", ",   ": ", "true",
          "false", "null", "0.",   ".5",    "10",   "00",     "-1",  "1e", "ab", "abc",   "the", " the", "é",  "神",
          "神笔",  "\\n",  "\\\"", "\\u00", "\n  ", "\n    ", "aa",  "bb", "a1", "2024-", "-01", "T00:", "@"}) {
      tokens_.emplace_back(word);
    }
    for (char a = 'a'; a <= 'z'; ++a) {
      for (const char b : {'a', 'e', 'i', 'o', 'n', '"'}) tokens_.push_back({a, b});
    }
    tokens_.emplace_back("<end>");
  }
  int32_t end() const { return static_cast<int32_t>(tokens_.size() - 1); }
  std::vector<int32_t> encode(std::string_view, const shenbi::tokenizers::EncodeOptions&) const override { return {}; }
  std::vector<size_t> find_special(std::string_view) const override { return {}; }
  std::string decode(const std::vector<int32_t>&, bool) const override { return {}; }
  size_t vocab_size() const noexcept override { return tokens_.size(); }
  std::string token_bytes(int32_t id) const override { return tokens_.at(static_cast<size_t>(id)); }
  std::string token_text(int32_t id) const override { return token_bytes(id); }
  shenbi::tokenizers::TokenKind token_kind(int32_t) const noexcept override {
    return shenbi::tokenizers::TokenKind::kNormal;
  }
  std::optional<int32_t> find_token(std::string_view) const override { return std::nullopt; }

 private:
  std::vector<std::string> tokens_;
};

std::shared_ptr<const Grammar> grammar_of(const OrderedJson& request) {
  if (request.contains("schema")) return Grammar::from_json_schema(request["schema"]);
  if (request.contains("regex")) return Grammar::from_regex(request["regex"].get<std::string>());
  if (request.contains("gbnf")) return Grammar::from_gbnf(request["gbnf"].get<std::string>());
  return Grammar::from_choices(request["choices"].get<std::vector<std::string>>());
}

class Sampler {
 public:
  Sampler(std::shared_ptr<const Grammar> grammar, uint32_t seed) : grammar_(std::move(grammar)), random_(seed) {}

  std::optional<std::string> sample() {
    static const auto vocabulary = TokenVocabulary::make(tokenizer(), tokenizer().vocab_size(), {tokenizer().end()});
    Matcher matcher(grammar_, vocabulary);
    std::vector<uint64_t> mask((tokenizer().vocab_size() + 63) / 64);
    std::string text;
    for (size_t step = 0; step < 3000; ++step) {
      matcher.allowed(mask);
      const int32_t token = pick(mask, text.size());
      if (!matcher.accept(token)) throw std::runtime_error("an allowed token is refused behind " + text);
      if (token == tokenizer().end()) return text;
      text += tokenizer().token_bytes(token);
    }
    return std::nullopt;
  }

 private:
  static const SmallTokenizer& tokenizer() {
    static const SmallTokenizer instance;
    return instance;
  }
  int32_t pick(const std::vector<uint64_t>& mask, size_t length) {
    std::vector<int32_t> allowed, closing;
    for (int32_t id = 0; id <= tokenizer().end(); ++id) {
      if (!((mask[static_cast<size_t>(id) / 64] >> (id % 64)) & 1)) continue;
      allowed.push_back(id);
      const std::string bytes = id == tokenizer().end() ? "" : tokenizer().token_bytes(id);
      if (bytes.find_first_not_of("]}\"") == std::string::npos) closing.push_back(id);
    }
    if (allowed.empty()) throw std::runtime_error("no token is allowed");
    const auto one_of = [&](const std::vector<int32_t>& ids) { return ids[random_() % ids.size()]; };
    const bool hurry = length > 60 && random_() % 100 < std::min<size_t>(length / 4, 95);
    return hurry && !closing.empty() ? one_of(closing) : one_of(allowed);
  }

  std::shared_ptr<const Grammar> grammar_;
  std::mt19937 random_;
};

OrderedJson answer(const OrderedJson& request) {
  const auto grammar = grammar_of(request);
  OrderedJson reply = {{"matches", OrderedJson::array()}, {"samples", OrderedJson::array()}};
  for (const auto& text : request.value("match", OrderedJson::array())) {
    reply["matches"].push_back(grammar->matches(text.get<std::string>()));
  }
  Sampler sampler(grammar, request.value("seed", 1u));
  for (size_t i = 0; i < request.value("sample", size_t{0}); ++i) {
    if (auto text = sampler.sample()) reply["samples"].push_back(std::move(*text));
  }
  return reply;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    OrderedJson reply;
    try {
      reply = answer(OrderedJson::parse(line));
    } catch (const Error& error) {
      reply = {{"error", error.what()}, {"code", shenbi::code_info(error.code()).name}};
    } catch (const std::exception& error) {
      reply = {{"bug", error.what()}};
    }
    fmt::print("{}\n", reply.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
    std::fflush(stdout);
  }
}
