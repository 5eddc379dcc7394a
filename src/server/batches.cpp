#include "server/batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "server/ids.h"
#include "server/page_json.h"
#include "server/state.h"
#include "store/instances.h"

namespace shenbi::server {
namespace {

using chat::OrderedJson;
using store::Row;

constexpr double kWindowSeconds = 86400;  // "24h", the one window there is
constexpr int64_t kAnswersAtOnce = 64;

// `status` holds the enum's number. A row of batch_answers lives as long as its batch is unfinished.
const std::vector<store::Step> kBatchesSchema = {
    "CREATE TABLE batches (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,"
    " endpoint TEXT NOT NULL, input_file TEXT NOT NULL, output_file TEXT NOT NULL DEFAULT '', error_file TEXT NOT NULL"
    " DEFAULT '', status INTEGER NOT NULL, finished INTEGER NOT NULL DEFAULT 0, metadata TEXT NOT NULL, errors TEXT NOT"
    " NULL DEFAULT 'null', times TEXT NOT NULL DEFAULT '{}', output_lives_for_s INTEGER NOT NULL, created REAL NOT "
    "NULL,"
    " expires REAL NOT NULL, total INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT"
    " NULL DEFAULT 0) STRICT;"
    "CREATE INDEX batches_by_owner ON batches (owner, number);"
    "CREATE INDEX batches_unfinished ON batches (owner) WHERE finished = 0;"
    "CREATE TABLE batch_answers (batch TEXT NOT NULL, line INTEGER NOT NULL, good INTEGER NOT NULL, answer TEXT NOT"
    " NULL) STRICT;"
    "CREATE UNIQUE INDEX batch_answers_by_line ON batch_answers (batch, line)",
    // Batches that ended before this count from when they were made.
    "ALTER TABLE batches ADD COLUMN model TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE batches ADD COLUMN ended REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE batches ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE batches ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE batches ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE batches ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0;"
    "UPDATE batches SET ended = created WHERE finished = 1",
    // 0: nobody's.
    "ALTER TABLE batches ADD COLUMN instance INTEGER NOT NULL DEFAULT 0"};

constexpr std::array<std::string_view, 8> kNames = {"validating", "failed",  "in_progress", "finalizing",
                                                    "completed",  "expired", "cancelling",  "cancelled"};

bool is_end(BatchStatus status) noexcept {
  return status == BatchStatus::kFailed || status == BatchStatus::kCompleted || status == BatchStatus::kExpired ||
         status == BatchStatus::kCancelled;
}

[[noreturn]] void no_batch(const std::string& id) {
  throw Error(Code::kNotFound, fmt::format("batch '{}' is not here", sanitize_utf8(id)));
}

StoredBatch batch_of(const Row& row) {
  return {.id = row.text("id"),
          .owner = row.text("owner"),
          .endpoint = row.text("endpoint"),
          .input_file = row.text("input_file"),
          .output_file = row.text("output_file"),
          .error_file = row.text("error_file"),
          .model = row.text("model"),
          .status = static_cast<BatchStatus>(std::clamp<int64_t>(row.integer("status"), 0, kNames.size() - 1)),
          .metadata = OrderedJson::parse(row.text("metadata")),
          .errors = OrderedJson::parse(row.text("errors")),
          .times = OrderedJson::parse(row.text("times")),
          .output_lives_for_s = row.integer("output_lives_for_s"),
          .created = row.real("created"),
          .expires = row.real("expires"),
          .total = row.integer("total"),
          .completed = row.integer("completed"),
          .failed = row.integer("failed"),
          .usage = {.input_tokens = row.integer("input_tokens"),
                    .cached_tokens = row.integer("cached_tokens"),
                    .output_tokens = row.integer("output_tokens"),
                    .reasoning_tokens = row.integer("reasoning_tokens")}};
}

OrderedJson errors_json(const std::vector<BatchProblem>& problems) {
  if (problems.empty()) return nullptr;
  OrderedJson data = OrderedJson::array();
  for (const BatchProblem& problem : problems) {
    data.push_back({{"code", problem.code},
                    {"line", problem.line > 0 ? OrderedJson(problem.line) : OrderedJson()},
                    {"message", problem.message},
                    {"param", problem.param.empty() ? OrderedJson() : OrderedJson(problem.param)}});
  }
  return {{"object", "list"}, {"data", std::move(data)}};
}

}  // namespace

std::string_view batch_status_name(BatchStatus status) noexcept { return kNames[static_cast<size_t>(status)]; }

Batches::Batches(store::Database& database, Files& files) : database_(database), files_(files) {
  database_.migrate("batches", kBatchesSchema);
  for (const Row& row : database_.query(
           "SELECT id FROM batches WHERE finished = 1 AND id IN (SELECT DISTINCT batch FROM batch_answers)")) {
    forget_answers(row.text("id"));
  }
  gone_ = database_.instances().on_gone(
      [this](int64_t instance) { database_.run("UPDATE batches SET instance = 0 WHERE instance = ?", {instance}); });
}

// --- for callers ---

StoredBatch Batches::create(const StoredBatch& wanted) {
  const std::string id = "batch_" + random_text(24);
  database_.transaction([&] {
    const StoredFile input = files_.get(wanted.owner, wanted.input_file);
    if (input.purpose != "batch") {
      throw Error(Code::kInvalidArgument,
                  fmt::format("input_file_id: '{}' has the purpose {}, not batch", input.id, input.purpose));
    }
    const auto rows =
        database_.query("SELECT count(*) AS n FROM batches WHERE owner = ? AND finished = 0", {wanted.owner});
    if (static_cast<uint64_t>(rows[0].integer("n")) >= limits::kMaxUnfinishedBatches) {
      throw Error(Code::kRateLimited,
                  fmt::format("{} batches of this key are not finished yet", limits::kMaxUnfinishedBatches));
    }
    files_.hold(input.id);
    const double now = wall_clock();
    database_.run(
        "INSERT INTO batches (id, owner, endpoint, input_file, status, metadata, output_lives_for_s, created, expires)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {id, wanted.owner, wanted.endpoint, input.id, static_cast<int64_t>(BatchStatus::kValidating),
         dumped(wanted.metadata), wanted.output_lives_for_s, now, now + kWindowSeconds});
  });
  const StoredBatch made = one(id);
  if (news_) news_(id);
  return made;
}

