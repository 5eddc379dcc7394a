#pragma once
// What requests look like, for /openapi.json: one JSON Schema a route that takes a body. tests/api/openapi.py sends
// each field with each wrong type and holds the answer against it, so a schema that is out of date fails.

#include <string_view>
#include <utility>
#include <vector>

namespace shenbi::server::openapi {

/// {"POST /v1/embeddings", schema as JSON}.
const std::vector<std::pair<std::string_view, std::string_view>>& request_schemas();
/// The same for bodies that are multipart/form-data.
const std::vector<std::pair<std::string_view, std::string_view>>& form_schemas();
/// {"GET /v1/files", {name: schema, ...} as JSON}: what may stand behind the '?'.
const std::vector<std::pair<std::string_view, std::string_view>>& query_schemas();

}  // namespace shenbi::server::openapi
