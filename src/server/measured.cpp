// Every answer of a model is measured on its way to the client: for /metrics, for its key's quota, for the log and,
// where traces are kept, as a span with the parts queue, prefill and decode.

#include "base/log.h"
#include "chat/dialect.h"
#include "server/answering.h"
#include "server/request_record.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

using Time = std::chrono::steady_clock::time_point;

double seconds(Time from, Time to) { return std::chrono::duration<double>(to - from).count(); }

// vLLM's words for its label finished_reason.
std::string_view finish_name(chat::Finish finish) {
  if (finish == chat::Finish::kCancelled) return "abort";
  return finish == chat::Finish::kError ? "error" : chat::openai_finish(finish);
}

// The words of the GenAI conventions for what was asked.
std::string operation_of(std::string_view route) {
  if (route == "/v1/completions" || route == "/api/generate") return "text_completion";
  if (route.starts_with("/v1/images/")) return "generate_image";
  if (route.starts_with("/v1/audio/")) return route == "/v1/audio/speech" ? "generate_speech" : "transcribe";
  return route.find("enerateContent") != std::string_view::npos ? "generate_content" : "chat";
}

trace::Span model_span(const RequestRecord& record, const std::string& operation, const std::string& model) {
  trace::Span span = record.child(operation + ' ' + model);
  span.set("gen_ai.operation.name", operation);
  span.set("gen_ai.provider.name", std::string("shenbi"));
  span.set("gen_ai.request.model", model);
  return span;
}

class Meter {
 public:
  Meter(State& state, Caller caller, std::string model)
      : state_(state), caller_(std::move(caller)), record_(RequestRecord::current()) {
    figures_.model = std::move(model);
    if (!record_) return;
    const std::string operation = operation_of(record_->route());
    span_ = model_span(*record_, operation, figures_.model);
  }
  ~Meter() {
    if (span_.recorded()) span_.fail("not_answered");  // it was refused before the model was asked
  }

  void see(const chat::Event& event) {
    const Time now = std::chrono::steady_clock::now();
    if (event.tokens > 0) {
      if (!any_) first_ = now;
      // An event may stand for several tokens; each of them took its share.
      if (any_) {
        if (!between_) between_ = &state_.metrics.between_tokens(figures_.model);
        between_->observe(seconds(last_, now) / event.tokens);
      }
      any_ = true;
      last_ = now;
    }
    if (event.kind == chat::Event::Kind::kFinish || event.kind == chat::Event::Kind::kError) finish(event, now);
  }

 private:
  void finish(const chat::Event& event, Time now) {
    const bool failed = event.kind == chat::Event::Kind::kError;
    figures_.finish = failed ? "error" : finish_name(event.finish);
    figures_.prompt_tokens = event.usage.prompt_tokens;
    figures_.cached_tokens = event.usage.cached_tokens;
    figures_.completion_tokens = event.usage.completion_tokens;
    figures_.total_s = seconds(start_, now);
    if (any_) figures_.first_token_s = seconds(start_, first_);
    if (event.begun != Time{}) {
      figures_.queue_s = seconds(event.queued, event.begun);
      figures_.prefill_s = seconds(event.begun, any_ ? first_ : now);
      figures_.decode_s = any_ ? seconds(first_, now) : 0;
    }
    state_.metrics.answer(figures_);
    tell_span(event, now);
    if (record_) {
      if (failed) record_->fail(std::to_string(event.status), true);
      record_->add_answer(figures_);
    }
    const uint64_t tokens = figures_.prompt_tokens + figures_.completion_tokens;
    if (tokens > 0) {
      // The database is not for the thread that computes.
      state_.workers.run([&state = state_, caller = caller_, tokens] {
        try {
          state.keys.count_tokens(caller, tokens);
        } catch (const std::exception& error) {  // a full disk: they count in memory until the next start
          log_warn("{} tokens of key {} could not be stored: {}", tokens, caller.id, error.what());
        }
      });
    }
  }

  void tell_span(const chat::Event& event, Time now) {
    if (!span_.recorded()) return;
    if (event.begun != Time{}) {
      span_.child("queue", event.queued).end(event.begun);
      span_.child("prefill", event.begun).end(any_ ? first_ : now);
      if (any_) span_.child("decode", first_).end(now);
    }
    if (event.kind == chat::Event::Kind::kError) {
      span_.fail(std::to_string(event.status));
    } else {
      span_.set("gen_ai.response.model", figures_.model);
      span_.set("gen_ai.usage.input_tokens", static_cast<int64_t>(figures_.prompt_tokens));
      span_.set("gen_ai.usage.cache_read.input_tokens", static_cast<int64_t>(figures_.cached_tokens));
      span_.set("gen_ai.usage.output_tokens", static_cast<int64_t>(figures_.completion_tokens));
      if (any_) span_.set("gen_ai.latency.time_to_first_token", figures_.first_token_s);
    }
    span_.set("gen_ai.response.finish_reasons", std::vector<std::string>{figures_.finish});
    span_.end(now);
  }

  State& state_;
  Caller caller_;
  RequestRecordPtr record_;
  trace::Span span_;
  AnswerFigures figures_;
  Histogram* between_ = nullptr;
  Time start_ = std::chrono::steady_clock::now(), first_ = start_, last_ = start_;
  bool any_ = false;
};

}  // namespace

gateway::EventSink measured(State& state, const Caller& caller, const std::string& model, gateway::EventSink sink) {
  auto meter = std::make_shared<Meter>(state, caller, state.service->real_name(model));
  return [meter, sink = std::move(sink)](chat::Event event) {
    meter->see(event);
    sink(std::move(event));
  };
}

namespace {

// What is waited for, no longer than the client is there: `ask` gets what stops it and answers with the tokens it took.
template <class Ask>
auto waited_for(RouteCall& call, const std::string& operation, const std::string& model, const Ask& ask) {
  trace::Span span = model_span(*call.record, operation, model);
  std::stop_source gone;
  call.exchange->on_gone([gone]() mutable { gone.request_stop(); });
  auto result = [&] {
    try {
      return ask(gone.get_token());
    } catch (const Error& error) {
      span.fail(code_info(error.code()).name);
      throw;
    }
  }();
  span.set("gen_ai.usage.input_tokens", static_cast<int64_t>(result.tokens));
  span.end();
  AnswerFigures figures{.model = model};
  figures.prompt_tokens = result.tokens;
  call.record->add_answer(figures);
  call.state.keys.count_tokens(call.caller, result.tokens);
  return result;
}

}  // namespace

gateway::Embeddings embed(RouteCall& call, const std::string& model, const std::vector<std::string>& texts,
                          uint32_t dimensions) {
  return waited_for(call, "embeddings", model, [&](std::stop_token stop) {
    return call.state.provider->embed(
        {.model = model, .inputs = texts, .dimensions = dimensions, .tenant = call.caller.id}, std::move(stop));
  });
}

gateway::Ranking rank(RouteCall& call, gateway::RerankRequest request) {
  request.tenant = call.caller.id;
  return waited_for(call, "rerank", request.model,
                    [&](std::stop_token stop) { return call.state.provider->rerank(request, std::move(stop)); });
}

}  // namespace shenbi::server
