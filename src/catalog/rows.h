#pragma once
// A model as JSON, both ways.

#include <string_view>

#include "base/json.h"
#include "catalog/model.h"

namespace shenbi::catalog {

inline constexpr double kPicoOfDollar = 1e12;  ///< prices are whole numbers of these

/// Throws Error{kCorruptFile} naming the model and the field.
Model read_model(const Json& json, std::string_view what);
nlohmann::ordered_json write_model(const Model& model);

/// Dollars as they are written for people, for one, a thousand or a million of `unit`s: exact to 1e-12.
double dollars(PicoUsd pico, int64_t units);

}  // namespace shenbi::catalog
