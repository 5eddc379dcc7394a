#pragma once
// A choice among all models there are, in words: "auto:vision,ctx>=100k,out<=1$/M,fast". Conditions are those of the
// catalog (catalog/filter.h); two words more say in which order those that fulfil them are asked:
//
//   fast         whose first token came soonest of late; one that nobody has measured yet comes first, once
//   cheapest     by the price of a token in and a token out together; what has no known price comes last
//
// "auto" alone is every model that chats, cheapest first.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/filter.h"
#include "catalog/model.h"

namespace shenbi::gateway {

enum class RouteOrder { kFast, kCheapest };

struct RouteRule {
  struct Word {
    std::string text;
    catalog::Condition holds;
  };
  std::vector<Word> conditions;
  std::vector<RouteOrder> orders;  ///< the first decides, the next where it is equal
};

/// Whether a model's name is such a rule.
bool is_rule(std::string_view name) noexcept;

/// Throws Error{kInvalidArgument} naming the word that cannot be read.
RouteRule read_rule(std::string_view name);

/// One model that could be asked.
struct Candidate {
  catalog::Model model;                 ///< with the price of this upstream alone
  std::optional<double> first_token_s;  ///< measured of late
  size_t place = 0;                     ///< in whatever list the caller has
};

/// Those that fulfil the rule, best first. Throws Error{kNotFound} naming the word that leaves none.
std::vector<Candidate> chosen(const RouteRule& rule, std::vector<Candidate> candidates);

}  // namespace shenbi::gateway
