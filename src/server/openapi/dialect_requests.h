#pragma once
// The requests of the Responses API, Anthropic's, Ollama's and Gemini's, as requests.h has those of the older OpenAI
// routes. A field that is taken whatever it holds has no type; one that is only taken where it says what is so anyway
// has that as its one value.

#include <string_view>
#include <utility>
#include <vector>

namespace shenbi::server::openapi {

const std::vector<std::pair<std::string_view, std::string_view>>& dialect_request_schemas();

}  // namespace shenbi::server::openapi
