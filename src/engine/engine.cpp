#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>

#include "base/cpu.h"
#include "base/error.h"
#include "engine/kv_cache.h"
#include "engine/stop_matcher.h"

namespace shenbi::engine {

using models::kPagePositions;

std::string_view finish_reason_name(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
    case FinishReason::kNone:
      break;
  }
  return "";
}

namespace {

uint32_t pages_for(size_t positions) {
  return static_cast<uint32_t>((positions + kPagePositions - 1) / kPagePositions);
}

// One request while it lives. `history` is prompt plus output; the first `computed` of it have keys in `pages`.
struct Sequence {
  uint64_t number;
  Request request;
  Sampler sampler;
  tokenizers::StreamDecoder decoder;
  StopMatcher stops;
  std::vector<int32_t> history;
  size_t prompt_length;
  size_t computed = 0;
  std::vector<uint32_t> pages;
  std::atomic<bool> cancelled = false;

  Sequence(uint64_t number, Request r, const Model& model)
      : number(number),
        request(std::move(r)),
        sampler(request.sampling, model.decoder->spec().vocab_size),
        decoder(*model.tokenizer, request.keep_special),
        stops(request.stop),
        history(request.prompt),
        prompt_length(history.size()) {}

  bool decoding() const { return computed + 1 == history.size() && history.size() > prompt_length; }
};

// Tokens that hold a breaker string of DRY: newline, colon, quote, star, as its author proposed.
std::vector<int32_t> dry_breakers(const tokenizers::Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < static_cast<int32_t>(tokenizer.vocab_size()); ++id) {
    if (tokenizer.token_bytes(id).find_first_of("\n:\"*") != std::string::npos) ids.push_back(id);
  }
  return ids;
}

}  // namespace

struct Engine::Impl {
  using SequencePtr = std::shared_ptr<Sequence>;

  std::shared_ptr<const Model> model;
  ThreadTeam& team;
  EngineOptions options;
  KvCache cache;
  models::Workspace workspace;
  std::vector<float> logits;
  std::atomic<bool> abort_pass = false;

  mutable std::mutex mutex;  // guards the three below and stats
  std::deque<SequencePtr> waiting;
  std::vector<SequencePtr> running;  // in order of arrival
  uint64_t next_number = 1;
  EngineStats stats;

  Impl(std::shared_ptr<const Model> m, ThreadTeam& t, const EngineOptions& o)
      : model(std::move(m)), team(t), options(o), cache(model->decoder->kv_page_bytes(), page_budget(*model, o)) {}

  static uint32_t page_budget(const Model& model, const EngineOptions& options) {
    const size_t page_bytes = model.decoder->kv_page_bytes();
    const uint64_t context_pages = pages_for(model.decoder->spec().context_length);
    uint64_t bytes = options.kv_bytes;
    if (bytes == 0) {
      const uint64_t memory = memory_limit_bytes(), weights = model.decoder->weight_bytes();
      bytes = std::min<uint64_t>(options.max_sequences * context_pages * page_bytes,
                                 (memory - std::min(memory, weights)) / 4);
    }
    const uint64_t pages = std::min<uint64_t>(bytes / page_bytes, UINT32_MAX / 2);
    if (pages == 0) {
      throw Error(Code::kOutOfMemory,
                  fmt::format("KV cache: {} bytes do not hold one page of {} bytes", bytes, page_bytes));
    }
    return static_cast<uint32_t>(pages);
  }

  // Longest sequence: what the model was made for, or what the cache holds if that is less.
  uint32_t context() const {
    return static_cast<uint32_t>(
        std::min<uint64_t>(model->decoder->spec().context_length, uint64_t{cache.total_pages()} * kPagePositions));
  }

  bool is_end(const Sequence& s, int32_t id) const {
    const auto has = [id](const std::vector<int32_t>& ids) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    return (!s.request.ignore_end && has(model->stop_ids)) || has(s.request.stop_ids);
  }

  // --- scheduling ---

  // Grows the page list to hold `positions`; when memory is full the youngest running sequence gives way, which may be
  // this one. A sequence that runs alone always fits: context() is what the cache holds.
  bool ensure_pages(Sequence& s, size_t positions) {
    while (s.pages.size() < pages_for(positions)) {
      if (const auto page = cache.allocate())
        s.pages.push_back(*page);
      else if (preempt_youngest() == s.number)
        return false;
    }
    return true;
  }

