#include "catalog/update.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "catalog/rows.h"

namespace shenbi::catalog {
namespace {

// LiteLLM's names of the houses that we know, and ours. Where its prices are those of another address than our house's
// own, that address has a name of its own.
const std::map<std::string_view, std::string_view>& litellm_houses() {
  static const std::map<std::string_view, std::string_view> houses = {{"openai", "openai"},
                                                                      {"anthropic", "anthropic"},
                                                                      {"gemini", "gemini"},
                                                                      {"deepseek", "deepseek"},
                                                                      {"xai", "xai"},
                                                                      {"mistral", "mistral"},
                                                                      {"perplexity", "perplexity"},
                                                                      {"volcengine", "ark"},
                                                                      {"zai", "zai"},
                                                                      {"dashscope", "dashscope-intl"},
                                                                      {"moonshot", "moonshot-intl"},
                                                                      {"minimax", "minimax-intl"},
                                                                      {"stability", "stability"},
                                                                      {"runwayml", "runway"},
                                                                      {"elevenlabs", "elevenlabs"}};
  return houses;
}

// Prices come as numbers or as texts; what is none, is 0 or below says nothing.
constexpr double kMostOfToken = 1, kMostOfImage = 1e6;  // dollars; what our own form can say
std::optional<PicoUsd> price(const Json& entry, const std::string& field, double most = kMostOfToken) {
  const auto found = entry.find(field);
  if (found == entry.end()) return std::nullopt;
  double value = 0;
  if (found->is_number()) value = *found;
  if (found->is_string()) {
    const std::string& text = found->get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), value);
  }
  if (!(value > 0 && value <= most)) return std::nullopt;
  return std::llround(value * kPicoOfDollar);
}

std::optional<uint64_t> count(const Json& entry, const char* field) {
  const auto found = entry.find(field);
  if (found == entry.end() || !found->is_number_unsigned()) return std::nullopt;
  const uint64_t value = *found;
  if (value == 0 || value > limits::kMaxContext) return std::nullopt;
  return value;
}

std::string text(const Json& entry, const char* field) {
  const auto found = entry.find(field);
  if (found == entry.end() || !found->is_string()) return "";
  std::string value = *found;
  const bool plain = std::none_of(value.begin(), value.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return plain && value.size() <= limits::kMaxCatalogTextBytes ? value : "";
}

bool flag(const Json& entry, const char* field) { return entry.value(field, Json()) == true; }

std::vector<std::string> modalities(const Json& list) {
  std::vector<std::string> all;
  if (!list.is_array()) return all;
  for (const std::string_view known : {"text", "image", "audio", "video"}) {
    if (std::any_of(list.begin(), list.end(), [&](const Json& one) { return one == known; })) all.emplace_back(known);
  }
  return all;
}

Tier litellm_tier(const Json& entry, const std::string& suffix) {
  return {.input = price(entry, "input_cost_per_token" + suffix),
          .output = price(entry, "output_cost_per_token" + suffix),
          .cache_read = price(entry, "cache_read_input_token_cost" + suffix),
          .cache_write = price(entry, "cache_creation_input_token_cost" + suffix),
          .cache_write_1h = price(entry, "cache_creation_input_token_cost_above_1hr" + suffix)};
}

std::vector<Step> litellm_steps(const Json& entry) {
  constexpr std::string_view kFront = "input_cost_per_token_above_", kBack = "k_tokens";
  std::vector<Step> steps;
  for (const auto& [field, value] : entry.items()) {
    if (!field.starts_with(kFront) || !field.ends_with(kBack) || steps.size() >= limits::kMaxCatalogList) continue;
    uint32_t thousands = 0;
    const char* begin = field.data() + kFront.size();
    const char* end = field.data() + field.size() - kBack.size();
    const auto [stop, error] = std::from_chars(begin, end, thousands);
    if (error != std::errc() || stop != end || thousands == 0 || thousands > limits::kMaxContext / 1000) continue;
    steps.push_back({uint64_t{thousands} * 1000, litellm_tier(entry, fmt::format("_above_{}k_tokens", thousands))});
  }
  std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.above < b.above; });
  return steps;
}

std::optional<PicoUsd> first(const Json& entry, std::initializer_list<const char*> fields) {
  for (const char* field : fields) {
    if (const auto found = price(entry, field, kMostOfImage)) return found;
  }
  return std::nullopt;
}

