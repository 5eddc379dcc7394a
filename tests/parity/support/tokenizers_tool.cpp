// Drives the tokenizers from scripts.
//
//   tokenizers_tool KIND FILE [--plain|--special|--text|--both] < texts   one JSON string a line in, one array of ids a
//   line out tokenizers_tool KIND FILE --time TEXT_FILE           {"seconds": CPU time of one encode, "ids": count,
//   "hash": of ids}
//
// KIND: json (tokenizer.json), sentencepiece (tokenizer.model), tiktoken ({"ranks": path, "pattern", "special"}), gguf
// (the vocabulary of a GGUF file as JSON). --special parses control tokens; --plain neither parses nor adds any; --text
// adds.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/error.h"
#include "base/json.h"
#include "tokenizers/pre_names.h"
#include "tokenizers/tokenizer.h"

using shenbi::Json;
using shenbi::tokenizers::EncodeOptions;
using shenbi::tokenizers::GgufVocabulary;
using shenbi::tokenizers::Tokenizer;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw shenbi::Error(shenbi::Code::kNotFound, path + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unique_ptr<Tokenizer> from_gguf_json(const Json& file) {
  GgufVocabulary vocabulary;
  std::vector<std::string> tokens = file["tokens"], merges = file.value("merges", std::vector<std::string>{});
  const std::string model = file["model"], pre = file.value("pre", "");
  std::string charsmap;
  for (const int byte : file.value("precompiled_charsmap", std::vector<int>{})) charsmap += static_cast<char>(byte);
  vocabulary.model = model;
  vocabulary.pre = pre;
  vocabulary.tokens.assign(tokens.begin(), tokens.end());
  vocabulary.merges.assign(merges.begin(), merges.end());
  vocabulary.scores = file.value("scores", std::vector<float>{});
  vocabulary.kinds = file.value("token_type", std::vector<int32_t>{});
  vocabulary.precompiled_charsmap = charsmap;
  const auto id = [&](const char* name, std::optional<int32_t>& out) {
    if (file.contains(name)) out = file[name].get<int32_t>();
  };
  id("bos_token_id", vocabulary.bos);
  id("eos_token_id", vocabulary.eos);
  id("unknown_token_id", vocabulary.unknown);
  id("seperator_token_id", vocabulary.separator);
  const auto flag = [&](const char* name, std::optional<bool>& out) {
    if (file.contains(name)) out = file[name].get<bool>();
  };
  flag("add_bos_token", vocabulary.add_bos);
  flag("add_eos_token", vocabulary.add_eos);
  flag("add_space_prefix", vocabulary.add_space_prefix);
  flag("remove_extra_whitespaces", vocabulary.remove_extra_whitespaces);
  return Tokenizer::from_gguf(vocabulary);
}

std::unique_ptr<Tokenizer> load(const std::string& kind, const std::string& path) {
  const std::string bytes = read_file(path);
  if (kind == "json") return Tokenizer::from_tokenizer_json(bytes);
  if (kind == "sentencepiece") return Tokenizer::from_sentencepiece(bytes);
  const Json file = shenbi::parse_json(bytes, path);
  if (kind == "gguf") return from_gguf_json(file);
  std::vector<std::pair<std::string, int32_t>> special;
  for (const auto& [text, id] : file["special"].items()) special.emplace_back(text, id.get<int32_t>());
  return Tokenizer::from_tiktoken(read_file(file["ranks"]), file["pattern"].get<std::string>(), special);
}

void time_encode(const Tokenizer& tokenizer) {
  std::clock_t busy = 0;
  uint64_t hash = 0, count = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const std::string text = shenbi::parse_json(line, "input").get<std::string>();
    const std::clock_t begin = std::clock();
    const std::vector<int32_t> ids = tokenizer.encode(text, {.add_special = false});
    busy += std::clock() - begin;
    count += ids.size();
    for (const int32_t id : ids) hash = (hash * 31 + static_cast<uint64_t>(id)) % 1000000007;
  }
  fmt::print("{{\"seconds\": {}, \"ids\": {}, \"hash\": {}}}\n", static_cast<double>(busy) / CLOCKS_PER_SEC, count,
             hash);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 3) throw shenbi::Error(shenbi::Code::kInvalidArgument, "usage: tokenizers_tool KIND FILE [OPTION]");
    if (std::string(argv[1]) == "patterns") {
      Json patterns = Json::array();
      for (const auto& name : shenbi::tokenizers::pre_names()) {
        for (const std::string_view pattern : name.patterns) patterns.push_back(pattern);
      }
      fmt::print("{}\n", patterns.dump());
      return 0;
    }
    const auto tokenizer = load(argv[1], argv[2]);
    const std::string option = argc > 3 ? argv[3] : "--plain";
    if (option == "--time") {
      time_encode(*tokenizer);
      return 0;
    }
    const EncodeOptions options{.add_special = option == "--text" || option == "--both",
                                .parse_special = option == "--special" || option == "--both"};
    for (std::string line; std::getline(std::cin, line);) {
      const auto ids = tokenizer->encode(shenbi::parse_json(line, "input").get<std::string>(), options);
      fmt::print("[{}]\n", fmt::join(ids, ", "));
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tokenizers_tool: {}\n", error.what());
    return 1;
  }
}
