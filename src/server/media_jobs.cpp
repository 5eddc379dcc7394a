#include "server/media_jobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "server/ids.h"
#include "server/state.h"
#include "store/instances.h"

namespace shenbi::server {
namespace {

using gateway::JobState;
using store::Row;
using Phase = StoredMediaJob::Phase;

// `phase`, `state` and `kind` hold the enums' numbers.
const std::vector<store::Step> kMediaJobsSchema = {
    "CREATE TABLE media_jobs (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,"
    " kind INTEGER NOT NULL, wanted TEXT NOT NULL, prompt TEXT NOT NULL, phase INTEGER NOT NULL, upstream TEXT NOT NULL"
    " DEFAULT '', model TEXT NOT NULL DEFAULT '', house_id TEXT NOT NULL DEFAULT '', house_key INTEGER NOT NULL DEFAULT"
    " 0, state INTEGER NOT NULL, progress INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', code TEXT NOT "
    "NULL"
    " DEFAULT '', seconds TEXT NOT NULL DEFAULT '', size TEXT NOT NULL DEFAULT '', link TEXT NOT NULL DEFAULT '',"
    " raw_usage TEXT NOT NULL DEFAULT '', request_id TEXT NOT NULL DEFAULT '', attempt INTEGER NOT NULL DEFAULT 0,"
    " reservation INTEGER NOT NULL DEFAULT 0, started INTEGER NOT NULL DEFAULT 0, most_ms INTEGER NOT NULL, most_images"
    " INTEGER NOT NULL, file TEXT NOT NULL DEFAULT '', type TEXT NOT NULL DEFAULT '', created REAL NOT NULL, ended REAL"
    " NOT NULL DEFAULT 0, expires REAL NOT NULL DEFAULT 0, instance INTEGER NOT NULL) STRICT;"
    "CREATE INDEX media_jobs_by_owner ON media_jobs (owner, number)"};

constexpr std::string_view kCutOff =
    "the server ended while the job was being sent to its house; whether the house works on it is not known";

[[noreturn]] void no_media_job(const std::string& id) {
  throw Error(Code::kNotFound, fmt::format("video '{}' is not here", sanitize_utf8(id)));
}

int64_t number(Phase phase) { return static_cast<int64_t>(phase); }
int64_t number(JobState state) { return static_cast<int64_t>(state); }

template <class Enum>
Enum enum_of(const Row& row, std::string_view column, Enum last) {
  return static_cast<Enum>(std::clamp<int64_t>(row.integer(column), 0, static_cast<int64_t>(last)));
}

StoredMediaJob job_of(const Row& row) {
  StoredMediaJob one{.id = row.text("id"),
                     .owner = row.text("owner"),
                     .wanted = row.text("wanted"),
                     .prompt = row.text("prompt"),
                     .phase = enum_of(row, "phase", Phase::kEnded),
                     .file = row.text("file"),
                     .type = row.text("type"),
                     .created = row.real("created"),
                     .ended = row.real("ended"),
                     .expires = row.real("expires")};
  one.job = {.kind = enum_of(row, "kind", gateway::MediaKind::kVideo),
             .upstream = row.text("upstream"),
             .model = row.text("model"),
             .id = row.text("house_id"),
             .key = static_cast<uint32_t>(row.integer("house_key")),
             .state = enum_of(row, "state", JobState::kCancelled),
             .progress = static_cast<int>(row.integer("progress")),
             .error = row.text("error"),
             .code = row.text("code"),
             .seconds = row.text("seconds"),
             .size = row.text("size"),
             .link = row.text("link"),
             .raw_usage = row.text("raw_usage")};
  one.attempt = {.wanted = one.wanted,
                 .upstream = one.job.upstream,
                 .model = one.job.model,
                 .tenant = one.owner,
                 .request_id = row.text("request_id"),
                 .reservation = static_cast<uint64_t>(row.integer("reservation")),
                 .number = static_cast<uint32_t>(row.integer("attempt")),
                 .started = row.integer("started")};
  one.attempt.media = gateway::MediaUse{.images = static_cast<uint64_t>(row.integer("most_images")),
                                        .milliseconds = static_cast<uint64_t>(row.integer("most_ms"))};
  return one;
}

}  // namespace

MediaJobs::MediaJobs(store::Database& database, Files& files) : database_(database), files_(files) {
  database_.migrate("media_jobs", kMediaJobsSchema);
  gone_ = database_.instances().on_gone(
      [this](int64_t instance) { database_.run("UPDATE media_jobs SET instance = 0 WHERE instance = ?", {instance}); });
}

// --- for callers ---

StoredMediaJob MediaJobs::create(const std::string& owner, const gateway::MediaRequest& request) {
  const std::string id = "video_" + random_text(24);
  const std::string prompt = request.words.value("prompt", std::string());
  database_.transaction([&] {
    const auto rows = database_.query("SELECT count(*) AS n FROM media_jobs WHERE owner = ? AND phase <> ?",
                                      {owner, number(Phase::kEnded)});
    if (static_cast<uint64_t>(rows[0].integer("n")) >= kMaxUnfinishedMediaJobs) {
      throw Error(Code::kRateLimited,
                  fmt::format("{} videos of this key are not finished yet", kMaxUnfinishedMediaJobs));
    }
    database_.run(
        "INSERT INTO media_jobs (id, owner, kind, wanted, prompt, phase, state, most_ms, most_images, created, "
        "instance)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {id, owner, static_cast<int64_t>(request.kind), request.model,
         sanitize_utf8(prompt.substr(0, kMaxShownPromptBytes)), number(Phase::kSubmitting), number(JobState::kQueued),
         static_cast<int64_t>(request.most.milliseconds), static_cast<int64_t>(request.most.images), wall_clock(),
         database_.instances().own()});
  });
  return get(owner, id);
}

