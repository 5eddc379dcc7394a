#include "catalog/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::catalog {
namespace {

bool holds(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

[[noreturn]] void refuse(std::string_view word, std::string_view why) {
  throw Error(Code::kInvalidArgument, fmt::format("filter: '{}': {}", word, why));
}

// "100k", "1M", "0.5", "$1", "1$/M", "1/M".
double number(std::string_view text, std::string_view word, bool money) {
  std::string_view rest = text;
  if (money) {
    if (rest.ends_with("/M")) rest.remove_suffix(2);
    if (rest.ends_with("$")) rest.remove_suffix(1);
    if (rest.starts_with("$")) rest.remove_prefix(1);
  }
  double times = 1;
  if (!money && (rest.ends_with('k') || rest.ends_with('K'))) times = 1e3;
  if (!money && (rest.ends_with('m') || rest.ends_with('M'))) times = 1e6;
  if (times > 1) rest.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || end != rest.data() + rest.size() || !std::isfinite(value) || value < 0)
    refuse(word, money ? "expected dollars per million tokens, as in out<=1$/M" : "expected a number, as in ctx>=100k");
  return value * times;
}

// The least that any house asks.
std::optional<double> cheapest(const Model& model, std::optional<PicoUsd> Tier::* field) {
  std::optional<double> least;
  for (const Price& price : model.prices) {
    if (!(price.tokens.*field)) continue;
    const double per_million = static_cast<double>(*(price.tokens.*field)) * 1e-6;
    if (!least || per_million < *least) least = per_million;
  }
  return least;
}

const std::map<std::string_view, Condition>& plain_words() {
  static const std::map<std::string_view, Condition> words = {
      {"vision", [](const Model& m) { return holds(m.input, "image"); }},
      {"audio", [](const Model& m) { return holds(m.input, "audio"); }},
      {"video", [](const Model& m) { return holds(m.input, "video"); }},
      {"embeddings", [](const Model& m) { return holds(m.output, "vector"); }},
      {"tools", [](const Model& m) { return m.tools; }},
      {"thinking", [](const Model& m) { return m.thinking; }},
      {"open", [](const Model& m) { return m.open == "weights"; }},
      {"closed", [](const Model& m) { return m.open == "closed"; }},
      {"local", [](const Model& m) { return m.local(); }},
      {"current", [](const Model& m) { return !m.retired; }},
      {"api", [](const Model& m) { return !m.prices.empty() && !m.local() && !m.retired; }},
      {"L0", [](const Model& m) { return m.level == "L0"; }},
      {"L1", [](const Model& m) { return m.level == "L1"; }},
      {"L2", [](const Model& m) { return m.level == "L2"; }},
  };
  return words;
}

Condition compared(std::string_view word, std::string_view name, bool at_least, std::string_view value) {
  const bool money = name == "in" || name == "out" || name == "cached";
  const double bound = number(value, word, money);
  std::function<std::optional<double>(const Model&)> figure;
  const auto known = [](const std::optional<uint64_t>& n) -> std::optional<double> {
    if (!n) return std::nullopt;
    return static_cast<double>(*n);
  };
  if (name == "ctx") figure = [known](const Model& m) { return known(m.context); };
  if (name == "max") figure = [known](const Model& m) { return known(m.max_output); };
  if (name == "in") figure = [](const Model& m) { return cheapest(m, &Tier::input); };
  if (name == "out") figure = [](const Model& m) { return cheapest(m, &Tier::output); };
  if (name == "cached") figure = [](const Model& m) { return cheapest(m, &Tier::cache_read); };
  if (!figure) refuse(word, "known are ctx, max, in, out and cached");
  return [figure, bound, at_least](const Model& model) {
    const auto value = figure(model);
    return value && (at_least ? *value >= bound : *value <= bound);
  };
}

Condition equal(std::string_view word, std::string_view name, std::string_view value) {
  const std::string wanted = lower(value);
  if (name == "class") return [wanted](const Model& m) { return m.kind == wanted; };
  if (name == "maker") return [wanted](const Model& m) { return lower(m.maker).find(wanted) != std::string::npos; };
  if (name == "house")
    return [wanted](const Model& m) {
      return std::any_of(m.prices.begin(), m.prices.end(), [&](const Price& p) { return lower(p.house) == wanted; });
    };
  refuse(word, "known are class, maker and house");
}

Condition condition(std::string_view word) {
  if (const auto found = plain_words().find(word); found != plain_words().end()) return found->second;
  for (const std::string_view sign : {">=", "<="}) {
    if (const size_t at = word.find(sign); at != std::string_view::npos)
      return compared(word, word.substr(0, at), sign == ">=", word.substr(at + 2));
  }
  if (const size_t at = word.find('='); at != std::string_view::npos)
    return equal(word, word.substr(0, at), word.substr(at + 1));
  if (const size_t at = word.find('>'); at != std::string_view::npos)
    return [from = std::string(word.substr(0, at)), to = std::string(word.substr(at + 1))](const Model& m) {
      return holds(m.input, from) && holds(m.output, to);
    };
  return [wanted = lower(word)](const Model& m) {
    return (lower(m.id) + '\n' + lower(m.name) + '\n' + lower(m.maker)).find(wanted) != std::string::npos;
  };
}

}  // namespace

std::vector<Condition> read_filter(std::string_view words) {
  if (words.size() > limits::kMaxCatalogTextBytes)
    throw Error(Code::kInvalidArgument, fmt::format("filter: longer than {} bytes", limits::kMaxCatalogTextBytes));
  std::vector<Condition> all;
  while (!words.empty()) {
    const size_t end = std::min(words.find(','), words.size());
    std::string_view word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    if (!word.empty()) all.push_back(condition(word));
  }
  return all;
}

std::vector<const Model*> filtered(const Catalog& catalog, std::string_view words) {
  const auto conditions = read_filter(words);
  std::vector<const Model*> found;
  for (const Model& model : catalog.models()) {
    if (std::all_of(conditions.begin(), conditions.end(), [&](const Condition& holds) { return holds(model); }))
      found.push_back(&model);
  }
  return found;
}

}  // namespace shenbi::catalog
