// The page's own routes (docs/page-api.md). Times are seconds with fractions.

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

Schema page_answer_usage() {
  return object({{"prompt_tokens", count()},
                 {"cached_tokens", count()},
                 {"completion_tokens", count()},
                 {"reasoning_tokens", count()},
                 {"first_token_s", number()},
                 {"seconds", number()},
                 {"tokens_per_s", number()}},
                {{"thinking_s", number()}, {"cost_nano_usd", or_null(count())}});
}

Schema page_message() {
  return object({{"id", text()},
                 {"parent", or_null(text())},
                 {"role", word({"user", "assistant"})},
                 {"content", text()},
                 {"thinking", text()},
                 {"model", text()},
                 {"created", number()},
                 {"status", word({"running", "done", "stopped", "failed"})}},
                {{"error", text()},
                 {"finish", word({"stop", "length", "tool_calls", "content_filter"})},
                 {"usage", page_answer_usage()},
                 {"warnings", list(text())},
                 {"params", map(anything())}});
}

Schema conversation(Schema messages, Fields always, Fields sometimes) {
  Fields fields = {
      {"id", text()},        {"title", text()},     {"folder", or_null(text())},      {"pinned", boolean()},
      {"created", number()}, {"updated", number()}, {"messages", std::move(messages)}};
  for (auto& field : always) fields.push_back(std::move(field));
  return object(fields, std::move(sometimes));
}

Schema page_model() {
  return object({{"id", text()},
                 {"owner", text()},
                 {"chat", boolean()},
                 {"tools", boolean()},
                 {"thinking", boolean()},
                 {"context", count()},
                 {"bytes", count()},
                 {"parameters", count()},
                 {"architecture", text()},
                 {"quantisation", text()},
                 {"loaded", boolean()}});
}

Schema sum(Fields words) {
  return object({{"calls", count()},
                 {"failed", count()},
                 {"prompt_tokens", count()},
                 {"cached_tokens", count()},
                 {"cache_write_tokens", count()},
                 {"completion_tokens", count()},
                 {"reasoning_tokens", count()},
                 {"cost_nano_usd", count()},
                 {"unpriced", count()},
                 {"cached_answers", count()}},
                std::move(words));
}

Schema page_usage() {
  const Schema row =
      sum({{"day", text()}, {"model", text()}, {"upstream", text()}, {"key", text()}, {"key_name", text()}});
  return object({{"from", text()}, {"to", text()}, {"rows", list(row)}, {"total", sum({})}, {"lost", count()}});
}

Schema page_call() {
  return object({{"id", count()},
                 {"time", count()},
                 {"request_id", text()},
                 {"key", text()},
                 {"wanted", text()},
                 {"upstream", text()},
                 {"model", text()},
                 {"attempt", count()},
                 {"prompt_tokens", count()},
                 {"cached_tokens", count()},
                 {"cache_write_tokens", count()},
                 {"completion_tokens", count()},
                 {"reasoning_tokens", count()},
                 {"cost_nano_usd", or_null(count())},
                 {"first_token_s", or_null(number())},
                 {"seconds", number()},
                 {"tokens_per_s", or_null(number())},
                 {"outcome", word({"settled", "estimated", "aborted", "failed"})},
                 {"status", count()},
                 {"error", text()},
                 {"raw_usage", text()},
                 {"cached_answer", boolean()}});
}

Schema page_budget() {
  return object({{"name", text()},
                 {"whose", word({"everybody", "team", "key"})},
                 {"subject", text()},
                 {"unit", word({"usd", "tokens"})},
                 {"period", word({"day", "month", "total"})},
                 {"limit", count()},
                 {"spent", count()},
                 {"reserved", count()},
                 {"unpriced_calls", count()},
                 {"refused", count()},
                 {"resets", or_null(count())},
                 {"alerts", list(count())},
                 {"unpriced", boolean()},
                 {"from", text()}});
}

