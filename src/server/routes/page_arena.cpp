// The arena and its leaderboard (docs/arena.md).

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "arena/category.h"
#include "chat/dialect_openai.h"
#include "chat/fields.h"
#include "gateway/judging.h"
#include "server/answering.h"
#include "server/arena.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using arena::Outcome;
using chat::Fields;
using chat::OrderedJson;
using gateway::Verdict;

constexpr uint64_t kMaxPool = 64;               // models that a battle may be drawn from
constexpr uint32_t kJudgeTokens = 2048;         // of one verdict with its reasons, if nothing is said
constexpr double kBootstrapVotes = 20'000'000;  // votes drawn for one leaderboard: about a second
constexpr uint32_t kMostRounds = 1000, kFewestRounds = 100;

std::vector<std::string> pool_of(RouteCall& call, Fields& body) {
  std::vector<std::string> pool = body.texts("models", kMaxPool);
  if (pool.empty()) {
    for (const gateway::ModelInfo& model : visible_models(call)) {
      if (model.chat && model.alias_of.empty() && pool.size() < kMaxPool) pool.push_back(model.id);
    }
  }
  std::sort(pool.begin(), pool.end());
  pool.erase(std::unique(pool.begin(), pool.end()), pool.end());
  if (pool.size() < 2) throw Error(Code::kInvalidArgument, "models: a battle needs two different ones");
  for (const std::string& model : pool) call.state.keys.check_model(call.caller, model);
  return pool;
}

void begin(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string question = body.needed_text("content");
  const auto pool = pool_of(call, body);
  const auto most = body.integer("max_tokens", 1, 1 << 30);
  body.end();
  if (question.empty()) throw Error(Code::kInvalidArgument, "content: is empty");
  call.state.keys.check_quota(call.caller);
  // The same settings for both: each model's own would be another question.
  chat::ChatRequest request;
  chat::Message message{.role = chat::Role::kUser};
  message.parts.push_back({.kind = chat::Part::Kind::kText, .text = question});
  request.messages.push_back(std::move(message));
  if (most) request.max_tokens = static_cast<uint64_t>(*most);
  mark_caller(call, request);
  call.state.arena->begin(call, request, question, pool);
}

OrderedJson side_json(const StoredBattle& battle, size_t side) {
  auto figures = OrderedJson::parse(battle.figures[side]);
  figures.erase("column");
  return figures;
}

void vote(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string winner = body.word("winner", {"a", "b", "tie", "bad"}).value_or("");
  body.end();
  if (winner.empty()) throw Error(Code::kInvalidArgument, "winner: expected a, b, tie or bad");
  const StoredBattle battle = call.state.arena->battle(call.caller.id, call.path["id"]);
  const Outcome all[] = {Outcome::kFirst, Outcome::kSecond, Outcome::kTie, Outcome::kBothBad};
  const auto outcome =
      *std::find_if(std::begin(all), std::end(all), [&](Outcome o) { return outcome_word(o) == winner; });
  call.state.arena->vote(battle, "", outcome);
  send_json(call, 200,
            {{"id", battle.id}, {"winner", winner}, {"a", side_json(battle, 0)}, {"b", side_json(battle, 1)}});
}

// Puts both requests to the judge and waits for the texts.
std::pair<std::string, std::string> judge_twice(RouteCall& call, const std::vector<chat::ChatRequest>& requests) {
  struct Both {
    std::mutex mutex;
    std::condition_variable ended;
    std::string texts[2], fault;
    bool done = false;
  };
  const auto both = std::make_shared<Both>();
  const auto comparison = std::make_shared<gateway::Comparison>(
      std::vector<std::string>{requests[0].model, requests[1].model},
      gateway::Comparison::Hooks{
          .start =
              [&state = call.state, caller = call.caller, record = call.record, id = call.request_id, requests](
                  uint32_t column, uint32_t, gateway::EventSink sink) {
                return ask_one_of_many(state, caller, record, fmt::format("{}.{}", id, column), requests[column],
                                       std::move(sink));
              },
          .run = [](std::function<void()> job) { return job(), true; },  // this thread waits anyhow
          .on_begin = [](uint32_t, const gateway::Column&) {},
          .on_event =
              [both](uint32_t column, const gateway::Column& now, const chat::Event&, bool all_ended) {
                std::lock_guard lock(both->mutex);
                both->texts[column] = now.answer.text;
                if (now.status == gateway::Column::Status::kFailed) both->fault = now.answer.error;
                if (all_ended) both->done = true, both->ended.notify_all();
              }});
  call.exchange->on_gone([weak = std::weak_ptr(comparison)] {
    if (const auto still = weak.lock()) still->stop_all();
  });
  comparison->start();
  std::unique_lock lock(both->mutex);
  both->ended.wait(lock, [&] { return both->done; });
  for (int i = 0; i < 2; ++i) call.state.receipts.take(fmt::format("{}.{}", call.request_id, i));
  if (!both->fault.empty()) throw Error(Code::kUpstream, both->fault);
  return {both->texts[0], both->texts[1]};
}

