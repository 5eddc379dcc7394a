#pragma once
// Which models, said in words: "vision,ctx>=100k,out<=1$/M". Every condition must hold; what is not known of a model
// does not hold.
//
//   vision audio video     it takes pictures, sound, films
//   text>image             it makes the second of the first
//   tools thinking embeddings
//   open closed local      its weights can be had, cannot; it lies on this machine
//   api current            somebody offers it for money; its maker has not withdrawn it
//   L0 L1 L2               what it is for (docs/catalog.md)
//   ctx>=100k max>=8k      context, longest answer
//   in<=1$/M out<=5$/M     dollars per million tokens at the cheapest house; cached<= likewise
//   class=vision maker=openai house=deepseek
//   a word with nothing of that: part of the id, the name or the maker

#include <functional>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace shenbi::catalog {

using Condition = std::function<bool(const Model&)>;

/// Throws Error{kInvalidArgument} naming the condition that cannot be read.
std::vector<Condition> read_filter(std::string_view words);

/// In the order of the catalog.
std::vector<const Model*> filtered(const Catalog& catalog, std::string_view words);

}  // namespace shenbi::catalog
