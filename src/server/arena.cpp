#include "server/arena.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "arena/category.h"
#include "base/log.h"
#include "server/ids.h"
#include "server/running_answers.h"
#include "server/state.h"
#include "store/instances.h"

namespace shenbi::server {
namespace {

using chat::Event;
using chat::OrderedJson;
using gateway::Column;

const std::vector<store::Step> kSchema = {
    "CREATE TABLE arena_battles (id TEXT PRIMARY KEY, owner TEXT NOT NULL, created REAL NOT NULL,"
    " question TEXT NOT NULL, categories TEXT NOT NULL, model_a TEXT NOT NULL, model_b TEXT NOT NULL,"
    " answer_a TEXT NOT NULL DEFAULT '', answer_b TEXT NOT NULL DEFAULT '', figures_a TEXT NOT NULL DEFAULT '',"
    " figures_b TEXT NOT NULL DEFAULT '', status TEXT NOT NULL) STRICT;"
    "CREATE TABLE arena_votes (id INTEGER PRIMARY KEY AUTOINCREMENT, battle TEXT NOT NULL REFERENCES arena_battles(id),"
    " voter TEXT NOT NULL, judge TEXT NOT NULL, outcome INTEGER, own INTEGER NOT NULL, created REAL NOT NULL,"
    " UNIQUE (battle, judge)) STRICT",
    "ALTER TABLE arena_battles ADD COLUMN instance INTEGER NOT NULL DEFAULT 1"};

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ",") + word;
  return all;
}

std::string_view side_word(uint32_t side) { return side == 0 ? "a" : "b"; }

}  // namespace

std::string_view outcome_word(arena::Outcome outcome) noexcept {
  switch (outcome) {
    case arena::Outcome::kFirst:
      return "a";
    case arena::Outcome::kSecond:
      return "b";
    case arena::Outcome::kTie:
      return "tie";
    case arena::Outcome::kBothBad:
      return "bad";
  }
  return "";
}

// One battle on its way to its reader.
class Arena::Battle : public std::enable_shared_from_this<Battle> {
 public:
  Battle(RouteCall& call, Arena& arena, StoredBattle stored, chat::ChatRequest request)
      : state_(call.state),
        arena_(arena),
        caller_(call.caller),
        record_(call.record),
        exchange_(call.exchange),
        request_id_(call.request_id),
        request_(std::move(request)),
        stored_(std::move(stored)) {}