bool MediaJobs::submitted(const std::string& id, const gateway::MediaJob& job) {
  const gateway::Attempt& attempt = *job.attempt;
  const bool here = database_.run(
                        "UPDATE media_jobs SET phase = ?, upstream = ?, model = ?, house_id = ?, house_key = ?,"
                        " request_id = ?, attempt = ?, reservation = ?, started = ? WHERE id = ? AND phase = ?",
                        {number(Phase::kWorking), job.upstream, job.model, job.id, int64_t{job.key}, attempt.request_id,
                         int64_t{attempt.number}, static_cast<int64_t>(attempt.reservation), attempt.started, id,
                         number(Phase::kSubmitting)}) > 0;
  return here && progress(id, job);
}

void MediaJobs::forget(const std::string& id) {
  database_.run("DELETE FROM media_jobs WHERE id = ? AND phase = ?", {id, number(Phase::kSubmitting)});
}

StoredMediaJob MediaJobs::get(const std::string& owner, const std::string& id) const {
  const auto rows = database_.query("SELECT * FROM media_jobs WHERE id = ? AND owner = ?", {id, owner});
  if (rows.empty()) no_media_job(id);
  return job_of(rows[0]);
}

std::optional<StoredMediaJob> MediaJobs::find(const std::string& id) const {
  const auto rows = database_.query("SELECT * FROM media_jobs WHERE id = ?", {id});
  return rows.empty() ? std::nullopt : std::optional(job_of(rows[0]));
}

MediaJobs::Page MediaJobs::list(const std::string& owner, const std::string& after, int64_t limit,
                                bool newest_first) const {
  int64_t edge = newest_first ? INT64_MAX : 0;
  if (!after.empty()) {
    const auto rows = database_.query("SELECT number FROM media_jobs WHERE id = ? AND owner = ?", {after, owner});
    if (rows.empty()) no_media_job(after);
    edge = rows[0].integer("number");
  }
  const auto rows = database_.query(
      newest_first ? "SELECT * FROM media_jobs WHERE owner = ? AND number < ? ORDER BY number DESC LIMIT ?"
                   : "SELECT * FROM media_jobs WHERE owner = ? AND number > ? ORDER BY number LIMIT ?",
      {owner, edge, limit + 1});
  Page page{.jobs = {}, .more = rows.size() > static_cast<size_t>(limit)};
  for (size_t i = 0; i < std::min(rows.size(), static_cast<size_t>(limit)); ++i) page.jobs.push_back(job_of(rows[i]));
  return page;
}

