// Several models beside each other: POST /v1/compare (server/comparisons.cpp), and the arena
// (server/routes/page_arena.cpp).

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

Schema column_usage() {
  return object({{"prompt_tokens", count()},
                 {"cached_tokens", count()},
                 {"completion_tokens", count()},
                 {"reasoning_tokens", count()}});
}

Schema tool_call() {
  return object(
      {{"id", text()}, {"type", word({"function"})}, {"function", object({{"name", text()}, {"arguments", text()}})}});
}

Schema ended(Fields always, Fields sometimes) {
  Fields fields = {{"model", text()},
                   {"attempt", count()},
                   {"status", word({"done", "stopped", "failed"})},
                   {"finish_reason", or_null(word({"stop", "length", "tool_calls", "content_filter"}))},
                   {"usage", column_usage()},
                   {"first_token_s", or_null(number())},
                   {"seconds", number()},
                   {"tokens_per_s", or_null(number())},
                   {"cost_nano_usd", or_null(count())},
                   {"upstream", or_null(text())},
                   {"tries", count()}};
  for (auto& field : always) fields.push_back(std::move(field));
  Fields more = {{"error", object({{"status", count()}, {"message", text()}})},
                 {"warnings", list(text())},
                 {"tool_calls", list(tool_call())}};
  for (auto& field : sometimes) more.push_back(std::move(field));
  return object(std::move(fields), std::move(more));
}

Schema estimate() { return object({{"value", number()}, {"low", number()}, {"high", number()}}); }

Schema leaderboard() {
  const Schema model = object({{"model", text()},
                               {"rank", count()},
                               {"rating", estimate()},
                               {"wins", count()},
                               {"losses", count()},
                               {"ties", count()},
                               {"both_bad", count()}});
  const Schema judge = object({{"judge", text()},
                               {"verdicts", count()},
                               {"wavering", count()},
                               {"own", count()},
                               {"compared", count()},
                               {"agreed", count()}});
  return object({{"models", list(model)},
                 {"votes", count()},
                 {"counted", count()},
                 {"rounds", count()},
                 {"connected", boolean()},
                 {"side", estimate()},
                 {"style", list(object({{"name", text()}, {"points", estimate()}}))},
                 {"categories", list(text())},
                 {"judges", list(judge)}});
}

Schema raw_vote() {
  return object({{"id", count()},
                 {"time", number()},
                 {"battle", text()},
                 {"voter", count()},
                 {"judge", text()},
                 {"own", boolean()},
                 {"model_a", text()},
                 {"model_b", text()},
                 {"winner", word({"a", "b", "tie", "bad", ""})},
                 {"categories", text()}});
}

}  // namespace

Types compare_types() {
  const Schema column = object({{"column", count()}, {"model", text()}});
  return {
      {"ComparisonColumn", ended({{"column", count()}, {"content", text()}}, {{"thinking", text()}})},
      {"Comparison", object({{"id", text()},
                             {"object", word({"comparison"})},
                             {"created", count()},
                             {"columns", list(named("ComparisonColumn"))}})},
      {"ComparisonHead",
       object({{"id", text()}, {"object", word({"comparison"})}, {"created", count()}, {"columns", list(column)}})},
      {"ComparisonBegun",
       object({{"column", count()}, {"model", text()}, {"attempt", count()}, {"request_id", text()}})},
      {"ComparisonEnded", ended({{"column", count()}}, {})},
      // The data of the events "battle", "text", "done": nothing in them tells who answers.
      {"ArenaEvent", either({object({{"id", text()}}), object({{"side", word({"a", "b"})}, {"text", text()}}),
                             object({{"id", text()}, {"votable", boolean()}})})},
      {"ArenaVoted",
       object(
           {{"id", text()}, {"winner", word({"a", "b", "tie", "bad"})}, {"a", ended({}, {})}, {"b", ended({}, {})}})},
      {"ArenaJudged", object({{"id", text()},
                              {"judge", text()},
                              {"verdict", or_null(word({"a", "b", "tie", "bad"}))},
                              {"own", boolean()},
                              {"straight", text()},
                              {"swapped", text()}})},
      {"ArenaLeaderboard", leaderboard()},
      {"ArenaVotes", object({{"votes", list(raw_vote())}})},
      {"ComparisonColumnName", object({{"id", text()}, {"column", count()}})},
      // The data of the events "comparison", "column", "text" (also "thinking" and "warning"), "end", "done".
      {"ComparisonEvent",
       either({named("ComparisonHead"), named("ComparisonBegun"), object({{"column", count()}, {"text", text()}}),
               named("ComparisonEnded"), object({{"id", text()}})})}};
}

}  // namespace shenbi::server::openapi