  void start() {
    const auto self = shared_from_this();
    const auto comparison = std::make_shared<gateway::Comparison>(
        std::vector<std::string>{stored_.models[0], stored_.models[1]},
        gateway::Comparison::Hooks{
            .start = [self](uint32_t side, uint32_t,
                            gateway::EventSink sink) { return self->ask(side, std::move(sink)); },
            .run = [self](std::function<void()> job) { return self->state_.workers.run(std::move(job)); },
            .on_begin = [](uint32_t, const Column&) {},
            .on_event = [self](uint32_t side, const Column& column, const Event& event,
                               bool all_ended) { self->take(side, column, event, all_ended); }});
    exchange_->on_gone([weak = std::weak_ptr(comparison)] {
      if (const auto still = weak.lock()) still->stop_all();
    });
    exchange_->begin(200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}, ": ping\n\n");
    exchange_->write(page_event("battle", {{"id", stored_.id}}));
    comparison->start();
  }

 private:
  std::string name_of(uint32_t side) const { return fmt::format("{}.{}", request_id_, side); }

  gateway::CallPtr ask(uint32_t side, gateway::EventSink sink) {
    if (side > 0) {
      const auto decision = state_.keys.check_again(caller_.id, Scope::kPage);
      if (!decision.caller) throw Error(decision.code, decision.message);
    }
    chat::ChatRequest request = request_;
    request.model = stored_.models[side];
    return ask_one_of_many(state_, caller_, record_, name_of(side), request, std::move(sink));
  }

  // Thinking, warnings and reasons of failures would tell who it is.
  void take(uint32_t side, const Column& column, const Event& event, bool all_ended) {
    const bool ended = column.status != Column::Status::kRunning;
    if (event.kind == Event::Kind::kText && !event.text.empty()) {
      begun_[side] = true;
      held_[side] += event.text;
    }
    if (ended) begun_[side] = true;
    if (begun_[0] && begun_[1]) {
      release(0);
      release(1);
    }
    if (ended) end(side, column);
    if (all_ended) finish();
  }

  void release(uint32_t side) {
    if (!held_[side].empty()) {
      exchange_->write(page_event("text", {{"side", side_word(side)}, {"text", held_[side]}}));
    }
    held_[side].clear();
  }

  void end(uint32_t side, const Column& column) {
    stored_.answers[side] = column.answer.text;
    stored_.figures[side] = column_json(side, column, state_.receipts.take(name_of(side)))
                                .dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    ok_[side] = column.status == Column::Status::kDone && !column.answer.text.empty();
  }

  // What is to be voted on is on the disk before the reader may vote. The database is not for the thread that computes.
  void finish() {
    stored_.status = ok_[0] && ok_[1] ? "done" : "failed";
    state_.workers.insist([self = shared_from_this()] {
      bool kept = false;
      try {
        self->arena_.store_end(self->stored_);
        kept = true;
      } catch (const std::exception& error) {
        log_warn("a battle could not be stored: {}", error.what());
      }
      self->release_all();
      const bool votable = kept && self->stored_.status == "done";
      self->exchange_->write(page_event("done", {{"id", self->stored_.id}, {"votable", votable}}));
      self->exchange_->end();
      self->arena_.leave(self->caller_.id);
    });
  }

  void release_all() {
    release(0);
    release(1);
  }

  State& state_;
  Arena& arena_;
  const Caller caller_;
  const RequestRecordPtr record_;
  const net::ExchangePtr exchange_;
  const std::string request_id_;
  const chat::ChatRequest request_;
  StoredBattle stored_;
  std::string held_[2];
  bool begun_[2] = {false, false}, ok_[2] = {false, false};
};

Arena::Arena(store::Database& database) : database_(database) {
  database_.migrate("arena", kSchema);
  const auto end_battles_of = [this](int64_t instance) {
    database_.run("UPDATE arena_battles SET status = 'failed' WHERE status = 'running' AND instance = ?", {instance});
  };
  end_battles_of(database_.instances().own());
  gone_ = database_.instances().on_gone(end_battles_of);
}

