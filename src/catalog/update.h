#pragma once
// Newer figures from somebody else's table: our own form, LiteLLM's (an object of models with prices for one token) or
// OpenRouter's ("data", a list with prices as texts). The result lies over the catalog as a file of the user's.

#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace shenbi::catalog {

struct Update {
  Catalog changes;   ///< models that are new or differ from `now`
  std::string form;  ///< "shenbi", "litellm", "openrouter"
  size_t added = 0, changed = 0;
  size_t skipped = 0;  ///< entries that are no model of a house we know, or have no figure
};

/// `source` and `day` are written down beside each figure that changes. Figures that stay keep theirs. Throws
/// Error{kCorruptFile} if it is none of the three forms.
Update read_update(std::string_view text, const Catalog& now, const std::string& source, const std::string& day);

}  // namespace shenbi::catalog
