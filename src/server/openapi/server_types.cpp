// The server itself: how it is, its keys, what it can fetch, its upstreams.

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

// With ?verbose=1, for whoever may manage the server.
Schema health_details() {
  const Schema model =
      object({{"name", text()}, {"bytes", count()}, {"context", count()}, {"running", count()}, {"waiting", count()}});
  return object({{"status", word({"ok"})},
                 {"version", text()},
                 {"sqlite", text()},
                 {"isa", text()},
                 {"threads", count()},
                 {"memory_budget_bytes", count()},
                 {"uptime_s", number()},
                 {"traces", boolean()},
                 {"models", list(model)}});
}

Schema key(Fields sometimes) {
  return object({{"id", text()},
                 {"name", text()},
                 {"scopes", list(word({"infer", "read", "manage", "page"}))},
                 {"models", list(text())},
                 {"requests_per_minute", count()},
                 {"tokens_per_day", count()},
                 {"created", number()},
                 {"expires", number()},
                 {"revoked", boolean()},
                 {"team", text()}},
                std::move(sometimes));
}

Schema upstream() {
  return object({{"name", text()},
                 {"house", text()},
                 {"base_url", text()},
                 {"keys", list(text())},
                 {"settings", map(text())},
                 {"models", list(text())},
                 {"priority", integer()},
                 {"weight", number()},
                 {"enabled", boolean()},
                 {"first_timeout_s", integer()},
                 {"whole_timeout_s", integer()},
                 {"idle_timeout_s", integer()},
                 {"personal_data", word({"", "send", "mask", "block"})},
                 {"private_words", list(text())},
                 {"private_patterns", list(text())},
                 {"private_network", boolean()}});
}

Schema house() {
  return object({{"name", text()},
                 {"title", text()},
                 {"title_zh", text()},
                 {"base_url", text()},
                 {"key_variable", text()},
                 {"key_page", text()},
                 {"fields", list(object({{"name", text()},
                                         {"title", text()},
                                         {"title_zh", text()},
                                         {"kind", word({"key", "setting"})},
                                         {"required", boolean()}}))}});
}

// This document: its own frame; what stands inside is OpenAPI's.
Schema openapi_document() {
  return object({{"openapi", word({"3.1.0"})},
                 {"info", object({{"title", text()}, {"version", text()}})},
                 {"paths", map(map(map(anything())))},
                 {"components", object({{"schemas", map(map(anything()))}, {"securitySchemes", map(map(text()))}})}});
}

}  // namespace

Types server_types() {
  return {
      {"Health", either({object({{"status", word({"ok"})}}), health_details()})},
      {"Ready", object({{"status", word({"ready"})}})},
      {"Loading", object({{"status", word({"loading"})}, {"model", text()}})},
      {"Version", object({{"version", text()}})},
      {"OpenApi", openapi_document()},
      {"Key", key({})},
      {"KeyList", object({{"keys", list(named("Key"))}})},
      {"NewKey", key({{"key", text()}})},
      {"KnownModels", object({{"models", list(object({{"name", text()},
                                                      {"title", text()},
                                                      {"quantisation", text()},
                                                      {"chat", boolean()},
                                                      {"here", boolean()}}))}})},
      {"House", house()},
      {"HouseList", object({{"houses", list(named("House"))}})},
      {"Upstream", upstream()},
      {"UpstreamList", object({{"upstreams", list(named("Upstream"))}})},
      {"NamedRoute", object({{"name", text()}, {"targets", list(text())}, {"order", text()}, {"hedge_ms", integer()}})},
      {"NamedRouteList", object({{"routes", list(named("NamedRoute"))}})},
      {"Resolved", object({{"model", text()},
                           {"targets", list(object({{"upstream", text()}, {"model", text()}, {"why", text()}}))}})}};
}

}  // namespace shenbi::server::openapi
