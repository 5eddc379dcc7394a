// OpenAI's /v1/batches: jobs of many requests, run behind everybody else (server/batch_runner.h).

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "chat/fields.h"
#include "server/batches.h"
#include "server/list_query.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

OrderedJson usage_json(const BatchUsage& usage) {
  return {{"input_tokens", usage.input_tokens},
          {"input_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
          {"output_tokens", usage.output_tokens},
          {"output_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}},
          {"total_tokens", usage.input_tokens + usage.output_tokens}};
}

OrderedJson batch_json(const StoredBatch& batch) {
  OrderedJson json = {{"id", batch.id},
                      {"object", "batch"},
                      {"endpoint", batch.endpoint},
                      {"model", text_or_null(batch.model)},
                      {"errors", batch.errors},
                      {"input_file_id", batch.input_file},
                      {"completion_window", "24h"},
                      {"status", batch_status_name(batch.status)},
                      {"output_file_id", text_or_null(batch.output_file)},
                      {"error_file_id", text_or_null(batch.error_file)},
                      {"created_at", static_cast<int64_t>(batch.created)},
                      {"expires_at", static_cast<int64_t>(batch.expires)}};
  for (const char* time : {"in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at",
                           "cancelling_at", "cancelled_at"}) {
    json[time] = batch.times.value(time, OrderedJson());
  }
  json["request_counts"] = {{"total", batch.total}, {"completed", batch.completed}, {"failed", batch.failed}};
  json["usage"] = usage_json(batch.usage);
  json["metadata"] = batch.metadata;
  return json;
}

OrderedJson metadata_of(Fields& body) {
  const OrderedJson* metadata = body.object("metadata");
  if (!metadata) return nullptr;
  if (metadata->size() > limits::kMaxMetadataPairs) {
    body.fail("metadata", fmt::format("{} pairs, at most {}", metadata->size(), limits::kMaxMetadataPairs));
  }
  for (const auto& [name, value] : metadata->items()) {
    if (!value.is_string())
      body.fail("metadata", fmt::format("values must be strings, found {}", chat::kind_of(value)));
    if (name.size() > limits::kMaxMetadataNameBytes ||
        value.get_ref<const std::string&>().size() > limits::kMaxMetadataValueBytes) {
      body.fail("metadata", fmt::format("names have at most {} bytes, values {}", limits::kMaxMetadataNameBytes,
                                        limits::kMaxMetadataValueBytes));
    }
  }
  return *metadata;
}

int64_t output_lifetime_of(Fields& body) {
  const OrderedJson* given = body.object("output_expires_after");
  if (!given) return 0;
  Fields fields(*given, "output_expires_after");
  fields.needed("anchor");
  fields.word("anchor", {"created_at"});
  fields.needed("seconds");
  const auto seconds = fields.integer("seconds", limits::kMinFileSeconds, limits::kMaxFileSeconds);
  fields.end();
  return seconds.value_or(0);
}

void create_batch(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  StoredBatch wanted{.owner = call.caller.id, .input_file = body.needed_text("input_file_id")};
  body.needed("endpoint");
  wanted.endpoint =
      body.word("endpoint", {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings"})
          .value_or("");
  body.needed("completion_window");
  body.word("completion_window", {"24h"});
  wanted.metadata = metadata_of(body);
  wanted.output_lives_for_s = output_lifetime_of(body);
  body.end();
  send_json(call, 200, batch_json(call.state.batches->create(wanted)));
}

void list_batches(RouteCall& call) {
  const ListQuery query = ListQuery::of(call.request, 20, 100);
  const auto page = call.state.batches->list(call.caller.id, query.after, query.limit);
  OrderedJson data = OrderedJson::array();
  for (const StoredBatch& batch : page.batches) data.push_back(batch_json(batch));
  send_json(call, 200, list_json(std::move(data), page.more));
}

void show_batch(RouteCall& call) {
  send_json(call, 200, batch_json(call.state.batches->get(call.caller.id, call.path["id"])));
}

void cancel(RouteCall& call) {
  send_json(call, 200, batch_json(call.state.batches->cancel(call.caller.id, call.path["id"])));
}

}  // namespace

RouteList openai_batches() {
  const auto with = [](std::string_view method, std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kOpenAi, method, pattern, Scope::kInfer, std::move(handler));
  };
  return {with("POST", "/v1/batches", create_batch), with("GET", "/v1/batches", list_batches),
          with("GET", "/v1/batches/{id}", show_batch), with("POST", "/v1/batches/{id}/cancel", cancel)};
}

}  // namespace shenbi::server::routes
