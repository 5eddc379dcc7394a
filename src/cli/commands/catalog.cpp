// shenbi catalog: which models there are, what they take and what they cost.

#include "catalog/catalog.h"

#include <fmt/format.h>

#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "base/error.h"
#include "base/folders.h"
#include "base/json.h"
#include "base/limits.h"
#include "catalog/filter.h"
#include "catalog/library.h"
#include "catalog/rows.h"
#include "catalog/update.h"
#include "cli/command.h"
#include "formats/atomic_file.h"
#include "formats/checkpoint.h"
#include "formats/inspect.h"
#include "formats/model_store.h"
#include "net/http.h"

namespace shenbi::cli::commands {
namespace {

using catalog::Catalog;
using catalog::Model;
using catalog::Price;

struct Options {
  std::string verb = "list";
  std::vector<std::string> words;
  bool json = false;
};

constexpr const char* kUnknown = "unknown";

void add_local_files(Catalog& all) {
  const formats::ModelStore store(data_folder());
  std::vector<Model> files;
  for (const formats::StoredModel& stored : store.list()) {
    const auto path = store.find(stored.name);
    if (!path) continue;
    catalog::LocalFile file{.name = stored.name};
    try {
      const formats::Inspection seen = formats::inspect(*formats::Checkpoint::open(*path));
      file.context = seen.context_length.value_or(0);
      file.tools = seen.chat_template && seen.chat_template->find("tools") != std::string::npos;
      file.thinking = seen.chat_template && seen.chat_template->find("<think>") != std::string::npos;
    } catch (const Error&) {  // a damaged file is named by whoever loads it
    }
    files.push_back(catalog::local_model(file));
  }
  all.merge(Catalog(std::move(files)));
}

Catalog everything() {
  Catalog all = *catalog::Library(catalog::user_file(data_folder())).current();
  add_local_files(all);
  return all;
}

// "131k", "1M": as people say it.
std::string tokens(const std::optional<uint64_t>& count) {
  if (!count) return kUnknown;
  if (*count >= 1'000'000) return fmt::format("{:.3g}M", static_cast<double>(*count) * 1e-6);
  return *count >= 1000 ? fmt::format("{}k", *count / 1000) : fmt::to_string(*count);
}

std::string dollars(const std::optional<catalog::PicoUsd>& price, int64_t units) {
  return price ? fmt::format("{:.9g}", catalog::dollars(*price, units)) : kUnknown;
}

constexpr int64_t kMillion = 1'000'000;

// The price of one line: tokens if the model is sold by them.
std::string short_price(const Price& price) {
  if (price.tokens.input || price.tokens.output)
    return fmt::format("{} in, {} out $/M", dollars(price.tokens.input, kMillion),
                       dollars(price.tokens.output, kMillion));
  if (price.image) return fmt::format("{} $ an image", dollars(price.image, 1));
  if (price.second) return fmt::format("{} $ a second", dollars(price.second, 1));
  if (price.character) return fmt::format("{} $/M characters", dollars(price.character, kMillion));
  return kUnknown;
}

std::string shape(const Model& model) {
  return fmt::format("{}>{}", fmt::join(model.input, "+"), fmt::join(model.output, "+"));
}

std::string price_column(const Model& model) {
  if (model.local()) return "0 (this machine)";
  if (!model.no_api.empty()) return "no API; nearest: " + model.nearest;
  if (model.prices.empty()) return kUnknown;
  return short_price(model.prices.front()) + " at " + model.prices.front().house +
         (model.retired ? " (withdrawn)" : "");
}

int list(const Catalog& all, const Options& options) {
  const auto found = catalog::filtered(all, fmt::format("{}", fmt::join(options.words, ",")));
  if (options.json) {
    std::vector<Model> models;
    for (const Model* model : found) models.push_back(*model);
    std::cout << Catalog(std::move(models), all.date()).to_json();
    return 0;
  }
  for (const Model* model : found) {
    std::cout << fmt::format("{:<36} {:>8}  {:<28} {}\n", model->id, tokens(model->context), shape(*model),
                             price_column(*model));
  }
  std::cerr << fmt::format("{} of {} models; figures of {}\n", found.size(), all.models().size(), all.date());
  return found.empty() ? 1 : 0;
}

void print_tier(std::string_view name, const catalog::Tier& tier) {
  if (tier == catalog::Tier{}) return;
  std::cout << fmt::format("    {:<22} in {}, out {}, cache read {}, cache write {} $/M\n", name,
                           dollars(tier.input, kMillion), dollars(tier.output, kMillion),
                           dollars(tier.cache_read, kMillion), dollars(tier.cache_write, kMillion));
}

void print_price(const Price& price) {
  std::cout << fmt::format("  at {} as {}\n", price.house, fmt::join(price.models, ", "));
  print_tier("tokens", price.tokens);
  for (const catalog::Step& step : price.over)
    print_tier(fmt::format("prompts over {}", tokens(step.above)), step.tier);
  print_tier("batch", price.batch);
  print_tier("tokens of images", price.image_tokens);
  if (price.image) std::cout << fmt::format("    an image               {} $\n", dollars(price.image, 1));
  if (price.second) std::cout << fmt::format("    a second               {} $\n", dollars(price.second, 1));
  if (price.character)
    std::cout << fmt::format("    a million characters   {} $\n", dollars(price.character, kMillion));
  std::cout << fmt::format("    source                 {}{}{}\n", price.source, price.date.empty() ? "" : ", ",
                           price.date);
}

const Model& named(const Catalog& all, const std::string& word) {
  if (const Model* model = all.look_up(word)) return *model;
  throw Error(Code::kNotFound, fmt::format("no model '{}' in the catalog; see: shenbi catalog list {}", word, word));
}

const std::string& or_unknown(const std::string& text) {
  static const std::string unknown = kUnknown;
  return text.empty() ? unknown : text;
}

int show(const Catalog& all, const Options& options) {
  if (options.words.size() != 1) throw Error(Code::kInvalidArgument, "catalog show: name one model");
  const Model& model = named(all, options.words.front());
  if (options.json) {
    std::cout << catalog::write_model(model).dump(2) << '\n';
    return 0;
  }
  std::cout << fmt::format("{}  {}\n", model.id, model.name);
  const auto line = [](std::string_view name, std::string_view value) {
    std::cout << fmt::format("  {:<12} {}\n", name, value);
  };
  line("maker", or_unknown(model.maker));
  line("class", or_unknown(model.kind) + (model.level.empty() ? "" : ", " + model.level));
  line("licence", or_unknown(model.licence) + (model.open == "weights" ? ", weights can be had" : ""));
  line("takes", fmt::format("{}", fmt::join(model.input, ", ")));
  line("makes", fmt::format("{}", fmt::join(model.output, ", ")));
  line("context", tokens(model.context));
  line("answer", tokens(model.max_output));
  if (!model.source.empty()) line("source", model.source + (model.date.empty() ? "" : ", " + model.date));
  if (model.retired) line("withdrawn", "its maker no longer offers it");
  if (!model.ends.empty()) line("ends", model.ends);
  if (!model.no_api.empty()) line("no API", model.no_api + " Nearest: " + model.nearest);
  if (model.prices.empty() && model.no_api.empty()) line("price", kUnknown);
  for (const Price& price : model.prices) print_price(price);
  return 0;
}

int compare(const Catalog& all, const Options& options) {
  if (options.words.size() < 2) throw Error(Code::kInvalidArgument, "catalog compare: name two models or more");
  std::vector<const Model*> models;
  for (const std::string& word : options.words) models.push_back(&named(all, word));
  const auto row = [&](std::string_view name, const auto& value) {
    std::string line = fmt::format("{:<12}", name);
    for (const Model* model : models) line += fmt::format(" {:<24}", value(*model));
    std::cout << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  };
  const auto tier = [](std::optional<catalog::PicoUsd> catalog::Tier::* field) {
    return [field](const Model& m) {
      return m.prices.empty() ? kUnknown : dollars(m.prices.front().tokens.*field, kMillion);
    };
  };
  row("", [](const Model& m) { return m.name; });
  row("maker", [](const Model& m) { return or_unknown(m.maker); });
  row("class", [](const Model& m) { return or_unknown(m.kind); });
  row("licence", [](const Model& m) { return or_unknown(m.licence); });
  row("takes", [](const Model& m) { return fmt::format("{}", fmt::join(m.input, "+")); });
  row("makes", [](const Model& m) { return fmt::format("{}", fmt::join(m.output, "+")); });
  row("context", [](const Model& m) { return tokens(m.context); });
  row("answer", [](const Model& m) { return tokens(m.max_output); });
  row("tools", [](const Model& m) { return m.tools ? "yes" : "no"; });
  row("thinking", [](const Model& m) { return m.thinking ? "yes" : "no"; });
  row("house", [](const Model& m) { return m.prices.empty() ? kUnknown : m.prices.front().house; });
  row("in $/M", tier(&catalog::Tier::input));
  row("out $/M", tier(&catalog::Tier::output));
  row("cached $/M", tier(&catalog::Tier::cache_read));
  return 0;
}

std::string fetch(const std::string& place) {
  if (place.starts_with("http://") || place.starts_with("https://")) {
    const net::Response answer = net::get(place, {.max_bytes = limits::kMaxCatalogBytes});
    if (answer.status != 200)
      throw Error(net::error_code(answer.status), fmt::format("{}: status {}", place, answer.status));
    return answer.body;
  }
  std::ifstream in(place, std::ios::binary);
  if (!in) throw Error(Code::kNotFound, fmt::format("{}: cannot be read", place));
  std::string text(limits::kMaxCatalogBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

int update(const Options& options) {
  if (options.words.size() != 1) throw Error(Code::kInvalidArgument, "catalog update: name one file or address");
  const std::string& place = options.words.front();
  if (place.size() > limits::kMaxCatalogTextBytes)
    throw Error(Code::kInvalidArgument, "catalog update: the name is too long");
  const auto file = catalog::user_file(data_folder());
  Catalog mine;
  if (std::filesystem::exists(file)) mine = Catalog::parse(fetch(file.string()), file.string());
  Catalog now = Catalog::built_in();
  now.merge(mine);
  const catalog::Update found = catalog::read_update(fetch(place), now, place, today());
  mine.merge(found.changes);
  const std::string text = mine.to_json();
  (void)Catalog::parse(text, "the new catalog");  // what cannot be read again is not written
  std::filesystem::create_directories(file.parent_path());
  formats::AtomicFile out(file);
  out.write(text);
  out.commit();
  std::cout << fmt::format("{} ({}): {} models new, {} changed, {} entries without a house or a figure we know\n",
                           place, found.form, found.added, found.changed, found.skipped);
  return 0;
}

int execute(const Options& options) {
  if (options.verb == "update") return update(options);
  const Catalog all = everything();
  if (options.verb == "show") return show(all, options);
  if (options.verb == "compare") return compare(all, options);
  return list(all, options);
}

}  // namespace

Command catalog() {
  auto options = std::make_shared<Options>();
  return {.name = "catalog",
          .summary = "Show which models there are, what they take and what they cost",
          .group = "Look inside",
          .declare =
              [options](Arguments& args) {
                args.positional("VERB", options->verb, "list, show, compare, or update from a file or address")
                    .choices({"list", "show", "compare", "update"});
                args.positional("WORDS", options->words,
                                "list: conditions; show and compare: models; update: where the newer figures are");
                args.flag("--json", options->json, "list, show: print JSON for programs");
                args.example(
                    "  shenbi catalog list 'vision,ctx>=100k,out<=1$/M'\n"
                    "  shenbi catalog list 'text>video'\n"
                    "  shenbi catalog show gpt-4.1\n"
                    "  shenbi catalog compare gpt-4.1 claude-sonnet-5-5 gemma-3-27b\n"
                    "  shenbi catalog update https://openrouter.ai/api/v1/models");
                args.footer(
                    "Conditions: vision audio video tools thinking embeddings open closed local api current L0 L1 L2,\n"
                    "ctx>=100k max>=8k in<=1$/M out<=5$/M cached<=1$/M, text>image, class=vision maker=openai "
                    "house=deepseek,\n"
                    "or a part of a name. What is not known of a model does not hold.");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