std::pair<std::string, std::string> Arena::draw(const std::vector<std::string>& pool) const {
  std::map<std::pair<std::string, std::string>, double> met;
  for (const store::Row& row : database_.query("SELECT model_a, model_b, count(*) AS n FROM arena_battles WHERE status "
                                               "= 'done' GROUP BY model_a, model_b")) {
    const std::string a = row.text("model_a"), b = row.text("model_b");
    met[std::minmax(a, b)] += static_cast<double>(row.integer("n"));
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<double> weights;
  for (size_t i = 0; i < pool.size(); ++i) {
    for (size_t j = i + 1; j < pool.size(); ++j) {
      pairs.push_back(std::minmax(pool[i], pool[j]));
      const auto found = met.find(pairs.back());
      weights.push_back(1 / (1 + (found == met.end() ? 0 : found->second)));
    }
  }
  std::random_device random;
  auto pair = pairs[std::discrete_distribution<size_t>(weights.begin(), weights.end())(random)];
  if (random() % 2 == 1) std::swap(pair.first, pair.second);
  return pair;
}

void Arena::begin(RouteCall& call, const chat::ChatRequest& request, const std::string& question,
                  const std::vector<std::string>& pool) {
  const auto [first, second] = draw(pool);
  StoredBattle battle{.id = new_id(), .owner = call.caller.id, .question = question};
  battle.categories = joined(arena::categories_of(question));
  battle.models[0] = first;
  battle.models[1] = second;
  {
    std::lock_guard lock(mutex_);
    if (running_[call.caller.id] >= kMaxRunningComparisons) {
      throw Error(Code::kRateLimited,
                  fmt::format("{} battles are running already, the most there may be", kMaxRunningComparisons));
    }
    ++running_[call.caller.id];
  }
  try {
    database_.run(
        "INSERT INTO arena_battles (id, owner, created, question, categories, model_a, model_b, status, instance)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?)",
        {battle.id, battle.owner, wall_clock(), battle.question, battle.categories, first, second,
         database_.instances().own()});
  } catch (...) {
    leave(call.caller.id);
    throw;
  }
  std::make_shared<Battle>(call, *this, std::move(battle), request)->start();
}

void Arena::leave(const std::string& owner) {
  std::lock_guard lock(mutex_);
  if (const auto found = running_.find(owner); found != running_.end() && --found->second == 0) running_.erase(found);
}

void Arena::store_end(const StoredBattle& b) {
  database_.run(
      "UPDATE arena_battles SET answer_a = ?, answer_b = ?, figures_a = ?, figures_b = ?, status = ? WHERE id = ?",
      {b.answers[0], b.answers[1], b.figures[0], b.figures[1], b.status, b.id});
}

StoredBattle Arena::battle(const std::string& owner, const std::string& id) const {
  const auto rows = database_.query("SELECT * FROM arena_battles WHERE id = ? AND owner = ?", {id, owner});
  if (rows.empty()) throw Error(Code::kNotFound, "no such battle");
  const store::Row& row = rows[0];
  return {.id = id,
          .owner = owner,
          .question = row.text("question"),
          .categories = row.text("categories"),
          .models = {row.text("model_a"), row.text("model_b")},
          .answers = {row.text("answer_a"), row.text("answer_b")},
          .figures = {row.text("figures_a"), row.text("figures_b")},
          .status = row.text("status"),
          .created = row.real("created")};
}

bool Arena::is_voted(const std::string& battle) const {
  return !database_.query("SELECT 1 AS n FROM arena_votes WHERE battle = ? AND judge = ''", {battle}).empty();
}

void Arena::vote(const StoredBattle& battle, const std::string& judge, std::optional<arena::Outcome> outcome) {
  if (battle.status != "done") {
    throw Error(Code::kInvalidArgument, "this battle cannot be voted on: not both sides have answered");
  }
  const bool own = judge == battle.models[0] || judge == battle.models[1];
  database_.transaction([&] {
    const auto known =
        database_.query("SELECT 1 AS n FROM arena_votes WHERE battle = ? AND judge = ?", {battle.id, judge});
    if (!known.empty()) throw Error(Code::kInvalidArgument, "this battle has been voted on already");
    database_.run(
        "INSERT INTO arena_votes (battle, voter, judge, outcome, own, created) VALUES (?, ?, ?, ?, ?, ?)",
        {battle.id, battle.owner, judge, outcome ? store::Value(static_cast<int64_t>(*outcome)) : store::Value(nullptr),
         static_cast<int64_t>(own), wall_clock()});
  });
}

std::vector<StoredVote> Arena::votes(const std::string& category, bool answers) const {
  std::vector<StoredVote> all;
  const std::string_view sql =
      answers ? "SELECT v.*, b.model_a, b.model_b, b.categories, b.answer_a, b.answer_b FROM arena_votes v"
                " JOIN arena_battles b ON b.id = v.battle WHERE ? = '' OR ',' || b.categories || ',' LIKE ? ESCAPE '\\'"
                " ORDER BY v.id"
              : "SELECT v.*, b.model_a, b.model_b, b.categories, '' AS answer_a, '' AS answer_b FROM arena_votes v"
                " JOIN arena_battles b ON b.id = v.battle WHERE ? = '' OR ',' || b.categories || ',' LIKE ? ESCAPE '\\'"
                " ORDER BY v.id";
  for (const store::Row& row : database_.query(sql, {category, store::anywhere("," + category + ",")})) {
    StoredVote vote{.id = row.integer("id"), .battle = row.text("battle"), .voter = row.text("voter")};
    vote.judge = row.text("judge");
    if (!row.is_null("outcome")) vote.outcome = static_cast<arena::Outcome>(row.integer("outcome"));
    vote.own = row.integer("own") != 0;
    vote.created = row.real("created");
    vote.models[0] = row.text("model_a"), vote.models[1] = row.text("model_b");
    vote.answers[0] = row.text("answer_a"), vote.answers[1] = row.text("answer_b");
    vote.categories = row.text("categories");
    all.push_back(std::move(vote));
  }
  return all;
}

}  // namespace shenbi::server
