#include "catalog/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <set>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::catalog {
namespace {

constexpr double kMillion = 1e6;
constexpr double kMaxDollars = 1e6;  // of one million tokens, or of one image: far beyond any house, far within 64 bits

// Reads the fields of one object; what nobody asked for is an error at the end.
class Reader {
 public:
  Reader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) fail("", "expected an object");
  }

  [[noreturn]] void fail(std::string_view field, std::string_view why) const {
    throw Error(Code::kCorruptFile, fmt::format("{}{}{}: {}", where_, field.empty() ? "" : ".", field, why));
  }

  const Json* find(const char* field) {
    asked_.insert(field);
    const auto found = json_.find(field);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  std::string text(const char* field) {
    const Json* value = find(field);
    if (!value) return "";
    if (!value->is_string()) fail(field, "expected a text");
    std::string text = *value;
    if (text.size() > limits::kMaxCatalogTextBytes)
      fail(field, fmt::format("longer than {} bytes", limits::kMaxCatalogTextBytes));
    // It goes to terminals: nothing in it may steer one.
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
      fail(field, "holds a control character");
    return text;
  }

  std::string needed(const char* field) {
    std::string value = text(field);
    if (value.empty()) fail(field, "is missing");
    return value;
  }

  std::string one_of(const char* field, std::initializer_list<std::string_view> words) {
    std::string value = text(field);
    if (!value.empty() && std::find(words.begin(), words.end(), value) == words.end())
      fail(field, fmt::format("'{}' is not one of: {}", value, fmt::join(words, ", ")));
    return value;
  }

  bool flag(const char* field) {
    const Json* value = find(field);
    if (value && !value->is_boolean()) fail(field, "expected true or false");
    return value && value->get<bool>();
  }

  std::optional<uint64_t> count(const char* field) {
    const Json* value = find(field);
    if (!value) return std::nullopt;
    if (!value->is_number_unsigned() || *value == 0 || value->get<uint64_t>() > limits::kMaxContext)
      fail(field,
           fmt::format("expected a whole number from 1 to {}; leave it out if it is not known", limits::kMaxContext));
    return value->get<uint64_t>();
  }

  /// Dollars for `units` pieces, as what one of them costs.
  std::optional<PicoUsd> price(const char* field, double units) {
    const Json* value = find(field);
    if (!value) return std::nullopt;
    const double given = value->is_number() ? value->get<double>() : -1;
    if (!(given >= 0 && given <= kMaxDollars))
      fail(field, fmt::format("expected dollars from 0 to {}; leave it out if it is not known", kMaxDollars));
    return std::llround(given * (kPicoOfDollar / units));
  }

  template <class Use>
  void each(const char* field, size_t most, const Use& use) {
    const Json* value = find(field);
    if (!value) return;
    if (!value->is_array() || value->size() > most) fail(field, fmt::format("expected a list of at most {}", most));
    for (size_t i = 0; i < value->size(); ++i) use((*value)[i], fmt::format("{}.{}[{}]", where_, field, i));
  }

  std::vector<std::string> texts(const char* field, size_t most) {
    std::vector<std::string> all;
    each(field, most, [&](const Json& item, const std::string& where) {
      const Json wrapped = {{"text", item}};
      all.push_back(Reader(wrapped, where).needed("text"));
    });
    return all;
  }

  std::string inside(const char* field) const { return where_ + "." + field; }

  void end() const {
    for (const auto& [name, value] : json_.items()) {
      if (!asked_.contains(name)) fail(name, "no such field");
    }
  }

 private:
  const Json& json_;
  const std::string where_;
  std::set<std::string, std::less<>> asked_;
};

void read_tier(Reader& reader, Tier& tier) {
  tier.input = reader.price("input", kMillion);
  tier.output = reader.price("output", kMillion);
  tier.cache_read = reader.price("cache_read", kMillion);
  tier.cache_write = reader.price("cache_write", kMillion);
  tier.cache_write_1h = reader.price("cache_write_1h", kMillion);
}

Tier read_tier(Reader& reader, const char* field) {
  Tier tier;
  const Json* json = reader.find(field);
  if (!json) return tier;
  Reader inner(*json, reader.inside(field));
  read_tier(inner, tier);
  inner.end();
  return tier;
}

Step read_step(const Json& json, std::string where) {
  Reader reader(json, std::move(where));
  Step step;
  step.above = reader.count("above").value_or(0);
  if (step.above == 0) reader.fail("above", "is missing");
  read_tier(reader, step.tier);
  reader.end();
  return step;
}

Price read_price(const Json& json, std::string where) {
  Reader reader(json, std::move(where));
  Price price;
  price.house = reader.needed("house");
  price.models = reader.texts("models", limits::kMaxCatalogList);
  price.tokens = read_tier(reader, "tokens");
  price.batch = read_tier(reader, "batch");
  price.image_tokens = read_tier(reader, "image_tokens");
  reader.each("over", limits::kMaxCatalogList, [&](const Json& item, std::string at) {
    price.over.push_back(read_step(item, std::move(at)));
    const size_t n = price.over.size();
    if (n > 1 && price.over[n - 2].above >= price.over[n - 1].above) reader.fail("over", "steps must ascend");
  });
  price.image = reader.price("image", 1);
  price.second = reader.price("second", 1);
  price.character = reader.price("million_characters", kMillion);
  price.source = reader.needed("source");
  price.date = reader.needed("date");
  price.from = reader.text("from");
  reader.end();
  return price;
}

