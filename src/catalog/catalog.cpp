#include "catalog/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "catalog/rows.h"

// data/catalog.json, taken in whole by the assembler.
asm("  .section .rodata\n"
    "  .global shenbi_catalog_begin\n"
    "  .global shenbi_catalog_end\n"
    "shenbi_catalog_begin:\n"
    "  .incbin \"" SHENBI_CATALOG_FILE
    "\"\n"
    "shenbi_catalog_end:\n"
    "  .byte 0\n"
    "  .previous\n");
extern "C" const char shenbi_catalog_begin[], shenbi_catalog_end[];

namespace shenbi::catalog {
namespace {

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// The part behind the maker's name.
std::string_view short_id(std::string_view id) { return id.substr(id.find('/') + 1); }

}  // namespace

Catalog::Catalog(std::vector<Model> models, std::string date) : models_(std::move(models)), date_(std::move(date)) {
  index();
}

Catalog Catalog::built_in() {
  return parse({shenbi_catalog_begin, static_cast<size_t>(shenbi_catalog_end - shenbi_catalog_begin)},
               "the built-in catalog");
}

Catalog Catalog::parse(std::string_view json, std::string_view what) {
  const auto fail = [&](std::string_view why) { throw Error(Code::kCorruptFile, fmt::format("{}: {}", what, why)); };
  if (json.size() > limits::kMaxCatalogBytes) fail(fmt::format("larger than {} bytes", limits::kMaxCatalogBytes));
  const Json root = parse_json(json, what, 8);
  if (!root.is_object() || !root.contains("models") || !root["models"].is_array()) fail("models: expected a list");
  if (root.value("version", Json()) != 1) fail("version: only 1 is known");
  for (const auto& [name, value] : root.items()) {
    if (name != "version" && name != "date" && name != "models") fail(name + ": no such field");
  }
  const Json date = root.value("date", Json(""));
  if (!date.is_string() || date.get_ref<const std::string&>().size() > 32) fail("date: expected a day");
  if (root["models"].size() > limits::kMaxCatalogModels)
    fail(fmt::format("more than {} models", limits::kMaxCatalogModels));
  std::vector<Model> models;
  for (const Json& one : root["models"]) models.push_back(read_model(one, what));
  const size_t count = models.size();
  Catalog catalog(std::move(models), date);
  if (catalog.by_id_.size() != count) fail("an id stands in it twice");
  return catalog;
}

void Catalog::merge(const Catalog& other) {
  for (const Model& model : other.models_) {
    const auto old = by_id_.find(model.id);
    if (old != by_id_.end()) {
      models_[old->second] = model;
    } else {
      models_.push_back(model);
    }
  }
  date_ = std::max(date_, other.date_);
  index();
}

void Catalog::index() {
  by_id_.clear();
  by_price_.clear();
  for (size_t i = 0; i < models_.size(); ++i) {
    by_id_.emplace(models_[i].id, i);
    for (size_t p = 0; p < models_[i].prices.size(); ++p) {
      for (const std::string& name : models_[i].prices[p].models)
        by_price_.emplace(std::pair(models_[i].prices[p].house, name), std::pair(i, p));
    }
  }
}

std::string Catalog::to_json() const {
  std::string out = fmt::format("{{\n \"version\": 1,\n \"date\": {},\n \"models\": [", Json(date_).dump());
  for (size_t i = 0; i < models_.size(); ++i) out += (i ? ",\n  " : "\n  ") + write_model(models_[i]).dump();
  return out + "\n ]\n}\n";
}

const Model* Catalog::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &models_[found->second];
}

const Model* Catalog::look_up(std::string_view word) const {
  for (const Model& model : models_) {
    if (same(model.id, word) || same(short_id(model.id), word) || same(model.name, word)) return &model;
  }
  for (const Model& model : models_) {
    for (const Price& price : model.prices) {
      for (const std::string& name : price.models) {
        if (same(name, word) || same(price.house + "/" + name, word)) return &model;
      }
    }
  }
  return nullptr;
}

const Price* Catalog::price(std::string_view house, std::string_view model) const {
  const auto found = by_price_.find(std::pair(std::string(house), std::string(model)));
  return found == by_price_.end() ? nullptr : &models_[found->second.first].prices[found->second.second];
}

const Model* Catalog::sold(std::string_view house, std::string_view model) const {
  const auto found = by_price_.find(std::pair(std::string(house), std::string(model)));
  return found == by_price_.end() ? nullptr : &models_[found->second.first];
}

}  // namespace shenbi::catalog