StoredMediaJob MediaJobs::remove(const std::string& owner, const std::string& id) {
  StoredMediaJob was;
  database_.transaction([&] {
    was = get(owner, id);
    database_.run("DELETE FROM media_jobs WHERE id = ?", {id});
  });
  if (!was.file.empty()) {
    try {
      files_.remove(owner, was.file);
    } catch (const Error& error) {  // its owner has deleted it himself, or it has expired
      if (error.code() != Code::kNotFound) throw;
    }
  }
  return was;
}

// --- for the runner ---

void MediaJobs::claim() {
  const int64_t own = database_.instances().own();
  database_.transaction([&] {
    // At the start what bears our number is of our last run (a file of SQLite has one program, always of one number).
    const int64_t lost = std::exchange(first_claim_, false) && !shared() ? own : 0;
    database_.run(
        "UPDATE media_jobs SET phase = ?, state = ?, error = ?, code = ?, ended = ?, expires = ? WHERE phase = ?"
        " AND instance = ?",
        {number(Phase::kEnded), number(JobState::kFailed), std::string(kCutOff), std::string("interrupted"),
         wall_clock(), wall_clock() + static_cast<double>(kMediaResultSeconds), number(Phase::kSubmitting), lost});
    database_.run("UPDATE media_jobs SET instance = ? WHERE instance = 0 AND phase <> ?", {own, number(Phase::kEnded)});
  });
}

std::vector<StoredMediaJob> MediaJobs::mine() const {
  std::vector<StoredMediaJob> all;
  for (const Row& row :
       database_.query("SELECT * FROM media_jobs WHERE instance = ? AND phase IN (?, ?) ORDER BY number",
                       {database_.instances().own(), number(Phase::kWorking), number(Phase::kFetching)})) {
    all.push_back(job_of(row));
  }
  return all;
}

void MediaJobs::let_go() {
  if (shared())
    database_.run("UPDATE media_jobs SET instance = 0 WHERE phase IN (?, ?) AND instance = ?",
                  {number(Phase::kWorking), number(Phase::kFetching), database_.instances().own()});
}

bool MediaJobs::progress(const std::string& id, const gateway::MediaJob& job) {
  const Phase phase = job.state == JobState::kDone ? Phase::kFetching : Phase::kWorking;
  return database_.run(
             "UPDATE media_jobs SET phase = ?, state = ?, progress = ?, seconds = ?, size = ?, link = ?, raw_usage = ?"
             " WHERE id = ? AND phase IN (?, ?)",
             {number(phase), number(job.state), int64_t{job.progress}, sanitize_utf8(job.seconds),
              sanitize_utf8(job.size), sanitize_utf8(job.link), sanitize_utf8(job.raw_usage), id,
              number(Phase::kWorking), number(Phase::kFetching)}) > 0;
}

bool MediaJobs::fail(const std::string& id, const gateway::MediaJob& job) {
  const double now = wall_clock();
  return database_.run(
             "UPDATE media_jobs SET phase = ?, state = ?, error = ?, code = ?, ended = ?, expires = ? WHERE id = ? AND"
             " phase <> ?",
             {number(Phase::kEnded), number(JobState::kFailed), sanitize_utf8(job.error), sanitize_utf8(job.code), now,
              now + static_cast<double>(kMediaResultSeconds), id, number(Phase::kEnded)}) > 0;
}

bool MediaJobs::complete(const std::string& id, FileDraft& draft, const std::string& type) {
  files_.share(draft);
  bool done = false;
  database_.transaction([&] {
    const auto job = find(id);
    done = job && job->phase == Phase::kFetching;
    if (!done) return;
    const double now = wall_clock();
    files_.insert({.id = draft.id(),
                   .owner = job->owner,
                   .purpose = "media_output",
                   .name = id + (type == "video/webm" ? ".webm" : ".mp4"),
                   .bytes = draft.bytes()},
                  kMediaResultSeconds);
    database_.run(
        "UPDATE media_jobs SET phase = ?, state = ?, progress = 100, file = ?, type = ?, ended = ?, expires = ? WHERE "
        "id"
        " = ?",
        {number(Phase::kEnded), number(JobState::kDone), draft.id(), sanitize_utf8(type), now,
         now + static_cast<double>(kMediaResultSeconds), id});
  });
  if (done) draft.keep();
  return done;
}

void MediaJobs::purge() {
  database_.run("DELETE FROM media_jobs WHERE phase = ? AND expires < ?", {number(Phase::kEnded), wall_clock()});
}

}  // namespace shenbi::server