std::vector<std::string> read_modalities(Reader& reader, const char* field) {
  static constexpr std::string_view kKnown[] = {"text", "image", "audio", "video", "vector"};
  std::vector<std::string> all = reader.texts(field, std::size(kKnown));
  for (const std::string& one : all) {
    if (std::find(std::begin(kKnown), std::end(kKnown), one) == std::end(kKnown))
      reader.fail(field, fmt::format("'{}' is not one of: {}", one, fmt::join(kKnown, ", ")));
  }
  return all;
}

using Out = nlohmann::ordered_json;

// A price is written as it was read: 2.5 comes back as 2.5.
void put(Out& out, const char* field, const std::optional<PicoUsd>& price, int64_t units) {
  if (price) out[field] = dollars(*price, units);
}

Out tier_json(const Tier& tier) {
  Out out = Out::object();
  put(out, "input", tier.input, 1'000'000);
  put(out, "output", tier.output, 1'000'000);
  put(out, "cache_read", tier.cache_read, 1'000'000);
  put(out, "cache_write", tier.cache_write, 1'000'000);
  put(out, "cache_write_1h", tier.cache_write_1h, 1'000'000);
  return out;
}

void put(Out& out, const char* field, const std::string& text) {
  if (!text.empty()) out[field] = text;
}

void put(Out& out, const char* field, const Tier& tier) {
  if (tier != Tier{}) out[field] = tier_json(tier);
}

Out price_json(const Price& price) {
  Out out = {{"house", price.house}, {"models", price.models}};
  put(out, "tokens", price.tokens);
  put(out, "batch", price.batch);
  for (const Step& step : price.over) {
    Out one = {{"above", step.above}};
    one.update(tier_json(step.tier));
    out["over"].push_back(one);
  }
  put(out, "image", price.image, 1);
  put(out, "second", price.second, 1);
  put(out, "million_characters", price.character, 1'000'000);
  put(out, "image_tokens", price.image_tokens);
  put(out, "source", price.source);
  put(out, "date", price.date);
  put(out, "from", price.from);
  return out;
}

}  // namespace

double dollars(PicoUsd pico, int64_t units) {
  return static_cast<double>(pico) / (kPicoOfDollar / static_cast<double>(units));
}

Model read_model(const Json& json, std::string_view what) {
  const bool named = json.is_object() && json.contains("id") && json["id"].is_string();
  Reader reader(json,
                named ? fmt::format("{}: {}", what, json["id"].get<std::string>().substr(0, 100)) : std::string(what));
  Model model;
  model.id = reader.needed("id");
  model.name = reader.needed("name");
  model.maker = reader.text("maker");
  model.kind = reader.one_of("class", {"language", "vision", "multimodal", "audio"});
  model.level = reader.one_of("level", {"L0", "L1", "L2"});
  model.open = reader.one_of("open", {"closed", "weights"});
  model.licence = reader.text("licence");
  model.input = read_modalities(reader, "input");
  model.output = read_modalities(reader, "output");
  model.tools = reader.flag("tools");
  model.thinking = reader.flag("thinking");
  model.retired = reader.flag("retired");
  model.ends = reader.text("ends");
  model.context = reader.count("context");
  model.max_output = reader.count("max_output");
  model.source = reader.text("source");
  model.date = reader.text("date");
  model.context_from = reader.text("context_from");
  if ((model.context || model.max_output) && model.source.empty()) reader.fail("source", "figures need one");
  model.no_api = reader.text("no_api");
  model.no_api_zh = reader.text("no_api_zh");
  model.nearest = reader.text("nearest");
  reader.each("prices", limits::kMaxCatalogList,
              [&](const Json& item, std::string at) { model.prices.push_back(read_price(item, std::move(at))); });
  reader.end();
  return model;
}

Out write_model(const Model& model) {
  Out out = {{"id", model.id}, {"name", model.name}};
  put(out, "maker", model.maker);
  put(out, "class", model.kind);
  put(out, "level", model.level);
  put(out, "open", model.open);
  put(out, "licence", model.licence);
  out["input"] = model.input;
  out["output"] = model.output;
  if (model.tools) out["tools"] = true;
  if (model.thinking) out["thinking"] = true;
  if (model.retired) out["retired"] = true;
  put(out, "ends", model.ends);
  if (model.context) out["context"] = *model.context;
  if (model.max_output) out["max_output"] = *model.max_output;
  put(out, "source", model.source);
  put(out, "date", model.date);
  put(out, "context_from", model.context_from);
  put(out, "no_api", model.no_api);
  put(out, "no_api_zh", model.no_api_zh);
  put(out, "nearest", model.nearest);
  for (const Price& price : model.prices) out["prices"].push_back(price_json(price));
  return out;
}

}  // namespace shenbi::catalog
