// OpenAI's Responses: the response, its items, and the events of its stream.

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

Schema item_status() { return word({"in_progress", "completed", "incomplete", "failed"}); }

Schema output_text() {
  return object({{"type", word({"output_text"})},
                 {"annotations", list(anything())},
                 {"logprobs", list(named("TokenLogprob"))},
                 {"text", text()}});
}

Schema reasoning_text() { return object({{"type", word({"reasoning_text"})}, {"text", text()}}); }

Schema output_item() {
  return either({object({{"id", text()},
                         {"type", word({"message"})},
                         {"status", item_status()},
                         {"role", word({"assistant"})},
                         {"content", list(output_text())}}),
                 object({{"id", text()},
                         {"type", word({"reasoning"})},
                         {"summary", list(anything())},
                         {"content", list(reasoning_text())},
                         {"status", item_status()}},
                        {{"encrypted_content", text()}}),
                 object({{"id", text()},
                         {"type", word({"function_call"})},
                         {"status", item_status()},
                         {"arguments", text()},
                         {"call_id", text()},
                         {"name", text()}})});
}

Schema response_usage() {
  return object({{"input_tokens", count()},
                 {"input_tokens_details", object({{"cached_tokens", count()}, {"cache_write_tokens", count()}})},
                 {"output_tokens", count()},
                 {"output_tokens_details", object({{"reasoning_tokens", count()}})},
                 {"total_tokens", count()}});
}

// What the answer repeats of the request, with OpenAI's defaults; objects inside it are as they were sent.
Fields echoed() {
  const Schema format =
      object({{"type", word({"text", "json_object", "json_schema"})}}, {{"name", text()},
                                                                        {"description", or_null(text())},
                                                                        {"schema", map(anything())},
                                                                        {"strict", or_null(boolean())}});
  const Schema tool = object({{"type", word({"function"})},
                              {"name", text()},
                              {"parameters", or_null(map(anything()))},
                              {"strict", or_null(boolean())}},
                             {{"description", or_null(text())}});
  const Schema choice = either({word({"none", "auto", "required"}), map(anything())});
  return {{"background", boolean()},
          {"instructions", or_null(text())},
          {"max_output_tokens", or_null(count())},
          {"max_tool_calls", null()},
          {"metadata", map(text())},
          {"parallel_tool_calls", boolean()},
          {"previous_response_id", or_null(text())},
          {"reasoning", map(anything())},
          {"service_tier", word({"default"})},
          {"store", boolean()},
          {"temperature", number()},
          {"text", object({}, {{"format", format}, {"verbosity", or_null(text())}})},
          {"tool_choice", choice},
          {"tools", list(tool)},
          {"top_logprobs", count()},
          {"top_p", number()},
          {"truncation", word({"disabled"})},
          {"user", or_null(text())}};
}

Schema response() {
  Fields fields = {
      {"id", text()},
      {"object", word({"response"})},
      {"created_at", count()},
      {"status", word({"in_progress", "completed", "incomplete", "failed"})},
      {"error", or_null(object({{"code", word({"rate_limit_exceeded", "server_error"})}, {"message", text()}}))},
      {"incomplete_details", or_null(object({{"reason", word({"content_filter", "max_output_tokens"})}}))},
      {"model", text()},
      {"output", list(named("ResponseItem"))},
      {"usage", or_null(response_usage())}};
  for (auto& field : echoed()) fields.push_back(std::move(field));
  return object(fields, {{"warnings", list(text())}});
}

Schema event(std::initializer_list<std::string_view> types, Fields more) {
  Fields fields = {{"type", word(types)}, {"sequence_number", count()}};
  for (auto& field : more) fields.push_back(std::move(field));
  return object(fields);
}

// An event of a part of an item.
Schema part_event(std::initializer_list<std::string_view> types, Fields more) {
  Fields fields = {{"item_id", text()}, {"output_index", count()}, {"content_index", count()}};
  for (auto& field : more) fields.push_back(std::move(field));
  return event(types, fields);
}

Schema call_event(std::string_view type, Fields more) {
  Fields fields = {{"item_id", text()}, {"output_index", count()}};
  for (auto& field : more) fields.push_back(std::move(field));
  return event({type}, fields);
}

Schema response_events() {
  const Schema part = either({output_text(), reasoning_text()});
  const Schema logprobs = list(named("TokenLogprob"));
  return either({event({"response.created", "response.in_progress", "response.completed", "response.incomplete",
                        "response.failed"},
                       {{"response", named("Response")}}),
                 event({"response.output_item.added", "response.output_item.done"},
                       {{"output_index", count()}, {"item", named("ResponseItem")}}),
                 part_event({"response.content_part.added", "response.content_part.done"}, {{"part", part}}),
                 part_event({"response.output_text.delta"}, {{"delta", text()}, {"logprobs", logprobs}}),
                 part_event({"response.output_text.done"}, {{"text", text()}, {"logprobs", logprobs}}),
                 part_event({"response.reasoning_text.delta"}, {{"delta", text()}}),
                 part_event({"response.reasoning_text.done"}, {{"text", text()}}),
                 call_event("response.function_call_arguments.delta", {{"delta", text()}}),
                 call_event("response.function_call_arguments.done", {{"name", text()}, {"arguments", text()}})});
}

}  // namespace

Types responses_types() {
  return {{"ResponseItem", output_item()},
          {"Response", response()},
          {"ResponseEvent", response_events()},
          {"ResponseInputTokens", object({{"object", word({"response.input_tokens"})}, {"input_tokens", count()}})},
          {"ResponseDeleted", object({{"id", text()}, {"object", word({"response.deleted"})}, {"deleted", boolean()}})},
          // The items as the caller wrote them, those of an answer before among them.
          {"ResponseInputItems", object({{"object", word({"list"})},
                                         {"data", list(map(anything()))},
                                         {"first_id", text()},
                                         {"last_id", text()},
                                         {"has_more", boolean()}})}};
}

}  // namespace shenbi::server::openapi