std::optional<Outcome> outcome_of(std::optional<Verdict> verdict) {
  if (!verdict) return std::nullopt;
  switch (*verdict) {
    case Verdict::kFirst:
      return Outcome::kFirst;
    case Verdict::kSecond:
      return Outcome::kSecond;
    case Verdict::kTie:
      return Outcome::kTie;
    case Verdict::kBothBad:
      return Outcome::kBothBad;
  }
  return std::nullopt;
}

// After the reader's own vote, which it must not sway.
void judge(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string model = body.needed_text("model");
  const auto most = body.integer("max_tokens", 1, 1 << 20).value_or(kJudgeTokens);
  body.end();
  const StoredBattle battle = call.state.arena->battle(call.caller.id, call.path["id"]);
  if (!call.state.arena->is_voted(battle.id)) {
    throw Error(Code::kInvalidArgument, "a judge is asked after the reader's own vote");
  }
  check_caller(call, model);
  std::vector<chat::ChatRequest> requests = {
      gateway::duel_request(model, battle.question, battle.answers[0], battle.answers[1]),
      gateway::duel_request(model, battle.question, battle.answers[1], battle.answers[0])};
  for (chat::ChatRequest& request : requests) {
    request.max_tokens = static_cast<uint64_t>(most);
    mark_caller(call, request);
  }
  const auto [straight, swapped] = judge_twice(call, requests);
  const auto outcome = outcome_of(gateway::consistent(gateway::verdict_of(straight), gateway::verdict_of(swapped)));
  call.state.arena->vote(battle, model, outcome);
  OrderedJson json = {{"id", battle.id}, {"judge", model}, {"verdict", nullptr}};
  if (outcome) json["verdict"] = outcome_word(*outcome);
  json["own"] = model == battle.models[0] || model == battle.models[1];
  json["straight"] = straight;
  json["swapped"] = swapped;
  send_json(call, 200, json);
}

OrderedJson estimate_json(const arena::Estimate& estimate) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
}

struct Asked {
  std::string category, by;
  bool style = false;
};

Asked asked_of(const RouteCall& call) {
  Asked asked{.category = call.request.parameter("category").value_or(""),
              .by = call.request.parameter("by").value_or("people")};
  asked.style = call.request.parameter("style").value_or("") == "1";
  const auto& known = arena::categories();
  if (!asked.category.empty() && std::find(known.begin(), known.end(), asked.category) == known.end()) {
    throw Error(Code::kInvalidArgument, "category: expected zh, en, code, math or long");
  }
  if (asked.by != "people" && asked.by != "judges") {
    throw Error(Code::kInvalidArgument, "by: expected people or judges");
  }
  return asked;
}

// A judge's verdict on itself, and one that it took back, are shown and do not count.
bool counts(const StoredVote& vote, const Asked& asked) {
  return vote.outcome && !vote.own && vote.judge.empty() == (asked.by == "people");
}

// How often judges that had a verdict said what the reader said of the same battle.
OrderedJson judges_json(const std::vector<StoredVote>& votes) {
  struct Judge {
    uint64_t verdicts = 0, wavering = 0, own = 0, met = 0, agreed = 0;
  };
  std::map<std::string, Outcome> people;
  for (const StoredVote& vote : votes) {
    if (vote.judge.empty() && vote.outcome) people[vote.battle] = *vote.outcome;
  }
  std::map<std::string, Judge> judges;
  for (const StoredVote& vote : votes) {
    if (vote.judge.empty()) continue;
    Judge& judge = judges[vote.judge];
    ++(vote.outcome ? judge.verdicts : judge.wavering);
    judge.own += vote.own ? 1 : 0;
    const auto person = people.find(vote.battle);
    if (!vote.outcome || vote.own || person == people.end()) continue;
    ++judge.met;
    judge.agreed += person->second == *vote.outcome ? 1 : 0;
  }
  OrderedJson list = OrderedJson::array();
  for (const auto& [name, judge] : judges) {
    list.push_back({{"judge", name},
                    {"verdicts", judge.verdicts},
                    {"wavering", judge.wavering},
                    {"own", judge.own},
                    {"compared", judge.met},
                    {"agreed", judge.agreed}});
  }
  return list;
}

template <class Key>
uint32_t number_of(std::map<Key, uint32_t>& known, const Key& key) {
  return known.try_emplace(key, static_cast<uint32_t>(known.size())).first->second;
}

