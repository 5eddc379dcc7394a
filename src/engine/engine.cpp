#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>

#include "base/cpu.h"
#include "base/error.h"
#include "base/reason.h"
#include "engine/draws.h"
#include "engine/kv_cache.h"
#include "engine/speculator.h"
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
    case FinishReason::kFailed:
      return "failed";
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
  ThinkingWatch thinking;
  std::vector<int32_t> history;
  size_t prompt_length;
  size_t computed = 0;
  std::vector<uint32_t> pages;
  uint32_t cached = 0;  // tokens that the prefix tree had at its first admission
  bool admitted = false;
  Drafter drafter;
  std::optional<uint32_t> ahead;           // as told last
  std::vector<PromptToken> prompt_tokens;  // on_prompt: so far
  std::atomic<bool> cancelled = false;
  const std::chrono::steady_clock::time_point queued = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point begun;
  std::string failure;  // why it is cancelled, if not by who asked
  Code failure_code{};

  Sequence(uint64_t number, Request r, const Model& model)
      : number(number),
        request(std::move(r)),
        sampler(request.sampling, model.decoder->spec().vocab_size),
        decoder(*model.tokenizer, request.keep_special),
        stops(request.stop),
        history(request.prompt),
        prompt_length(history.size()) {
    if (request.thinking) thinking = ThinkingWatch(std::move(*request.thinking));
  }

  bool decoding() const { return computed + 1 == history.size() && history.size() > prompt_length; }
  bool wants_prompt_rows() const { return request.on_prompt && computed < prompt_length; }
  // Tokens that may still be added to the answer, in a context of so many.
  size_t tokens_left(size_t context) const {
    const size_t room = context - std::min(context, history.size()), made = history.size() - prompt_length;
    return request.max_tokens > 0 ? std::min<size_t>(room, request.max_tokens - made) : room;
  }
};

// Rows of logits in one pass for prompts whose own probabilities are wanted: 32 rows of 262,144 words are 32 MiB.
constexpr size_t kPromptRows = 32;
// Shortest share of a pass for one of several prompts: below it the products are no longer busy.
constexpr size_t kPromptShare = 64;

// Tokens that hold a breaker string of DRY: newline, colon, quote, star, as its author proposed.
std::vector<int32_t> dry_breakers(const tokenizers::Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < static_cast<int32_t>(tokenizer.vocab_size()); ++id) {
    if (tokenizer.token_bytes(id).find_first_of("\n:\"*") != std::string::npos) ids.push_back(id);
  }
  return ids;
}

// A text to be embedded. Its pages are all taken before its first chunk, so it always comes to its end.
struct Text {
  EmbeddingRequest request;
  std::optional<Error> failure;  // guarded by the engine's mutex
  std::vector<uint32_t> pages;
  size_t read = 0;          // tokens
  std::vector<double> sum;  // of the states so far
  std::vector<float> last;

  bool unwanted() const { return request.cancelled && *request.cancelled; }
};

}  // namespace

struct Engine::Impl {
  using SequencePtr = std::shared_ptr<Sequence>;

  std::shared_ptr<const Model> model;
  ThreadTeam& team;
  EngineOptions options;
  KvCache cache;
  models::Workspace workspace;
  std::vector<float> logits;
  Speculator speculator;
  std::atomic<bool> abort_pass = false;
  std::atomic<uint32_t> available_pages;  // as of the last step: the cache itself belongs to the step

  mutable std::mutex mutex;  // guards what follows
  std::deque<SequencePtr> waiting;
  std::vector<SequencePtr> running;  // in order of arrival
  std::deque<Text> texts;
  std::optional<Text> reading;  // one of them, out of the queue; only the step takes and ends it
  uint64_t next_number = 1;
  EngineStats stats;

