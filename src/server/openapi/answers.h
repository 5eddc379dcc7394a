#pragma once
// What each route answers, for /openapi.json: a row an answer that is no error. tests/api/answers.py asks for every one
// of them and holds what comes against its type.

#include <string_view>
#include <vector>

#include "server/openapi/shapes.h"
#include "server/router.h"

namespace shenbi::server::openapi {

struct Answer {
  std::string_view route;  ///< "POST /v1/embeddings"
  int status = 200;
  std::string_view type;                        ///< a named type, or "" where the body is no JSON of ours
  std::string_view media = "application/json";  ///< "": no body
  /// kLines and kEvents: `type` is that of one line or of the data of one event.
  enum class Form { kWhole, kLines, kEvents } form = Form::kWhole;
};

const std::vector<Answer>& answers();

/// "responses" of an operation: those of the table, and the error of the route's face as "default".
Schema responses_of(const Route& route);

/// "components/schemas".
Schema named_types();

}  // namespace shenbi::server::openapi