StoredBatch Batches::one(const std::string& id) const {
  const auto rows = database_.query("SELECT * FROM batches WHERE id = ?", {id});
  if (rows.empty()) no_batch(id);
  return batch_of(rows[0]);
}

StoredBatch Batches::get(const std::string& owner, const std::string& id) const {
  const auto rows = database_.query("SELECT * FROM batches WHERE id = ? AND owner = ?", {id, owner});
  if (rows.empty()) no_batch(id);
  return batch_of(rows[0]);
}

Batches::Page Batches::list(const std::string& owner, const std::string& after, int64_t limit) const {
  int64_t edge = INT64_MAX;
  if (!after.empty()) {
    const auto rows = database_.query("SELECT number FROM batches WHERE id = ? AND owner = ?", {after, owner});
    if (rows.empty()) no_batch(after);
    edge = rows[0].integer("number");
  }
  const auto rows = database_.query("SELECT * FROM batches WHERE owner = ? AND number < ? ORDER BY number DESC LIMIT ?",
                                    {owner, edge, limit + 1});
  Page page{.batches = {}, .more = rows.size() > static_cast<size_t>(limit)};
  for (size_t i = 0; i < std::min(rows.size(), static_cast<size_t>(limit)); ++i) {
    page.batches.push_back(batch_of(rows[i]));
  }
  return page;
}

StoredBatch Batches::cancel(const std::string& owner, const std::string& id) {
  StoredBatch batch;
  database_.transaction([&] {
    batch = get(owner, id);
    if (batch.status == BatchStatus::kCancelling) return;
    if (batch.status != BatchStatus::kValidating && batch.status != BatchStatus::kInProgress) {
      throw Error(Code::kInvalidArgument,
                  fmt::format("batch '{}' is {} and cannot be cancelled", id, batch_status_name(batch.status)));
    }
    set_status(batch, BatchStatus::kCancelling);
    write(batch);
  });
  if (news_) news_(id);
  return batch;
}

// --- for the runner ---

std::vector<StoredBatch> Batches::claim() {
  database_.run("UPDATE batches SET instance = ? WHERE finished = 0 AND instance = 0", {database_.instances().own()});
  return mine();
}

std::vector<StoredBatch> Batches::mine() const {
  std::vector<StoredBatch> all;
  for (const Row& row : database_.query("SELECT * FROM batches WHERE finished = 0 AND instance = ? ORDER BY number",
                                        {database_.instances().own()})) {
    all.push_back(batch_of(row));
  }
  return all;
}

void Batches::let_go() {
  if (shared())
    database_.run("UPDATE batches SET instance = 0 WHERE finished = 0 AND instance = ?", {database_.instances().own()});
}

// Within a transaction: nobody takes it away until that ends.
std::optional<StoredBatch> Batches::own_one(const std::string& id) const {
  const auto rows =
      database_.query("SELECT * FROM batches WHERE id = ? AND instance = ?", {id, database_.instances().own()});
  if (rows.empty()) return std::nullopt;
  return batch_of(rows[0]);
}

void Batches::set_status(StoredBatch& batch, BatchStatus status) const {
  batch.status = status;
  batch.times[std::string(batch_status_name(status)) + "_at"] = static_cast<int64_t>(wall_clock());
}

void Batches::write(const StoredBatch& batch) {
  database_.run(
      "UPDATE batches SET status = ?, finished = ?, times = ?, errors = ?, output_file = ?, error_file = ?, total = ?,"
      " failed = ?, model = ?, ended = ? WHERE id = ?",
      {static_cast<int64_t>(batch.status), int64_t{is_end(batch.status)}, dumped(batch.times), dumped(batch.errors),
       batch.output_file, batch.error_file, batch.total, batch.failed, batch.model,
       is_end(batch.status) ? wall_clock() : 0.0, batch.id});
}