Schema page_budgets() {
  const Schema team = object({{"name", text()}, {"keys", list(text())}});
  const Schema alert = object({{"id", text()},
                               {"budget", text()},
                               {"whose", word({"everybody", "team", "key"})},
                               {"subject", text()},
                               {"period", text()},
                               {"percent", count()},
                               {"unit", word({"usd", "tokens"})},
                               {"limit", count()},
                               {"spent", count()},
                               {"time", count()},
                               {"delivery", word({"none", "waiting", "sent", "given up"})}});
  return object(
      {{"budgets", list(named("PageBudget"))}, {"teams", list(team)}, {"alerts", list(alert)}, {"webhook", boolean()}});
}

// Prices are what docs/catalog.md says.
Schema catalog_model() {
  return object({{"id", text()}, {"name", text()}, {"input", list(text())}, {"output", list(text())}},
                {{"maker", text()},
                 {"class", text()},
                 {"level", text()},
                 {"open", text()},
                 {"licence", text()},
                 {"tools", boolean()},
                 {"thinking", boolean()},
                 {"retired", boolean()},
                 {"ends", text()},
                 {"context", count()},
                 {"max_output", count()},
                 {"source", text()},
                 {"date", text()},
                 {"context_from", text()},
                 {"no_api", text()},
                 {"no_api_zh", text()},
                 {"nearest", text()},
                 {"prices", list(map(anything()))}});
}

// Messages are as they are stored; an import may have brought what no answer of ours holds.
Schema export_file() {
  const Schema conversation = object({{"title", text()},
                                      {"folder", text()},
                                      {"pinned", boolean()},
                                      {"created", number()},
                                      {"updated", number()},
                                      {"leaf", text()},
                                      {"messages", list(named("PageMessage"))}});
  return object(
      {{"shenbi", count()}, {"folders", list(object({{"name", text()}}))}, {"conversations", list(conversation)}});
}

}  // namespace

Types page_types() {
  const Schema folder = object({{"id", text()}, {"name", text()}, {"count", count()}});
  const Schema prompt = object({{"id", text()}, {"name", text()}, {"content", text()}, {"updated", number()}});
  const Schema skipped = object({{"what", text()}, {"why", text()}});
  return {{"PageMessage", page_message()},
          {"PageConfig", object({{"version", text()}, {"needs_key", boolean()}, {"models", list(page_model())}})},
          {"PageSummary", conversation(count(), {}, {{"snippet", text()}})},
          {"PageSummaries", object({{"conversations", list(named("PageSummary"))}})},
          {"PageConversation",
           conversation(list(named("PageMessage")), {{"leaf", or_null(text())}}, {{"snippet", text()}})},
          {"PageFolder", folder},
          {"PageFolders", object({{"folders", list(named("PageFolder"))}})},
          {"PageAsked", object({{"user", named("PageMessage")}, {"answer", named("PageMessage")}})},
          {"PageAnswer", object({{"answer", named("PageMessage")}})},
          {"PageStopped", object({{"message", named("PageMessage")}})},
          // The data of an event: "snapshot" and "done" have the message, "text", "thinking" and "warning" a text,
          // "queued" how many requests come first.
          {"PageEvent", either({named("PageMessage"), object({{"text", text()}}), object({{"ahead", count()}})})},
          {"PageEstimate", object({{"tokens", count()}, {"context", count()}})},
          {"PagePrompt", prompt},
          {"PageBudget", page_budget()},
          {"PageBudgets", page_budgets()},
          {"PageUsage", page_usage()},
          {"PageCalls", object({{"rows", list(page_call())}})},
          {"PageCatalog", object({{"date", text()}, {"models", list(catalog_model())}})},
          {"PagePrompts", object({{"prompts", list(named("PagePrompt"))}})},
          {"PageExport", export_file()},
          {"PageImport", object({{"conversations", count()}, {"messages", count()}, {"skipped", list(skipped)}})}};
}

}  // namespace shenbi::server::openapi
