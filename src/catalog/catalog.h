#pragma once
// Which models there are, who made them, what they take and what they cost (docs/catalog.md). The program holds one
// (data/catalog.json); a file of the user's lies over it, model by model.
//
//   Catalog catalog = Catalog::built_in();
//   catalog.merge(Catalog::parse(text, "mine.json"));
//   if (const Price* price = catalog.price("openai", "gpt-4.1")) ...

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/model.h"

namespace shenbi::catalog {

class Catalog {
 public:
  Catalog() = default;
  explicit Catalog(std::vector<Model> models, std::string date = "");

  /// Our own form. Throws Error{kCorruptFile} naming `what`, the model and the field: a field that is not known, a
  /// figure out of bounds, an id twice.
  static Catalog parse(std::string_view json, std::string_view what);
  /// The one inside the program.
  static Catalog built_in();

  /// Its models replace those of the same id and join the others.
  void merge(const Catalog& other);
  /// What parse() reads, a model a line.
  std::string to_json() const;

  const std::vector<Model>& models() const noexcept { return models_; }
  const std::string& date() const noexcept { return date_; }
  const Model* find(std::string_view id) const;
  /// By id, by name or by a house's own name of it, whatever the case.
  const Model* look_up(std::string_view word) const;
  /// What the house asks for what it calls `model`. Only an exact name counts: a version may cost what it likes.
  const Price* price(std::string_view house, std::string_view model) const;
  /// The model that the house sells under that name.
  const Model* sold(std::string_view house, std::string_view model) const;

 private:
  void index();
  std::vector<Model> models_;
  std::string date_;
  std::map<std::string, size_t, std::less<>> by_id_;
  std::map<std::pair<std::string, std::string>, std::pair<size_t, size_t>> by_price_;  // model and price of it
};

}  // namespace shenbi::catalog
