// Any bytes as a request's body: what is taken for JSON is JSON for the library as well, with the same model in it, and
// the body with another model differs in nothing else.

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/request_peek.h"

namespace {

void require(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  try {
    const auto peek = shenbi::chat::peek_request(body);
    // The walk does not look into the bytes of strings: the library refuses what is no UTF-8.
    auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_discarded()) return 0;
    require(json.is_object());
    require(peek.model_end == 0 ? !json.contains("model") : json["model"] == peek.model);
    require(peek.stream == (json.contains("stream") && json["stream"].is_boolean() && json["stream"].get<bool>()));
    if (peek.model_end == 0) return 0;
    auto changed = nlohmann::json::parse(peek.with_model(body, "other \"model\""));
    require(changed["model"] == "other \"model\"");
    changed.erase("model");
    json.erase("model");
    require(changed == json);
  } catch (const shenbi::Error&) {
  }
  return 0;
}