struct Found {
  Model model;  // without id if the catalog may know it by its price
  Price price;
};

// Nothing: no model of a house we know.
std::optional<Found> from_litellm(const std::string& key, const Json& entry) {
  if (!entry.is_object()) return std::nullopt;
  const std::string provider = text(entry, "litellm_provider");
  const auto house = litellm_houses().find(provider);
  if (house == litellm_houses().end() || key.size() > limits::kMaxCatalogTextBytes / 2) return std::nullopt;
  const std::string name = key.substr(key.starts_with(provider + "/") ? provider.size() + 1 : 0);
  if (entry.contains("tiered_pricing") || name.empty() || name.find('/') != std::string::npos) return std::nullopt;
  Found found;
  found.price = {
      .house = std::string(house->second),
      .models = {name},
      .tokens = litellm_tier(entry, ""),
      .batch = litellm_tier(entry, "_batches"),
      .over = litellm_steps(entry),
      .image = first(entry, {"output_cost_per_image", "input_cost_per_image"}),
      .second = first(entry, {"output_cost_per_video_per_second", "output_cost_per_second", "input_cost_per_second"}),
      .character = price(entry, "input_cost_per_character"),
      .from = "litellm:" + key};
  found.price.image_tokens = {.input = price(entry, "input_cost_per_image_token"),
                              .output = price(entry, "output_cost_per_image_token")};
  found.model.name = name;
  found.model.input = modalities(entry.value("supported_modalities", Json()));
  if (found.model.input.empty()) found.model.input = {"text"};
  if (flag(entry, "supports_vision") && found.model.input.size() == 1) found.model.input.push_back("image");
  found.model.output = modalities(entry.value("supported_output_modalities", Json()));
  if (entry.value("mode", Json()) == "embedding") found.model.output = {"vector"};
  if (entry.value("mode", Json()) == "chat" && found.model.output.empty()) found.model.output = {"text"};
  found.model.tools = flag(entry, "supports_function_calling");
  found.model.thinking = flag(entry, "supports_reasoning");
  found.model.context = count(entry, "max_input_tokens");
  found.model.max_output = count(entry, "max_output_tokens");
  return found;
}

std::optional<Found> from_openrouter(const Json& entry) {
  if (!entry.is_object()) return std::nullopt;
  const std::string id = text(entry, "id");
  const Json pricing = entry.value("pricing", Json());
  if (id.empty() || id.size() > limits::kMaxCatalogTextBytes / 2 || !pricing.is_object()) return std::nullopt;
  Found found;
  found.price = {.house = "openrouter",
                 .models = {id},
                 .tokens = {.input = price(pricing, "prompt"),
                            .output = price(pricing, "completion"),
                            .cache_read = price(pricing, "input_cache_read"),
                            .cache_write = price(pricing, "input_cache_write")},
                 .from = "openrouter:" + id};
  found.model.name = text(entry, "name").empty() ? id : text(entry, "name");
  const Json shape = entry.value("architecture", Json());
  if (shape.is_object()) {
    found.model.input = modalities(shape.value("input_modalities", Json()));
    found.model.output = modalities(shape.value("output_modalities", Json()));
  }
  const Json fields = entry.value("supported_parameters", Json());
  if (fields.is_array()) {
    found.model.tools = std::any_of(fields.begin(), fields.end(), [](const Json& f) { return f == "tools"; });
    found.model.thinking = std::any_of(fields.begin(), fields.end(), [](const Json& f) { return f == "reasoning"; });
  }
  found.model.context = count(entry, "context_length");
  return found;
}

bool same_figures(const Price& a, const Price& b) {
  return a.tokens == b.tokens && a.batch == b.batch && a.image_tokens == b.image_tokens && a.over == b.over &&
         a.image == b.image && a.second == b.second && a.character == b.character;
}

bool has_figures(const Price& price) { return !same_figures(price, Price{}); }

// Gathers what differs from the catalog as it is.
class Changes {
 public:
  Changes(const Catalog& now, std::string source, std::string day)
      : now_(now), source_(std::move(source)), day_(std::move(day)) {
    for (const Model& model : now.models()) {
      for (const Price& price : model.prices) {
        for (const std::string& name : price.models) owners_.emplace(std::pair(price.house, name), model.id);
      }
    }
  }