void Batches::fail(const std::string& id, const std::vector<BatchProblem>& problems) {
  end(id, {.status = BatchStatus::kFailed, .problems = problems});
}

bool Batches::begin(const std::string& id, int64_t lines, const std::string& model) {
  bool begun = false;
  database_.transaction([&] {
    auto batch = own_one(id);
    begun = batch && batch->status == BatchStatus::kValidating;
    if (!begun) return;
    batch->total = lines;
    batch->model = model;
    set_status(*batch, BatchStatus::kInProgress);
    write(*batch);
  });
  return begun;
}

std::vector<uint32_t> Batches::answered(const std::string& id) const {
  std::vector<uint32_t> lines;
  for (const Row& row : database_.query("SELECT line FROM batch_answers WHERE batch = ? ORDER BY line", {id})) {
    lines.push_back(static_cast<uint32_t>(row.integer("line")));
  }
  return lines;
}

void Batches::record(const std::string& id, uint32_t line, bool good, const std::string& answer,
                     const BatchUsage& usage) {
  database_.transaction([&] {
    if (!own_one(id)) throw Error(Code::kUnavailable, fmt::format("batch '{}' is another program's now", id));
    database_.run("INSERT INTO batch_answers (batch, line, good, answer) VALUES (?, ?, ?, ?)",
                  {id, int64_t{line}, int64_t{good}, answer});
    database_.run(
        "UPDATE batches SET completed = completed + ?, failed = failed + ?, input_tokens = input_tokens + ?,"
        " cached_tokens = cached_tokens + ?, output_tokens = output_tokens + ?, reasoning_tokens = reasoning_tokens + ?"
        " WHERE id = ?",
        {int64_t{good}, int64_t{!good}, usage.input_tokens, usage.cached_tokens, usage.output_tokens,
         usage.reasoning_tokens, id});
  });
}

std::vector<Batches::Answer> Batches::answers(const std::string& id, uint32_t after) const {
  std::vector<Answer> some;
  for (const Row& row : database_.query(
           "SELECT line, good, answer FROM batch_answers WHERE batch = ? AND line > ? ORDER BY line LIMIT ?",
           {id, int64_t{after}, kAnswersAtOnce})) {
    some.push_back({static_cast<uint32_t>(row.integer("line")), row.integer("good") != 0, row.text("answer")});
  }
  return some;
}

BatchStatus Batches::finalizing(const std::string& id) {
  BatchStatus status{};
  database_.transaction([&] {
    auto batch = own_one(id);
    if (!batch) throw Error(Code::kUnavailable, fmt::format("batch '{}' is another program's now", id));
    status = batch->status;
    if (status != BatchStatus::kInProgress) return;
    set_status(*batch, BatchStatus::kFinalizing);
    write(*batch);
    status = batch->status;
  });
  return status;
}

void Batches::end(const std::string& id, const End& end) {
  for (const FileDraft* draft : {end.output, end.errors}) {
    if (draft) files_.share(*draft);
  }
  bool ended = false, mine = false;
  database_.transaction([&] {
    auto found = own_one(id);
    mine = found.has_value();
    ended = !mine || is_end(found->status);
    if (ended) return;
    StoredBatch& batch = *found;
    const auto add = [&](FileDraft* draft, std::string_view kind) -> std::string {
      if (!draft) return "";
      files_.insert({.id = draft->id(),
                     .owner = batch.owner,
                     .purpose = "batch_output",
                     .name = fmt::format("{}_{}.jsonl", id, kind),
                     .bytes = draft->bytes()},
                    batch.output_lives_for_s);
      return draft->id();
    };
    batch.output_file = add(end.output, "output");
    batch.error_file = add(end.errors, "error");
    batch.failed += end.unanswered;
    batch.errors = errors_json(end.problems);
    set_status(batch, end.status);
    write(batch);
    files_.release(batch.input_file);
  });
  for (FileDraft* draft : {end.output, end.errors}) {
    if (draft && !ended) draft->keep();
  }
  if (mine) forget_answers(id);
}

// Its answers went when it ended.
void Batches::purge() {
  database_.run(
      "DELETE FROM batches WHERE finished = 1 AND ended < ? AND NOT EXISTS (SELECT 1 FROM files WHERE files.id IN"
      " (batches.output_file, batches.error_file))",
      {wall_clock() - static_cast<double>(limits::kEndedBatchSeconds)});
}

// In steps, so that others get at the database in between.
void Batches::forget_answers(const std::string& id) {
  constexpr std::string_view kSome =
      "DELETE FROM batch_answers WHERE batch = ? AND line IN (SELECT line FROM batch_answers WHERE batch = ? LIMIT "
      "500)";
  while (database_.run(kSome, {id, id}) > 0) {
  }
}

}  // namespace shenbi::server
