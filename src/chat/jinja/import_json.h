#pragma once
// The caller's JSON as values of the template.

#include <nlohmann/json_fwd.hpp>

#include "chat/jinja/value.h"

namespace shenbi::chat::jinja {

/// `variables` must be an object. Fails on nesting deeper than the limit and on integers beyond 64 bits.
Dict* import_variables(Heap& heap, const nlohmann::ordered_json& variables);

}  // namespace shenbi::chat::jinja