  // Its pages go; its tokens stay and are computed again when there is room, with the same result.
  uint64_t preempt_youngest() {
    std::lock_guard lock(mutex);
    SHENBI_CHECK(!running.empty());
    const SequencePtr victim = running.back();
    running.pop_back();
    cache.release(victim->pages);
    victim->pages.clear();
    victim->computed = 0;
    waiting.push_front(victim);
    ++stats.preemptions;
    return victim->number;
  }

  void admit() {
    std::lock_guard lock(mutex);
    while (!waiting.empty() && running.size() < options.max_sequences) {
      const SequencePtr s = waiting.front();
      // The first in the queue waits until its whole history fits, unless it runs alone.
      if (!running.empty() && cache.available_pages() < pages_for(s->history.size() + 1)) break;
      waiting.pop_front();
      s->pages = cache.match_prefix(s->history);
      s->computed = s->pages.size() * kPagePositions;
      stats.cached_tokens += s->computed;
      running.push_back(s);
      std::sort(running.begin(), running.end(), [](auto& a, auto& b) { return a->number < b->number; });
    }
  }

  struct Part {
    SequencePtr sequence;
    size_t count;  // new tokens in this pass
  };

  // Decoding sequences first (one token each), then prompts, oldest first.
  std::vector<Part> plan() {
    std::vector<Part> parts;
    std::vector<SequencePtr> order;
    {
      std::lock_guard lock(mutex);
      order = running;
    }
    std::stable_partition(order.begin(), order.end(), [](const SequencePtr& s) { return s->decoding(); });
    size_t left = std::max<size_t>(options.step_tokens, 1);
    for (const SequencePtr& s : order) {
      if (left == 0) break;
      const bool still_running = [&] {
        std::lock_guard lock(mutex);
        return std::find(running.begin(), running.end(), s) != running.end();
      }();
      if (!still_running) continue;  // preempted while this plan was made
      const size_t count = std::min(left, s->history.size() - s->computed);
      if (!ensure_pages(*s, s->computed + count)) continue;
      left -= count;
      parts.push_back({s, count});
    }
    std::erase_if(parts,
                  [](const Part& part) { return part.sequence->pages.empty(); });  // preempted after it was planned
    return parts;
  }

  // --- one pass ---

  bool forward(const std::vector<Part>& parts) {
    std::vector<models::SequenceSlice> slices;
    size_t rows = 0;
    for (const auto& [s, count] : parts) {
      const bool last = s->computed + count == s->history.size();
      slices.push_back({.tokens = std::span(s->history).subspan(s->computed, count),
                        .start = static_cast<uint32_t>(s->computed),
                        .pages = s->pages,
                        .wants_logits = last});
      rows += last;
    }
    const size_t vocab = model->decoder->spec().vocab_size;
    if (logits.size() < rows * vocab) logits.resize(rows * vocab);
    const size_t written = model->decoder->forward(slices, cache.pool(), workspace, team, logits.data(), &abort_pass);
    return written == rows && !(rows == 0 && abort_pass);
  }

  // What one sequence does with its new logits. Returns why it ended, or kNone.
  FinishReason advance(Sequence& s, std::span<float> row) {
    Sampler::TopLogprobs top;
    if (s.request.top_logprobs > 0) top = top_logprobs(row, s.request.top_logprobs);
    const auto choice =
        s.sampler.sample(row, s.history, s.prompt_length, s.history.size() - s.prompt_length, s.request.logprobs);
    s.history.push_back(choice.id);
    const size_t generated = s.history.size() - s.prompt_length;

    FinishReason reason = FinishReason::kNone;
    std::string text;
    if (is_end(s, choice.id)) {
      reason = FinishReason::kStop;
    } else {
      text = s.stops.push(s.decoder.push(choice.id));
      if (s.stops.stopped())
        reason = FinishReason::kStop;
      else if ((s.request.max_tokens > 0 && generated >= s.request.max_tokens) || s.history.size() >= context()) {
        reason = FinishReason::kLength;
      }
    }
    if (reason != FinishReason::kNone && !s.stops.stopped())
      text += s.stops.push(s.decoder.finish()) + s.stops.finish();
    emit(s, {.sequence = s.number,
             .id = choice.id,
             .text = text,
             .logprob = choice.logprob,
             .top = s.request.top_logprobs > 0 ? &top : nullptr,
             .finish = reason,
             .stop_string = s.stops.matched()});
    return reason;
  }

  static void emit(const Sequence& s, const TokenEvent& event) {
    if (s.request.on_token) s.request.on_token(event);
  }