  Impl(std::shared_ptr<const Model> m, ThreadTeam& t, const EngineOptions& o)
      : model(std::move(m)),
        team(t),
        options(o),
        cache(model->decoder->kv_page_bytes(), page_budget(*model, o)),
        speculator(o.speculation) {
    available_pages = cache.available_pages();
  }

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
    victim->prompt_tokens.clear();
    waiting.push_front(victim);
    ++stats.preemptions;
    return victim->number;
  }

  void admit() {
    std::lock_guard lock(mutex);
    while (!waiting.empty() && running.size() < options.max_sequences) {
      const SequencePtr s = waiting.front();
      // The first in the queue waits until its whole history fits, unless it runs alone.
      if ((!running.empty() || reading) && cache.available_pages() < pages_for(s->history.size() + 1)) break;
      waiting.pop_front();
      if (!s->request.on_prompt) s->pages = cache.match_prefix(s->history, s->request.tenant);
      s->computed = s->pages.size() * kPagePositions;
      stats.cached_tokens += s->computed;
      if (!s->admitted) {
        s->cached = static_cast<uint32_t>(std::min(s->computed, s->prompt_length));
        s->begun = std::chrono::steady_clock::now();
      }
      s->admitted = true;
      running.push_back(s);
      std::sort(running.begin(), running.end(), [](auto& a, auto& b) { return a->number < b->number; });
    }
  }

  struct Part {
    SequencePtr sequence;
    size_t count;                 // tokens of its history in this pass
    std::vector<int32_t> tokens;  // with a draft: that one token and the guesses that follow it

    size_t rows() const { return tokens.empty() ? count : tokens.size(); }
  };

  // Decoding sequences first (one token each), then prompts, oldest first: a share each, then what is left.
  std::vector<Part> plan() {
    std::vector<Part> parts;
    std::vector<SequencePtr> order;
    {
      std::lock_guard lock(mutex);
      order = running;
    }
    const auto prompts =
        std::stable_partition(order.begin(), order.end(), [](const SequencePtr& s) { return s->decoding(); });
    const size_t decoding = static_cast<size_t>(prompts - order.begin()), reading = order.size() - decoding;
    const size_t budget = std::max<size_t>(options.step_tokens, 1);
    size_t left = budget;
    size_t share = reading > 0 ? std::max((budget - std::min(budget, decoding)) / reading, kPromptShare) : 0;
    for (const SequencePtr& s : order) {
      if (left == 0) break;
      if (!still_running(s)) continue;  // preempted while this plan was made
      const size_t count =
          std::min({left, s->history.size() - s->computed, s->decoding() ? 1 : chunk_limit(*s, share)});
      if (!ensure_pages(*s, s->computed + count)) continue;
      left -= count;
      parts.push_back({s, count, {}});
    }
    for (Part& part : parts) {  // what short prompts left over
      Sequence& s = *part.sequence;
      const size_t more = std::min(left, std::min(s.history.size() - s.computed, chunk_limit(s, budget)) - part.count);
      if (more == 0 || s.pages.empty() || !ensure_pages(s, s.computed + part.count + more)) continue;
      part.count += more;
      left -= more;
    }
    std::erase_if(parts,
                  [](const Part& part) { return part.sequence->pages.empty(); });  // preempted after it was planned
    if (speculator.on()) add_guesses(parts, left);
    return parts;
  }

  // Each decoding sequence's newest token, followed by its guesses.
  void add_guesses(std::vector<Part>& parts, size_t most) {
    std::vector<Guessable> sequences(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      const Sequence& s = *parts[i].sequence;
      if (!s.decoding() || s.thinking.forced()) continue;
      // The pass gives one token more than it has guesses.
      sequences[i] = {.drafter = &s.drafter, .history = s.history, .most = s.tokens_left(context()) - 1};
    }
    const auto guesses = speculator.guess(sequences, shape_of(parts), most);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (guesses[i].empty()) continue;
      Sequence& s = *parts[i].sequence;
      if (!take_spare_pages(cache, s.pages, pages_for(s.history.size() + guesses[i].size()))) continue;
      parts[i].tokens.assign(1, s.history.back());
      parts[i].tokens.insert(parts[i].tokens.end(), guesses[i].begin(), guesses[i].end());
    }
  }

  // What the time of a pass of answers alone depends on; nothing if it reads prompts as well.
  std::optional<PassShape> shape_of(const std::vector<Part>& parts) const {
    size_t rows = 0;
    for (const Part& part : parts) {
      if (!part.sequence->decoding()) return std::nullopt;
      rows += part.rows();
    }
    const uint32_t best = rows == 1 ? best_logits(*parts[0].sequence) : 0;
    return PassShape{.rows = rows, .coarse_head = model->decoder->uses_coarse_head(rows, best)};
  }

  bool still_running(const SequencePtr& s) const {
    std::lock_guard lock(mutex);
    return std::find(running.begin(), running.end(), s) != running.end();
  }

  // A pass that reports prompt rows ends with the prompt, so that these rows and the answer's do not mix.
  static size_t chunk_limit(const Sequence& s, size_t share) {
    if (!s.wants_prompt_rows()) return share;
    return std::min({share, kPromptRows, s.prompt_length - s.computed});
  }

  // Those that have begun and gave way tell nothing: their clients have a part of the answer.
  void tell_waiting() {
    std::vector<SequencePtr> moved;
    {
      std::lock_guard lock(mutex);
      uint32_t ahead = 0;
      for (const SequencePtr& s : waiting) {
        if (s->request.on_wait && !s->admitted && s->ahead != ahead) {
          s->ahead = ahead;
          moved.push_back(s);
        }
        ++ahead;
      }
    }
    for (const SequencePtr& s : moved) s->request.on_wait(*s->ahead);
  }

  // --- one pass ---

  // A mask may forbid the best, and probabilities need all.
  static uint32_t best_logits(const Sequence& s) {
    const Request& request = s.request;
    return request.logprobs || request.top_logprobs > 0 || request.matcher ? 0 : s.sampler.needs_best();
  }

  bool forward(const std::vector<Part>& parts) {
    std::vector<models::SequenceSlice> slices;
    size_t rows = 0;
    for (const Part& part : parts) {
      const Sequence& s = *part.sequence;
      const bool drafted = !part.tokens.empty();
      const bool last = s.computed + part.count == s.history.size(), all = s.wants_prompt_rows() || drafted;
      slices.push_back({.tokens = drafted ? std::span<const int32_t>(part.tokens)
                                          : std::span(s.history).subspan(s.computed, part.count),
                        .start = static_cast<uint32_t>(s.computed),
                        .pages = s.pages,
                        .all_logits = all,
                        .wants_logits = last,
                        .best_logits = best_logits(s)});
      rows += all ? part.rows() : last;
    }
    const size_t vocab = model->decoder->spec().vocab_size;
    if (logits.size() < rows * vocab) logits.resize(rows * vocab);
    const auto begun = std::chrono::steady_clock::now();
    const size_t written = model->decoder->forward(slices, cache.pool(), workspace, team, logits.data(), &abort_pass);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    model->require_whole();
    const bool whole = written == rows && !(rows == 0 && abort_pass);
    if (const auto shape = shape_of(parts); whole && shape) speculator.note(*shape, took.count());
    return whole;
  }

  // A sequence whose history is computed, and what it makes of its new logits.
  struct Turn {
    SequencePtr sequence;
    size_t row;                        // of the logits
    std::span<const int32_t> guesses;  // whose logits are the rows that follow
    std::vector<uint64_t> mask = {};   // of the grammar
    Draw draw = {};
  };

  void prepare(Turn& turn) {
    const Sequence& s = *turn.sequence;
    const size_t vocab = model->decoder->spec().vocab_size;
    turn.draw = {.sampler = &turn.sequence->sampler,
                 .logits = std::span(logits).subspan(turn.row * vocab, vocab),
                 .history = s.history,
                 .prompt_length = s.prompt_length,
                 .allowed = {},
                 .forced = s.thinking.forced(),
                 .with_logprob = s.request.logprobs,
                 .top_logprobs = s.request.top_logprobs,
                 .top = {},
                 .failure = {}};
    if (turn.draw.forced || !s.request.matcher) return;
    turn.mask.assign((vocab + 63) / 64, 0);
    try {  // here and not beside other draws: grammars share what they have compiled
      s.request.matcher->allowed(turn.mask);
    } catch (...) {
      turn.draw.failure = std::current_exception();
    }
    turn.draw.allowed = turn.mask;
  }

  // Whether the logits behind the newest token are there too: a guess was right. Then its keys and values are those
  // that the plain pass would have written, and the draw made of its logits is the one that it would have made.
  bool goes_on(Turn& turn) {
    Sequence& s = *turn.sequence;
    const size_t right = right_guesses(turn.guesses, std::span(s.history).subspan(s.computed));
    s.computed += right;
    turn.row += right;
    turn.guesses = turn.guesses.subspan(right);
    count_accepted(right);
    return right > 0 && s.computed == s.history.size() && !s.cancelled;
  }

  // A grammar may turn out too ambiguous in the middle of an answer: that ends this answer, not the engine.
  FinishReason advance(Turn& turn) {
    Sequence& s = *turn.sequence;
    try {
      if (turn.draw.failure) std::rethrow_exception(turn.draw.failure);
      const Sampler::Choice choice = turn.draw.choice;
      const auto reason = append(s, choice.id, choice.logprob, turn.draw.top_logprobs > 0 ? &turn.draw.top : nullptr);
      return reason == FinishReason::kNone ? jump_ahead(s) : reason;
    } catch (const Error& error) {
      emit(s, {.sequence = s.number, .text = error.what(), .finish = FinishReason::kFailed, .failure = error.code()});
      return FinishReason::kFailed;
    }
  }

  // One more token of the answer: its text, whether it ends, its event.
  FinishReason append(Sequence& s, int32_t id, float logprob, const Sampler::TopLogprobs* top) {
    s.history.push_back(id);
    if (speculator.on()) s.drafter.observe(s.history);
    const size_t generated = s.history.size() - s.prompt_length;
    FinishReason reason = FinishReason::kNone;
    std::string text;
    if (is_end(s, id)) {
      reason = FinishReason::kStop;
    } else {
      const std::string decoded = s.decoder.push(id);
      s.thinking.push(decoded);
      text = s.stops.push(decoded);
      // The mask allowed it, unless every token was forbidden: then the grammar cannot be gone on with.
      const bool fits = !s.request.matcher || s.request.matcher->accept(id);
      if (s.stops.stopped() || !fits || (s.request.matcher && s.request.matcher->must_end()))
        reason = FinishReason::kStop;
      else if ((s.request.max_tokens > 0 && generated >= s.request.max_tokens) || s.history.size() >= context()) {
        reason = FinishReason::kLength;
      }
    }
    if (reason != FinishReason::kNone && !s.stops.stopped())
      text += s.stops.push(s.decoder.finish()) + s.stops.finish();
    emit(s, {.sequence = s.number,
             .id = id,
             .text = text,
             .logprob = logprob,
             .top = top,
             .finish = reason,
             .stop_string = s.stops.matched(),
             .cached_tokens = s.cached});
    return reason;
  }

  // Bytes that the grammar leaves no choice about become tokens without a pass for each. The last token of them stays
  // to be drawn: the model might write it together with what follows.
  FinishReason jump_ahead(Sequence& s) {
    const Request& request = s.request;
    if (!request.matcher || !request.jump_ahead || request.logprobs || request.top_logprobs > 0)
      return FinishReason::kNone;
    const std::string forced = s.request.matcher->forced_text();
    if (forced.size() < 2) return FinishReason::kNone;
    const auto ids = model->tokenizer->encode(forced, {.add_special = false});
    std::string spelled;
    for (const int32_t id : ids) spelled += model->tokenizer->token_bytes(id);
    if (spelled != forced) return FinishReason::kNone;  // tokenizers that put a space in front of every text
    FinishReason reason = FinishReason::kNone;
    for (size_t i = 0; i + 1 < ids.size() && reason == FinishReason::kNone; ++i) reason = append(s, ids[i], 0, nullptr);
    return reason;
  }

  // Rows of the prompt's own tokens: row i predicts token i + 1.
  void note_prompt_rows(Sequence& s, size_t start, size_t count, size_t first_row) {
    const size_t vocab = model->decoder->spec().vocab_size;
    if (start == 0) s.prompt_tokens.push_back({.id = s.history[0], .logprob = 0, .top = {}});
    for (size_t i = 0; i < count && start + i + 1 < s.prompt_length; ++i) {
      const auto row = std::span(logits).subspan((first_row + i) * vocab, vocab);
      const int32_t next = s.history[start + i + 1];
      PromptToken token{.id = next, .logprob = 0, .top = {}};
      token.logprob = static_cast<float>(row[static_cast<size_t>(next)] - log_sum_exp(row));
      if (s.request.top_logprobs > 0) token.top = top_logprobs(row, s.request.top_logprobs);
      s.prompt_tokens.push_back(std::move(token));
    }
    if (start + count < s.prompt_length) return;
    s.request.on_prompt(s.prompt_tokens);
    s.request.on_prompt = nullptr;  // once, also if the sequence has to begin again later
  }

  static void emit(const Sequence& s, TokenEvent event) {
    event.queued = s.queued;
    event.begun = s.begun;
    if (s.request.on_token) s.request.on_token(event);
  }

  void finish(const SequencePtr& s) {
    cache.publish(std::span(s->history).first(s->computed), s->pages, s->request.tenant);
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
      if (s->failure.empty())
        emit(*s, {.sequence = s->number, .text = held, .finish = FinishReason::kCancelled});
      else
        emit(*s,
             {.sequence = s->number, .text = s->failure, .finish = FinishReason::kFailed, .failure = s->failure_code});
    }
  }

  bool has_work() const {
    std::lock_guard lock(mutex);
    return has_work_locked();
  }
  bool has_work_locked() const { return !waiting.empty() || !running.empty() || !texts.empty() || reading; }

  // --- texts to embed: one at a time, a chunk a step, so that answers do not wait for a long one ---

  void embed_next() {
    if (!reading && !begin_reading()) return;
    try {
      if (const auto failure = reading_failure()) return end_reading({}, &*failure);
      read_chunk();
      if (reading->read == reading->request.tokens.size()) end_reading(pooled(*reading), nullptr);
    } catch (const std::exception& error) {
      const auto* ours = dynamic_cast<const Error*>(&error);
      const Error failure(ours ? ours->code() : Code::kOutOfMemory, error.what());
      end_reading({}, &failure);
      throw;
    }
  }

  bool begin_reading() {
    std::lock_guard lock(mutex);
    if (texts.empty()) return false;
    reading = std::move(texts.front());
    texts.pop_front();
    return true;
  }

  std::optional<Error> reading_failure() const {
    if (reading->unwanted()) return Error(Code::kCancelled, "nobody waits for this text any more");
    std::lock_guard lock(mutex);
    return reading->failure;
  }

  void read_chunk() {
    Text& text = *reading;
    const std::span<const int32_t> tokens = text.request.tokens;
    while (text.pages.size() < pages_for(tokens.size())) {
      if (const auto page = cache.allocate())
        text.pages.push_back(*page);
      else
        preempt_youngest();
    }
    const size_t count = std::min<size_t>(std::max<size_t>(options.step_tokens, 1), tokens.size() - text.read);
    const models::SequenceSlice slice{.tokens = tokens.subspan(text.read, count),
                                      .start = static_cast<uint32_t>(text.read),
                                      .pages = text.pages,
                                      .all_logits = true};
    model->decoder->forward({&slice, 1}, cache.pool(), workspace, team, nullptr, text.request.cancelled.get());
    if (text.unwanted()) return;  // the pass may have stopped half way; the next step ends the text
    model->require_whole();
    const size_t width = model->decoder->spec().embedding_size;
    const float* states = workspace.hidden();
    text.sum.resize(width);
    for (size_t i = 0; i < count * width; ++i) text.sum[i % width] += states[i];
    text.last.assign(states + (count - 1) * width, states + count * width);
    text.read += count;
  }

  static std::vector<float> pooled(Text& text) {
    if (text.request.pooling == EmbeddingRequest::Pooling::kLast) return std::move(text.last);
    std::vector<float> mean(text.sum.size());
    for (size_t i = 0; i < mean.size(); ++i) mean[i] = static_cast<float>(text.sum[i] / static_cast<double>(text.read));
    return mean;
  }

  void end_reading(std::vector<float> vector, const Error* failure) {
    cache.release(reading->pages);
    std::function<void(std::vector<float>, const Error*)> on_done;
    {
      std::lock_guard lock(mutex);
      if (!failure) stats.prompt_tokens += reading->read;
      on_done = std::move(reading->request.on_done);
      reading.reset();
    }
    on_done(std::move(vector), failure);
  }

  void count_accepted(size_t tokens) {
    if (tokens == 0) return;
    std::lock_guard lock(mutex);
    stats.accepted_tokens += tokens;
    stats.generated_tokens += tokens;
  }

  // Caller holds the lock.
  void count_step(const std::vector<Part>& parts) {
    size_t tokens = 0;
    for (const Part& part : parts) {
      tokens += part.rows();
      stats.drafted_tokens += part.rows() - part.count;
    }
    ++stats.steps;
    stats.step_tokens += tokens;
    ++stats.step_sizes[static_cast<size_t>(std::lower_bound(kStepSizes.begin(), kStepSizes.end(), tokens) -
                                           kStepSizes.begin())];
  }

  bool step() {
    drop_cancelled();
    embed_next();
    admit();
    tell_waiting();
    const std::vector<Part> parts = plan();
    available_pages.store(cache.available_pages(), std::memory_order_relaxed);
    if (parts.empty()) return has_work();
    if (!forward(parts)) return true;  // cancelled in the middle; the next step drops who left

    std::vector<Turn> turns;
    turns.reserve(parts.size());
    size_t row = 0;
    for (const Part& part : parts) {
      const SequencePtr& s = part.sequence;
      const size_t count = part.count;
      const bool was_prompt = s->computed < s->prompt_length;
      if (s->wants_prompt_rows()) {
        note_prompt_rows(*s, s->computed, count, row);
        row += count - 1;  // the last row is the answer's first, if the prompt ends here
        if (s->computed + count < s->prompt_length) ++row;
      }
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
      if (was_prompt) cache.publish(std::span(s->history).first(s->computed), s->pages, s->request.tenant);
      turns.push_back({.sequence = s, .row = row++, .guesses = {}});
      if (part.tokens.empty()) continue;
      turns.back().guesses = std::span(part.tokens).subspan(1);
      row += part.tokens.size() - 1;
    }
    take_turns(turns);
    available_pages.store(cache.available_pages(), std::memory_order_relaxed);
    std::lock_guard lock(mutex);
    count_step(parts);
    return has_work_locked();
  }

  // A draw each; those whose guess was right go on with the next, as far as their guesses go.
  void take_turns(std::vector<Turn>& turns) {
    while (!turns.empty()) {
      std::vector<Draw*> draws;
      for (Turn& turn : turns) {
        prepare(turn);
        if (!turn.draw.failure) draws.push_back(&turn.draw);
      }
      make_draws(draws, team);
      std::erase_if(turns, [this](Turn& turn) {
        const bool ended = advance(turn) != FinishReason::kNone;
        if (ended) finish(turn.sequence);
        if (ended || goes_on(turn)) return ended;
        Sequence& s = *turn.sequence;
        release_spare_pages(cache, s.pages, pages_for(s.history.size()));
        return true;
      });
    }
  }

  void check_tokens(const std::vector<int32_t>& ids, uint32_t most) const {
    if (ids.empty()) throw Error(Code::kInvalidArgument, "prompt has no tokens");
    if (ids.size() > most) {
      throw ReasonedError(
          Code::kInvalidArgument, Reason::kContextLength,
          // "maximum context length is": by these words of OpenAI's and vLLM's clients know what to do about it.
          fmt::format("prompt has {} tokens, this model's maximum context length is {}: at most {} fit", ids.size(),
                      context(), most));
    }
    const uint32_t vocab = model->decoder->spec().vocab_size;
    for (const int32_t id : ids) {
      if (id < 0 || static_cast<uint32_t>(id) >= vocab) {
        throw Error(Code::kInvalidArgument, fmt::format("prompt token {} is outside 0 to {}", id, vocab - 1));
      }
    }
  }
};

