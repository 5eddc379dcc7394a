#include "server/comparisons.h"

#include <fmt/format.h>

#include <algorithm>

#include "chat/dialect.h"
#include "server/answering.h"
#include "server/page_json.h"
#include "server/receipts.h"
#include "server/running_answers.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

using chat::Event;
using chat::OrderedJson;
using gateway::Column;

OrderedJson or_null(double seconds) { return seconds < 0 ? OrderedJson() : OrderedJson(seconds); }

OrderedJson calls_json(const std::vector<chat::ToolCall>& calls) {
  OrderedJson list = OrderedJson::array();
  for (const chat::ToolCall& call : calls) {
    list.push_back(
        {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return list;
}

}  // namespace

OrderedJson column_json(uint32_t index, const Column& column, const std::optional<Receipt>& receipt) {
  const chat::Usage& usage = column.answer.usage;
  OrderedJson json = {{"column", index},
                      {"model", column.model},
                      {"attempt", column.attempt},
                      {"status", gateway::status_name(column.status)},
                      {"finish_reason", nullptr},
                      {"usage",
                       {{"prompt_tokens", usage.prompt_tokens},
                        {"cached_tokens", usage.cached_tokens},
                        {"completion_tokens", usage.completion_tokens},
                        {"reasoning_tokens", usage.reasoning_tokens}}},
                      {"first_token_s", or_null(column.first_token_s)},
                      {"seconds", column.total_s},
                      {"tokens_per_s", or_null(column.tokens_per_s)},
                      {"cost_nano_usd", nullptr},
                      {"upstream", nullptr},
                      {"tries", receipt ? receipt->tries : 0}};
  if (column.status == Column::Status::kDone) json["finish_reason"] = chat::openai_finish(column.answer.finish);
  if (receipt && receipt->cost_nano_usd) json["cost_nano_usd"] = *receipt->cost_nano_usd;
  if (receipt && receipt->tries > 0) json["upstream"] = receipt->upstream;
  if (column.status == Column::Status::kFailed) {
    json["error"] = {{"status", column.answer.error_status}, {"message", column.answer.error}};
  }
  if (!column.answer.warnings.empty()) json["warnings"] = column.answer.warnings;
  if (!column.answer.calls.empty()) json["tool_calls"] = calls_json(column.answer.calls);
  return json;
}

// One comparison on its way to its reader.
class Comparisons::Writing : public std::enable_shared_from_this<Writing> {
 public:
  Writing(RouteCall& call, ComparisonPlan plan)
      : state_(call.state),
        caller_(call.caller),
        record_(call.record),
        exchange_(call.exchange),
        request_id_(call.request_id),
        plan_(std::move(plan)),
        created_(seconds_now()),
        ended_(plan_.requests.size()) {}

  const std::string& id() const noexcept { return id_; }

  std::shared_ptr<gateway::Comparison> make() {
    std::vector<std::string> models;
    for (const chat::ChatRequest& request : plan_.requests) models.push_back(request.model);
    const auto self = shared_from_this();
    return std::make_shared<gateway::Comparison>(
        models, gateway::Comparison::Hooks{
                    .start = [self](uint32_t column, uint32_t attempt,
                                    gateway::EventSink sink) { return self->ask(column, attempt, std::move(sink)); },
                    .run = [self](std::function<void()> job) { return self->state_.workers.run(std::move(job)); },
                    .on_begin = [self](uint32_t column, const Column& now) { self->begin(column, now); },
                    .on_event = [self](uint32_t column, const Column& now, const Event& event,
                                       bool all_ended) { self->take(column, now, event, all_ended); }});
  }

  void say_head() {
    if (!plan_.stream) return;
    OrderedJson columns = OrderedJson::array();
    for (size_t i = 0; i < plan_.requests.size(); ++i) {
      columns.push_back({{"column", i}, {"model", plan_.requests[i].model}});
    }
    exchange_->begin(200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}, ": ping\n\n");
    say("comparison", {{"id", id_}, {"object", "comparison"}, {"created", created_}, {"columns", columns}});
  }

 private:
  std::string name_of(uint32_t column, uint32_t attempt) const {
    return attempt == 0 ? fmt::format("{}.{}", request_id_, column)
                        : fmt::format("{}.{}.{}", request_id_, column, attempt);
  }

  gateway::CallPtr ask(uint32_t column, uint32_t attempt, gateway::EventSink sink) {
    if (column + attempt > 0) {  // the first of them is the request itself, which was let in
      const auto decision = state_.keys.check_again(caller_.id, plan_.scope);
      if (!decision.caller) throw Error(decision.code, decision.message);
    }
    return ask_one_of_many(state_, caller_, record_, name_of(column, attempt), plan_.requests[column], std::move(sink));
  }

  void begin(uint32_t index, const Column& column) {
    say("column", {{"column", index},
                   {"model", column.model},
                   {"attempt", column.attempt},
                   {"request_id", name_of(index, column.attempt)}});
  }

  void take(uint32_t index, const Column& column, const Event& event, bool all_ended) {
    switch (event.kind) {
      case Event::Kind::kText:
        if (!event.text.empty()) say("text", {{"column", index}, {"text", event.text}});
        break;
      case Event::Kind::kThinking:
        say("thinking", {{"column", index}, {"text", event.text}});
        break;
      case Event::Kind::kWarning:
        say("warning", {{"column", index}, {"text", event.text}});
        break;
      case Event::Kind::kFinish:
      case Event::Kind::kError:
        end(index, column);
        break;
      default:
        break;
    }
    if (all_ended) finish();
  }

  void end(uint32_t index, const Column& column) {
    OrderedJson json = column_json(index, column, state_.receipts.take(name_of(index, column.attempt)));
    say("end", json);
    if (plan_.stream) return;
    json["content"] = column.answer.text;
    if (!column.answer.thinking.empty()) json["thinking"] = column.answer.thinking;
    ended_[index] = std::move(json);
  }

  void finish() {
    state_.comparisons->forget(id_);
    if (plan_.stream) {
      say("done", {{"id", id_}});
      return exchange_->end();
    }
    const OrderedJson whole = {{"id", id_}, {"object", "comparison"}, {"created", created_}, {"columns", ended_}};
    exchange_->send(json_response(200, whole.dump(-1, ' ', false, OrderedJson::error_handler_t::replace)));
  }

  void say(std::string_view event, const OrderedJson& data) {
    if (plan_.stream) exchange_->write(page_event(event, data));
  }

  State& state_;
  const Caller caller_;
  const RequestRecordPtr record_;
  const net::ExchangePtr exchange_;
  const std::string request_id_, id_ = chat::new_answer_id("cmp-");
  const ComparisonPlan plan_;
  const int64_t created_;
  std::vector<OrderedJson> ended_;  // not in a stream
};

void Comparisons::start(RouteCall& call, ComparisonPlan plan) {
  const auto writing = std::make_shared<Writing>(call, std::move(plan));
  const auto comparison = writing->make();
  {
    std::lock_guard lock(mutex_);
    const auto mine = std::count_if(running_.begin(), running_.end(),
                                    [&](const auto& one) { return one.second.owner == call.caller.id; });
    if (mine >= static_cast<ptrdiff_t>(kMaxRunningComparisons)) {
      throw Error(Code::kRateLimited, fmt::format("{} comparisons are running already, the most there may be", mine));
    }
    running_[writing->id()] = {call.caller.id, comparison};
  }
  call.exchange->on_gone([weak = std::weak_ptr(comparison)] {
    if (const auto still = weak.lock()) still->stop_all();
  });
  writing->say_head();
  comparison->start();
}

std::shared_ptr<gateway::Comparison> Comparisons::find(const Caller& caller, const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  if (found == running_.end() || found->second.owner != caller.id) {
    throw Error(Code::kNotFound, "no such comparison is running");
  }
  return found->second.comparison;
}

void Comparisons::forget(const std::string& id) {
  std::shared_ptr<gateway::Comparison> last;  // goes after the lock
  std::lock_guard lock(mutex_);
  if (const auto found = running_.find(id); found != running_.end()) {
    last = std::move(found->second.comparison);
    running_.erase(found);
  }
}

gateway::CallPtr ask_one_of_many(State& state, const Caller& caller, const RequestRecordPtr& record,
                                 const std::string& request_id, const chat::ChatRequest& request,
                                 gateway::EventSink sink) {
  const RequestRecord::Entered here(record);
  const Receipts::Expected expected(state.receipts, request_id);
  state.keys.check_model(caller, request.model);
  state.keys.check_quota(caller);
  return state.provider->chat(request, measured(state, caller, request.model, std::move(sink)));
}

}  // namespace shenbi::server