  void finish(const SequencePtr& s) {
    cache.publish(std::span(s->history).first(s->computed), s->pages);
    cache.release(s->pages);
    s->pages.clear();
    std::lock_guard lock(mutex);
    std::erase(running, s);
  }

  void drop_cancelled() {
    std::vector<SequencePtr> gone;
    {
      std::lock_guard lock(mutex);
      const auto is_cancelled = [](const SequencePtr& s) { return s->cancelled.load(); };
      std::copy_if(waiting.begin(), waiting.end(), std::back_inserter(gone), is_cancelled);
      std::erase_if(waiting, is_cancelled);
      std::copy_if(running.begin(), running.end(), std::back_inserter(gone), is_cancelled);
      abort_pass = false;
    }
    for (const SequencePtr& s : gone) {
      const std::string held = s->stops.push(s->decoder.finish()) + s->stops.finish();
      finish(s);
      emit(*s, {.sequence = s->number, .text = held, .finish = FinishReason::kCancelled});
    }
  }

  bool has_work() const {
    std::lock_guard lock(mutex);
    return !waiting.empty() || !running.empty();
  }

  bool step() {
    drop_cancelled();
    admit();
    const std::vector<Part> parts = plan();
    if (parts.empty()) return has_work();
    if (!forward(parts)) return true;  // cancelled in the middle; the next step drops who left

    size_t row = 0;
    const size_t vocab = model->decoder->spec().vocab_size;
    for (const auto& [s, count] : parts) {
      const bool was_prompt = s->computed < s->prompt_length;
      s->computed += count;
      {
        std::lock_guard lock(mutex);
        if (was_prompt)
          stats.prompt_tokens += count;
        else
          stats.generated_tokens += count;
      }
      if (s->computed < s->history.size()) continue;
      // A finished prompt is offered to others at once, so that requests sent together share it.
      if (was_prompt) cache.publish(std::span(s->history).first(s->computed), s->pages);
      const auto reason = advance(*s, std::span(logits).subspan(row++ * vocab, vocab));
      if (reason != FinishReason::kNone) finish(s);
    }
    std::lock_guard lock(mutex);
    ++stats.steps;
    return !waiting.empty() || !running.empty();
  }
};

Engine::Engine(std::shared_ptr<const Model> model, ThreadTeam& team, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), team, options)) {}
Engine::~Engine() = default;

uint64_t Engine::submit(Request request) {
  const auto& spec = impl_->model->decoder->spec();
  if (request.prompt.empty()) throw Error(Code::kInvalidArgument, "prompt has no tokens");
  if (const uint32_t context = impl_->context(); request.prompt.size() >= context) {
    throw Error(Code::kInvalidArgument, fmt::format("prompt has {} tokens, the context is {}: at most {} fit",
                                                    request.prompt.size(), context, context - 1));
  }
  for (int32_t id : request.prompt) {
    if (id < 0 || static_cast<uint32_t>(id) >= spec.vocab_size) {
      throw Error(Code::kInvalidArgument, fmt::format("prompt token {} is outside 0 to {}", id, spec.vocab_size - 1));
    }
  }
  if (request.sampling.dry.multiplier > 0 && request.sampling.dry.breaker_ids.empty()) {
    request.sampling.dry.breaker_ids = dry_breakers(*impl_->model->tokenizer);
  }
  std::lock_guard lock(impl_->mutex);
  const uint64_t number = impl_->next_number++;
  impl_->waiting.push_back(std::make_shared<Sequence>(number, std::move(request), *impl_->model));
  return number;
}

void Engine::cancel(uint64_t sequence) {
  std::lock_guard lock(impl_->mutex);
  bool all = true;
  for (const auto& s : impl_->waiting) {
    if (s->number == sequence) s->cancelled = true;
  }
  for (const auto& s : impl_->running) {
    if (s->number == sequence) s->cancelled = true;
    all = all && s->cancelled;
  }
  // The pass is shared: it is stopped between layers only when nobody in it is still wanted.
  if (all && !impl_->running.empty()) impl_->abort_pass = true;
}

bool Engine::step() { return impl_->step(); }
void Engine::run() {
  while (step()) {
  }
}
const Model& Engine::model() const noexcept { return *impl_->model; }
uint32_t Engine::context_length() const noexcept { return impl_->context(); }
EngineStats Engine::stats() const noexcept {
  std::lock_guard lock(impl_->mutex);
  return impl_->stats;
}

}  // namespace shenbi::engine