Engine::Engine(std::shared_ptr<const Model> model, ThreadTeam& team, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), team, options)) {}
Engine::~Engine() = default;

uint64_t Engine::submit(Request request) {
  impl_->check_tokens(request.prompt, impl_->context() - 1);
  if (request.sampling.dry.multiplier > 0 && request.sampling.dry.breaker_ids.empty()) {
    request.sampling.dry.breaker_ids = dry_breakers(*impl_->model->tokenizer);
  }
  const int priority = request.priority;
  auto sequence = std::make_shared<Sequence>(0, std::move(request), *impl_->model);
  std::lock_guard lock(impl_->mutex);
  auto& waiting = impl_->waiting;
  sequence->number = impl_->next_number++;
  const auto place = std::find_if(waiting.begin(), waiting.end(),
                                  [&](const auto& other) { return other->request.priority > priority; });
  return (*waiting.insert(place, std::move(sequence)))->number;
}

void Engine::submit(EmbeddingRequest request) {
  impl_->check_tokens(request.tokens, impl_->context());
  std::lock_guard lock(impl_->mutex);
  impl_->texts.push_back({.request = std::move(request)});
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

void Engine::fail_all(Code code, const std::string& reason) {
  std::lock_guard lock(impl_->mutex);
  const auto fail = [&](Sequence& s) {
    if (s.cancelled) return;
    s.failure = reason;
    s.failure_code = code;
    s.cancelled = true;
  };
  for (const auto& s : impl_->waiting) fail(*s);
  for (const auto& s : impl_->running) fail(*s);
  for (Text& text : impl_->texts) text.failure = Error(code, reason);
  if (impl_->reading) impl_->reading->failure = Error(code, reason);
  if (!impl_->running.empty()) impl_->abort_pass = true;
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
  EngineStats stats = impl_->stats;
  stats.waiting = static_cast<uint32_t>(impl_->waiting.size() + impl_->texts.size() + (impl_->reading ? 1 : 0));
  stats.running = static_cast<uint32_t>(impl_->running.size());
  stats.total_pages = impl_->cache.total_pages();
  stats.used_pages = stats.total_pages - impl_->available_pages.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace shenbi::engine
