#pragma once
// JSON Schema to rules.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "grammar/rules.h"

namespace shenbi::grammar {

/// The start is the schema's own rule, named `name`. Throws Error{kInvalidArgument} or {kUnsupported}
/// "schema: <path>: ...".
Rules schema_rules(const nlohmann::ordered_json& schema, const std::string& name);
/// Any JSON object.
Rules any_object_rules();

}  // namespace shenbi::grammar