  void take(Found found) {
    if (!has_figures(found.price)) return void(++update_.skipped);
    found.price.source = source_;
    found.price.date = day_;
    const auto owner = owners_.find(std::pair(found.price.house, found.price.models.front()));
    if (owner != owners_.end()) return reprice(owner->second, found.price);
    found.model.id = fmt::format("{}/{}", found.price.house, found.price.models.front());
    if (now_.find(found.model.id)) found.model.id += "@" + found.price.house;  // another model has the name
    if (found.model.context || found.model.max_output) {
      found.model.source = source_;
      found.model.date = day_;
    }
    found.model.prices = {std::move(found.price)};
    if (changed_.emplace(found.model.id, found.model).second) ++update_.added;
  }

  void skip() { ++update_.skipped; }

  Update done(std::string form) {
    std::vector<Model> models;
    for (auto& [id, model] : changed_) models.push_back(std::move(model));
    update_.changes = Catalog(std::move(models), day_);
    update_.form = std::move(form);
    return std::move(update_);
  }

 private:
  // One name of a row that others share leaves it for a row of its own.
  void reprice(const std::string& id, const Price& fresh) {
    const auto changed = changed_.find(id);
    Model model = changed != changed_.end() ? changed->second : *now_.find(id);
    for (size_t i = 0; i < model.prices.size(); ++i) {
      Price& old = model.prices[i];
      const auto name = std::find(old.models.begin(), old.models.end(), fresh.models.front());
      if (old.house != fresh.house || name == old.models.end()) continue;
      if (same_figures(old, fresh)) return;
      old.models.erase(name);
      if (old.models.empty()) model.prices.erase(model.prices.begin() + static_cast<ptrdiff_t>(i));
      break;
    }
    model.prices.push_back(fresh);
    if (changed == changed_.end()) ++update_.changed;
    changed_.insert_or_assign(id, std::move(model));
  }

  const Catalog& now_;
  const std::string source_, day_;
  std::map<std::pair<std::string, std::string>, std::string> owners_;
  std::map<std::string, Model> changed_;
  Update update_;
};

Update from_own(std::string_view text, const Catalog& now, const std::string& source) {
  Update update{.changes = {}, .form = "shenbi"};
  const Catalog given = Catalog::parse(text, source);
  std::vector<Model> models;
  for (const Model& model : given.models()) {
    const Model* old = now.find(model.id);
    if (old && *old == model) continue;
    ++(old ? update.changed : update.added);
    models.push_back(model);
  }
  update.changes = Catalog(std::move(models), given.date());
  return update;
}

}  // namespace

Update read_update(std::string_view text, const Catalog& now, const std::string& source, const std::string& day) {
  if (text.size() > limits::kMaxCatalogBytes)
    throw Error(Code::kCorruptFile, fmt::format("{}: larger than {} bytes", source, limits::kMaxCatalogBytes));
  const Json root = parse_json(text, source, 12);
  if (root.is_object() && root.contains("version") && root.contains("models")) return from_own(text, now, source);
  Changes changes(now, source, day);
  const auto take = [&](std::optional<Found> found) { found ? changes.take(std::move(*found)) : changes.skip(); };
  const bool list = root.is_object() && root.contains("data") && root["data"].is_array();
  if (!root.is_object() || (list ? root["data"].size() : root.size()) > limits::kMaxCatalogModels)
    throw Error(Code::kCorruptFile,
                fmt::format("{}: expected an object of at most {} models", source, limits::kMaxCatalogModels));
  if (list) {
    for (const Json& entry : root["data"]) take(from_openrouter(entry));
    return changes.done("openrouter");
  }
  const bool litellm = std::any_of(root.begin(), root.end(),
                                   [](const Json& one) { return one.is_object() && one.contains("litellm_provider"); });
  if (!litellm)
    throw Error(Code::kCorruptFile, fmt::format("{}: neither our own form, nor LiteLLM's, nor OpenRouter's", source));
  for (const auto& [key, entry] : root.items()) {
    if (key != "sample_spec") take(from_litellm(key, entry));
  }
  return changes.done("litellm");
}

}  // namespace shenbi::catalog
