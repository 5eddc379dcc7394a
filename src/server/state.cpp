#include "server/state.h"

#include "base/log.h"
#include "gateway/local.h"
#include "gateway/router.h"
#include "server/answer_cache.h"
#include "server/arena.h"
#include "server/batches.h"
#include "server/comparisons.h"
#include "server/conversations.h"
#include "server/files.h"
#include "server/media_runner.h"
#include "server/prompts.h"
#include "server/request_record.h"
#include "server/running_answers.h"
#include "server/webhook.h"

namespace shenbi::server {

// Threads that may block: loads and long prompts at once, not a thread a connection.
constexpr int kWorkerThreads = 16;

namespace {

std::string current_request_id() {
  if (const std::string& expected = Receipts::current_id(); !expected.empty()) return expected;
  const RequestRecordPtr record = RequestRecord::current();
  return record ? record->id() : "";
}

// Loads are counted and, below the request that asked or alone, traced.
engine::ServiceOptions with_load_reports(engine::ServiceOptions options, State& state) {
  options.on_load = [&state](const engine::LoadReport& report) {
    state.metrics.model_load(report.model, std::chrono::duration<double>(report.ended - report.begun).count(),
                             report.failed);
    const std::string name = "load " + report.model;
    trace::Span span = trace::child(name, report.begun);
    if (!trace::inside() && state.tracer)
      span = state.tracer->root(name, trace::Kind::kInternal, std::nullopt, report.begun);
    span.set("gen_ai.request.model", report.model);
    span.set("shenbi.model.bytes", static_cast<int64_t>(report.bytes));
    if (report.failed) span.fail("load");
    span.end(report.ended);
  };
  return options;
}

// A model as rules of the router see it: what the catalog knows, and what this account pays.
catalog::Model described(const catalog::Catalog& catalog, const gateway::Upstream* upstream,
                         const gateway::ModelInfo& info) {
  if (!upstream)
    return catalog::local_model(
        {.name = info.id, .context = info.context, .tools = info.tools, .thinking = info.thinking});
  catalog::Model model{.id = upstream->name + "/" + info.id, .name = info.id};
  if (const catalog::Model* known = catalog.look_up(info.id)) {
    model = *known;
    model.prices.clear();
  }
  if (const catalog::Price* price = catalog.price(price_list(*upstream), info.id)) model.prices = {*price};
  return model;
}

}  // namespace

State::State(const ServeOptions& o)
    : options(o),
      database(o.database.empty() ? (o.data / "shenbi.db").string() : o.database),
      keys(database, o.keys),
      responses(database),
      ledger(database),
      library(catalog::user_file(o.data)),
      tracer(trace::Tracer::start(o.trace)),
      workers(kWorkerThreads),
      upstreams(database),
      routes(database),
      alerts(database, {.send = webhook_sender(o.alert_webhook, ending)}),
      budgets(database, ledger,
              {.team_of = [this](const std::string& key) { return keys.team_of(key); },
               .on_alert = [this](const ledger::Alert& alert) { alerts.raise(alert); }}),
      accounting(budgets, library, upstreams, [this](const std::string& model) { return local_context(model); }),
      service(std::make_shared<engine::Service>(with_load_reports(o.engine, *this))),
      provider(std::make_shared<gateway::Router>(
          gateway::make_local_provider(service, o.models), upstreams,
          gateway::RouterOptions{
              .run = [this](std::function<void()> job) { return workers.run(std::move(job)); },
              .admit = [this](const gateway::Attempt& attempt,
                              const gateway::Need& need) { return accounting.admit(attempt, need); },
              .on_attempt =
                  [this](const gateway::Attempt& attempt) {
                    accounting.file(attempt);
                    note_receipt(attempt);
                  },
              .request_id = current_request_id,
              .routes = &routes,
              .describe = [this](
                              const gateway::Upstream* upstream,
                              const gateway::ModelInfo& info) { return described(*library.current(), upstream, info); },
              .remote = {.personal_data = o.personal_data,
                         .on_masked = [this](const gateway::Upstream& upstream,
                                             const guard::Vault& vault) { note_masked(upstream, vault); }}})),
      conversations(std::make_unique<Conversations>(database)),
      prompts(std::make_unique<Prompts>(database)),
      files(std::make_unique<Files>(database, o.data / "files")),
      batches(std::make_unique<Batches>(database, *files)),
      media_jobs(std::make_unique<MediaJobs>(database, *files)),
      media_runner(std::make_unique<MediaRunner>(*this)),
      running(std::make_unique<RunningAnswers>()),
      comparisons(std::make_unique<Comparisons>()),
      answer_cache(o.answer_cache_bytes > 0 ? std::make_unique<AnswerCache>(o.answer_cache_bytes, o.answer_cache_keep)
                                            : nullptr),
      arena(std::make_unique<Arena>(database)) {}

State::~State() {
  ending = true;
  media_runner->stop();
  workers.stop();
  service->stop();  // its answers go through members that go now
}

uint64_t State::local_context(const std::string& model) const {
  if (const auto loaded = service->loaded(service->real_name(model))) return loaded->context();
  return options.engine.context > 0 ? options.engine.context : options.engine.context_cap;
}

void State::note_receipt(const gateway::Attempt& attempt) {
  receipts.note(attempt.request_id, [&] {
    const auto upstream = upstreams.find(attempt.upstream);
    return row_of(attempt, upstream ? &*upstream : nullptr, *library.current());
  });
}

void State::note_masked(const gateway::Upstream& upstream, const guard::Vault& vault) {
  for (size_t i = 0; i < guard::kKinds; ++i) {
    if (vault.counts()[i] > 0)
      metrics.masked(upstream.name, guard::kind_name(static_cast<guard::Kind>(i)), vault.counts()[i]);
  }
}

void State::note_failed_load(const std::string& model, const std::string& why) {
  std::lock_guard lock(failed_loads_mutex);
  failed_loads[model] = why;
}

std::string State::failed_load(const std::string& model) const {
  std::lock_guard lock(failed_loads_mutex);
  const auto found = failed_loads.find(model);
  return found == failed_loads.end() ? "" : found->second;
}

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace shenbi::server