void leaderboard(RouteCall& call) {
  const Asked asked = asked_of(call);
  const auto stored = call.state.arena->votes(asked.category, asked.style);
  std::map<std::string, uint32_t> models, voters;
  std::vector<arena::Vote> votes;
  for (const StoredVote& one : stored) {
    if (!counts(one, asked)) continue;
    arena::Vote vote{.first = number_of(models, one.models[0]), .second = number_of(models, one.models[1])};
    vote.outcome = *one.outcome;
    vote.voter = number_of(voters, one.voter);
    if (asked.style) {
      vote.style = arena::difference(arena::style_of(one.answers[0]), arena::style_of(one.answers[1]));
    }
    votes.push_back(vote);
  }
  arena::Options options{.style = asked.style};
  const double rounds =
      kBootstrapVotes / static_cast<double>(std::max<size_t>(votes.size(), 1)) / (asked.style ? 10 : 1);
  options.rounds = static_cast<uint32_t>(std::clamp<double>(rounds, kFewestRounds, kMostRounds));
  const arena::Ratings ratings = arena::rate(static_cast<uint32_t>(models.size()), votes, options);

  std::vector<std::pair<std::string, arena::Rating>> sorted;
  for (const auto& [name, number] : models) sorted.emplace_back(name, ratings.models[number]);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.rating.value > b.second.rating.value; });
  OrderedJson rows = OrderedJson::array();
  for (const auto& [name, rating] : sorted) {
    rows.push_back({{"model", name},
                    {"rank", rating.rank},
                    {"rating", estimate_json(rating.rating)},
                    {"wins", rating.wins},
                    {"losses", rating.losses},
                    {"ties", rating.ties},
                    {"both_bad", rating.both_bad}});
  }
  OrderedJson style = OrderedJson::array();
  for (size_t i = 0; asked.style && i < arena::kStyleFigures; ++i) {
    style.push_back({{"name", arena::style_name(i)}, {"points", estimate_json(ratings.style[i])}});
  }
  OrderedJson categories = OrderedJson::array();
  for (const std::string_view name : arena::categories()) categories.push_back(name);
  send_json(call, 200,
            {{"models", rows},
             {"votes", votes.size()},
             {"counted", ratings.counted},
             {"rounds", options.rounds},
             {"connected", ratings.connected},
             {"side", estimate_json(ratings.side)},
             {"style", style},
             {"categories", categories},
             {"judges", judges_json(stored)}});
}

std::string csv_cell(const std::string& text) {
  std::string cell = text;
  // A spreadsheet would run it as a formula.
  if (!cell.empty() && std::string_view("=+-@\t\r").find(cell[0]) != std::string_view::npos) cell = "'" + cell;
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// Without texts: whoever asked did not ask for his questions to be published. Voters are numbers in the order in which
// they came.
void export_votes(RouteCall& call) {
  const std::string format = call.request.parameter("format").value_or("json");
  if (format != "json" && format != "csv") throw Error(Code::kInvalidArgument, "format: expected json or csv");
  std::map<std::string, uint32_t> voters;
  OrderedJson rows = OrderedJson::array();
  std::string csv = "id,time,battle,voter,judge,own,model_a,model_b,winner,categories\r\n";
  for (const StoredVote& vote : call.state.arena->votes("", false)) {
    const uint32_t voter = number_of(voters, vote.voter);
    const std::string winner(vote.outcome ? outcome_word(*vote.outcome) : "");
    csv += fmt::format("{},{:.3f},{},{},{},{},{},{},{},{}\r\n", vote.id, vote.created, vote.battle, voter,
                       csv_cell(vote.judge), vote.own ? 1 : 0, csv_cell(vote.models[0]), csv_cell(vote.models[1]),
                       winner, csv_cell(vote.categories));
    rows.push_back({{"id", vote.id},
                    {"time", vote.created},
                    {"battle", vote.battle},
                    {"voter", voter},
                    {"judge", vote.judge},
                    {"own", vote.own},
                    {"model_a", vote.models[0]},
                    {"model_b", vote.models[1]},
                    {"winner", winner},
                    {"categories", vote.categories}});
  }
  if (format == "json") return send_json(call, 200, {{"votes", rows}});
  call.exchange->send(
      {.status = 200, .headers = {{"Content-Type", "text/csv; charset=utf-8"}}, .body = std::move(csv)});
}

}  // namespace

RouteList page_arena() {
  const auto page = [](std::string_view method, std::string_view pattern, RouteHandler handler,
                       Scope scope = Scope::kPage) {
    return Route::with_key(Face::kPage, method, pattern, scope, std::move(handler));
  };
  return {page("POST", "/page/arena/battles", begin), page("POST", "/page/arena/battles/{id}/vote", vote),
          page("POST", "/page/arena/battles/{id}/judge", judge), page("GET", "/page/arena/leaderboard", leaderboard),
          page("GET", "/page/arena/votes", export_votes, Scope::kManage)};
}

}  // namespace shenbi::server::routes
