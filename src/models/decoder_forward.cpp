// One pass as phases of pieces (Lane::pieces): a piece is either some rows of tokens (norms, rotary positions,
// residuals: no two tokens meet) or some outputs of a matrix (no sum is split). Between phases a lane only reads what
// stays as it is for the whole pass. With few tokens what belongs to rows is done at once by the lane that ends the
// product before it, so that five phases a layer are left, and nine with many:
//
//   outputs  query, key, value                | rows  biases, head norms, RoPE, store keys and values
//   tasks    attention                        | rows  quantise
//   outputs  attention output                 | rows  residual, norm, quantise
//   outputs  gate, up, activation, quantise
//   outputs  down                             | rows  residual, the next layer's norm, quantise

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "kernels/rows.h"
#include "models/decoder_impl.h"

namespace shenbi::models {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kFewNumbers = 4096;

class Pass {
 public:
  Pass(const Decoder::Impl& decoder, Workspace::Impl& work, const KvPool& pool, float* logits,
       const std::atomic<bool>* cancelled)
      : decoder_(decoder),
        spec_(decoder.spec),
        work_(work),
        pool_(pool),
        logits_(logits),
        cancelled_(cancelled),
        profile_(work.profile),
        tokens_(work.rows.size()),
        d_(decoder.spec.embedding_size) {}

  void run(Lane& lane);
  bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

 private:
  // Phases.
  template <class Rows>
  void rows(Lane& lane, Rows&& work) const noexcept;
  template <class Work, class Rows>
  void phase(Lane& lane, size_t pieces, Work&& work, Rows&& then) const noexcept;
  void project(Lane& lane, const FusedLayer& layer) const noexcept;
  void attend(Lane& lane, const FusedLayer& layer) const noexcept;
  void mix(Lane& lane, const FusedLayer& layer) const noexcept;
  void feed_forward(Lane& lane, size_t index) noexcept;
  void head(Lane& lane) const noexcept;
  // Rows [begin, end).
  void embed(size_t token) const noexcept;
  void enter(const FusedLayer& layer, size_t begin, size_t end) const noexcept;
  void place(const FusedLayer& layer, size_t begin, size_t end) const noexcept;
  void between(const FusedLayer& layer, size_t begin, size_t end) const noexcept;
  void leave(size_t index, size_t begin, size_t end) noexcept;
  void prepare_head(size_t begin, size_t end) const noexcept;
  void poll(size_t begin) noexcept;
  const float* norm_rows(const nn::FusedNorm& norm, size_t begin, size_t end) const noexcept;
  void join(const nn::FusedLinear& last, const nn::FusedNorm& before, const nn::FusedNorm& after, float* block,
            size_t begin, size_t end) const noexcept;
  void mark(const Lane& lane, PassOp op) const noexcept;

  bool parallel() const noexcept { return spec_.residual != Residual::kSequential; }
  bool coarse() const noexcept {
    return logits_ && decoder_.coarse_head && work_.best_logits > 0 && work_.best_logits <= kMostBestLogits;
  }
  /// Few enough that sharing them costs more than it saves.
  bool few() const noexcept { return tokens_ == 1 || tokens_ * d_ <= kFewNumbers; }
  float* row(std::vector<float>& buffer, size_t token) const noexcept { return buffer.data() + token * d_; }

  const Decoder::Impl& decoder_;
  const DecoderSpec& spec_;
  Workspace::Impl& work_;
  const KvPool& pool_;
  float* logits_;
  const std::atomic<bool>* cancelled_;
  PassProfile* profile_;
  mutable Clock::time_point marked_ = Clock::now();  ///< lane 0's
  size_t tokens_, d_;
  std::atomic<bool> stopped_{false};  ///< written in a piece, read behind its phase
};

/// The time since the last mark went to this op.
void Pass::mark(const Lane& lane, PassOp op) const noexcept {
  if (!profile_ || lane.index() != 0) return;
  const auto now = Clock::now();
  profile_->seconds[index(op)] += std::chrono::duration<double>(now - marked_).count();
  marked_ = now;
}

void Pass::embed(size_t token) const noexcept {
  const PassRow& at = work_.rows[token];
  float* x = row(work_.x, token);
  decoder_.embedding.row(static_cast<size_t>(at.token), x);
  if (spec_.embedding_scale != 1.0f) kernels::scale(x, spec_.embedding_scale, d_, x);
  if (spec_.learned_positions) {
    const size_t position = size_t{at.position} + spec_.position_offset;
    kernels::add(x, decoder_.positions.data() + position * d_, d_, x);
  }
  if (decoder_.embedding_norm.present) decoder_.embedding_norm.apply(x, 1, d_, x);
}

/// Rows [begin, end) of x, normalised if the norm stands before the block. Returns the whole buffer they lie in.
const float* Pass::norm_rows(const nn::FusedNorm& norm, size_t begin, size_t end) const noexcept {
  const bool before = spec_.norm_place == NormPlace::kPre || spec_.norm_place == NormPlace::kSandwich;
  if (!before) return work_.x.data();
  norm.apply(row(work_.x, begin), end - begin, d_, row(work_.normed, begin));
  return work_.normed.data();
}

/// x = x + N(block + bias), with the norms that norm_place asks for.
void Pass::join(const nn::FusedLinear& last, const nn::FusedNorm& before, const nn::FusedNorm& after, float* block,
                size_t begin, size_t end) const noexcept {
  for (size_t t = begin; t < end; ++t) {
    float *x = row(work_.x, t), *y = block + t * d_;
    last.add_bias(y);
    if (spec_.norm_place == NormPlace::kSandwich || spec_.norm_place == NormPlace::kOut) after.apply(y, 1, d_, y);
    kernels::add_scaled(x, y, spec_.residual_scale, d_, x);
    if (spec_.norm_place == NormPlace::kPost) before.apply(x, 1, d_, x);
  }
}

/// A phase of rows.
template <class Rows>
void Pass::rows(Lane& lane, Rows&& work) const noexcept {
  const size_t pieces = std::min(tokens_, 8 * static_cast<size_t>(lane.count()));
  lane.pieces(pieces, [&](size_t i) { work(tokens_ * i / pieces, tokens_ * (i + 1) / pieces); });
}

/// A phase, and what is then to be done with the rows.
template <class Work, class Rows>
void Pass::phase(Lane& lane, size_t pieces, Work&& work, Rows&& then) const noexcept {
  if (few()) return lane.pieces(pieces, work, [&] { then(0, tokens_); });
  lane.pieces(pieces, work);
  rows(lane, then);
}

void Pass::enter(const FusedLayer& layer, size_t begin, size_t end) const noexcept {
  nn::FormSet forms = layer.attention.input_forms;
  if (spec_.residual == Residual::kParallelOneNorm) forms.add(layer.mlp_forms);
  work_.input.prepare_rows(norm_rows(layer.attention_norm, begin, end), tokens_, d_, forms, begin, end);
  if (spec_.residual == Residual::kParallelTwoNorms)
    work_.mlp_input.prepare_rows(norm_rows(layer.mlp_norm, begin, end), tokens_, d_, layer.mlp_forms, begin, end);
}

void Pass::project(Lane& lane, const FusedLayer& layer) const noexcept {
  const nn::FusedAttention& attention = layer.attention;
  // Piece by piece of the three in turn, so that a lane has the same share of each.
  const size_t each = attention.query.matrix.pieces(lane.count());
  const auto work = [&](size_t i) {
    const nn::FusedLinear* const linears[] = {&attention.query, &attention.key, &attention.value};
    float* const outs[] = {work_.q.data(), work_.k.data(), work_.v.data()};
    const nn::FusedLinear& linear = *linears[i % 3];
    linear.multiply_piece(work_.input, tokens_, i / 3, each, outs[i % 3], linear.rows());
  };
  phase(lane, 3 * each, work, [&](size_t begin, size_t end) { place(layer, begin, end); });
}

void Pass::place(const FusedLayer& layer, size_t begin, size_t end) const noexcept {
  const nn::FusedAttention& attention = layer.attention;
  const kernels::RopeTable* table = layer.rope ? &work_.ropes[*layer.rope] : nullptr;
  for (size_t t = begin; t < end; ++t) {
    const PassRow& at = work_.rows[t];
    attention.place_token(work_.q.data() + t * attention.query_width(), work_.k.data() + t * attention.key_width(),
                          work_.v.data() + t * attention.value_width(), table, at.position,
                          pool_.base + at.page * pool_.page_bytes + layer.kv_offset);
  }
}

void Pass::attend(Lane& lane, const FusedLayer& layer) const noexcept {
  const nn::FusedAttention& attention = layer.attention;
  const kernels::AttentionPlan& plan = work_.plans[layer.shape];
  const kernels::KvLayer kv{pool_.base + layer.kv_offset, pool_.page_bytes};
  const auto quantise = [&](size_t begin, size_t end) {
    work_.mixed_input.prepare_rows(work_.mixed.data(), tokens_, attention.mixed_width(), attention.output_forms, begin,
                                   end);
  };
  const size_t tasks = kernels::attention_tasks(plan), merges = kernels::attention_merges(plan);
  const auto task = [&](size_t i) { kernels::attend_task(lane, plan, kv, i); };
  if (merges == 0) return phase(lane, tasks, task, quantise);
  lane.pieces(tasks, task);
  phase(lane, merges, [&](size_t i) { kernels::attend_merge(plan, kv, i); }, quantise);
}

void Pass::mix(Lane& lane, const FusedLayer& layer) const noexcept {
  const nn::FusedLinear& output = layer.attention.output;
  const size_t pieces = output.matrix.pieces(lane.count());
  const auto work = [&](size_t i) {
    output.multiply_piece(work_.mixed_input, tokens_, i, pieces, work_.block.data(), d_);
  };
  if (parallel()) return lane.pieces(pieces, work);
  phase(lane, pieces, work, [&](size_t begin, size_t end) { between(layer, begin, end); });
}

void Pass::between(const FusedLayer& layer, size_t begin, size_t end) const noexcept {
  join(layer.attention.output, layer.attention_norm, layer.attention_post_norm, work_.block.data(), begin, end);
  work_.mlp_input.prepare_rows(norm_rows(layer.mlp_norm, begin, end), tokens_, d_, layer.mlp_forms, begin, end);
}

void Pass::feed_forward(Lane& lane, size_t index) noexcept {
  const FusedLayer& layer = decoder_.layers[index];
  const nn::FusedInput& input = spec_.residual == Residual::kParallelOneNorm ? work_.input : work_.mlp_input;
  const nn::MlpScratch scratch{.gate = work_.gate.data(), .up = work_.up.data(), .middle = &work_.middle_input};
  const auto then = [&](size_t begin, size_t end) { leave(index, begin, end); };
  if (!layer.moe) {
    const size_t inner = layer.mlp.inner_pieces(lane.count()), outer = layer.mlp.outer_pieces(lane.count());
    lane.pieces(inner, [&](size_t i) { layer.mlp.inner_piece(input, tokens_, scratch, i, inner); });
    const auto work = [&](size_t i) { layer.mlp.outer_piece(tokens_, scratch, work_.block2.data(), d_, i, outer); };
    return phase(lane, outer, work, then);
  }
  const bool normed = spec_.norm_place == NormPlace::kPre || spec_.norm_place == NormPlace::kSandwich;
  const float* x = normed ? work_.normed.data() : work_.x.data();
  layer.moe->run(lane, x, input, tokens_, work_.moe, scratch, work_.block2.data(), d_);
  if (few()) return lane.pieces(1, [&](size_t) { then(0, tokens_); });
  rows(lane, then);
}

/// The end of a layer, and the beginning of what comes next.
void Pass::leave(size_t index, size_t begin, size_t end) noexcept {
  const FusedLayer& layer = decoder_.layers[index];
  if (parallel())
    join(layer.attention.output, layer.attention_norm, layer.attention_post_norm, work_.block.data(), begin, end);
  join(layer.mlp.down, layer.mlp_norm, layer.mlp_post_norm, work_.block2.data(), begin, end);
  if (index + 1 < decoder_.layers.size()) {
    enter(decoder_.layers[index + 1], begin, end);
    poll(begin);
  } else if (few()) {  // these are all rows
    prepare_head(0, work_.wanted.size());
  }
}

void Pass::poll(size_t begin) noexcept {
  if (begin == 0 && cancelled_ && cancelled_->load(std::memory_order_relaxed))
    stopped_.store(true, std::memory_order_relaxed);
}

/// Rows [begin, end) of those that want logits.
void Pass::prepare_head(size_t begin, size_t end) const noexcept {
  nn::FormSet forms;
  decoder_.head.want(forms);
  for (size_t i = begin; i < end; ++i) {
    const float* x = row(work_.x, work_.wanted[i]);
    float* out = row(work_.last, i);
    if (decoder_.output_norm.present) {
      decoder_.output_norm.apply(x, 1, d_, out);
    } else {
      std::copy_n(x, d_, out);
    }
  }
  if (logits_) work_.head_input.prepare_rows(work_.last.data(), work_.wanted.size(), d_, forms, begin, end);
  if (coarse()) work_.search.prepare(decoder_.coarse_head->matrix, work_.last.data(), decoder_.head.matrix.form());
}

void Pass::head(Lane& lane) const noexcept {
  const size_t wanted = work_.wanted.size(), vocab = spec_.vocab_size;
  if (!few()) lane.pieces(wanted, [&](size_t i) { prepare_head(i, i + 1); });
  if (!logits_) return;
  if (coarse() && work_.search.usable()) {
    const auto multiply = [&](size_t begin, size_t end) {
      decoder_.head.multiply_rows(work_.head_input, 1, begin, end, logits_, vocab);
    };
    return work_.search.run(lane, decoder_.coarse_head->matrix, work_.best_logits, logits_, multiply);
  }
  // By far the largest matrix of most models: more pieces, none of which is long.
  const size_t pieces = 4 * decoder_.head.matrix.pieces(lane.count());
  lane.pieces(pieces, [&](size_t piece) {
    const auto [begin, end] = decoder_.head.matrix.rows_of(piece, pieces);
    decoder_.head.multiply_rows(work_.head_input, wanted, begin, end, logits_, vocab);
    for (size_t i = 0; i < wanted; ++i) {
      float* out = logits_ + i * vocab + begin;
      if (!decoder_.head_scale.empty()) kernels::multiply(out, decoder_.head_scale.data() + begin, end - begin, out);
      if (spec_.logit_scale != 1.0f) kernels::scale(out, spec_.logit_scale, end - begin, out);
      if (spec_.logit_softcap > 0) kernels::softcap(out, spec_.logit_softcap, end - begin, out);
    }
  });
}

void Pass::run(Lane& lane) {
  rows(lane, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) embed(t);
    enter(decoder_.layers.front(), begin, end);
    poll(begin);
  });
  mark(lane, PassOp::kEmbed);
  for (size_t i = 0; i < decoder_.layers.size(); ++i) {
    if (stopped()) return;
    const FusedLayer& layer = decoder_.layers[i];
    project(lane, layer);
    mark(lane, PassOp::kQkv);
    attend(lane, layer);
    mark(lane, PassOp::kAttention);
    mix(lane, layer);
    mark(lane, PassOp::kAttentionOutput);
    feed_forward(lane, i);
    mark(lane, PassOp::kMlp);
  }
  if (work_.wanted.empty()) return;
  head(lane);
  mark(lane, PassOp::kHead);
}

/// Checks the slices and lays their tokens out as rows. Returns one past the last position.
size_t lay_out(std::span<const SequenceSlice> slices, const DecoderSpec& spec, const KvPool& pool,
               Workspace::Impl& work) {
  size_t positions = 0;
  work.rows.clear();
  work.wanted.clear();
  work.best_logits = 0;
  for (const SequenceSlice& slice : slices) {
    const uint64_t end = uint64_t{slice.start} + slice.tokens.size();
    if (end > spec.context_length)
      throw Error(Code::kInvalidArgument,
                  fmt::format("position {} is outside the context of {}", end - 1, spec.context_length));
    if (slice.pages.size() * kPagePositions < end)
      throw Error(Code::kInvalidArgument, fmt::format("{} pages do not hold {} positions", slice.pages.size(), end));
    positions = std::max<size_t>(positions, end);
    for (size_t i = 0; i < slice.tokens.size(); ++i) {
      const int32_t token = slice.tokens[i];
      if (token < 0 || static_cast<uint32_t>(token) >= spec.vocab_size)
        throw Error(Code::kInvalidArgument,
                    fmt::format("token {} is outside the vocabulary of {}", token, spec.vocab_size));
      const auto position = static_cast<uint32_t>(slice.start + i);
      if (slice.all_logits || (slice.wants_logits && i + 1 == slice.tokens.size())) {
        work.best_logits = work.wanted.empty() && !slice.all_logits ? slice.best_logits : 0;
        work.wanted.push_back(static_cast<uint32_t>(work.rows.size()));
      }
      work.rows.push_back({token, position, slice.pages[position / kPagePositions]});
    }
    for (const uint32_t page : slice.pages.first((end + kPagePositions - 1) / kPagePositions))
      SHENBI_CHECK(page < pool.pages);
  }
  return positions;
}

void plan_attention(std::span<const SequenceSlice> slices, const Decoder::Impl& decoder, Workspace::Impl& work,
                    int lanes) {
  for (size_t s = 0; s < decoder.shapes.size(); ++s) {
    const kernels::AttentionShape& shape = decoder.shapes[s];
    const size_t query = size_t{shape.num_heads} * shape.layout.key_dim,
                 mixed = size_t{shape.num_heads} * shape.layout.value_dim;
    work.sequences.clear();
    size_t token = 0;
    for (const SequenceSlice& slice : slices) {
      if (slice.tokens.empty()) continue;
      work.sequences.push_back({.q = work.q.data() + token * query,
                                .q_stride = query,
                                .out = work.mixed.data() + token * mixed,
                                .out_stride = mixed,
                                .pages = slice.pages.data(),
                                .start = slice.start,
                                .count = static_cast<uint32_t>(slice.tokens.size())});
      token += slice.tokens.size();
    }
    work.plans[s].prepare(shape, work.sequences, lanes);
  }
}

}  // namespace

size_t Decoder::forward(std::span<const SequenceSlice> slices, const KvPool& pool, Workspace& workspace,
                        ThreadTeam& team, float* logits, const std::atomic<bool>* cancelled) const {
  Workspace::Impl& work = workspace.impl();
  SHENBI_CHECK(pool.page_bytes == impl_->kv_page_bytes);
  const size_t positions = lay_out(slices, impl_->spec, pool, work);
  if (work.rows.empty()) return 0;
  work.reserve(*impl_, work.rows.size(), work.wanted.size(), positions, team.count());
  plan_attention(slices, *impl_, work, team.count());
  Pass pass(*impl_, work, pool, logits, cancelled);
  constexpr size_t kBriefTokens = 16;
  team.run_pieces([&](Lane& lane) { pass.run(lane); }, work.rows.size() <= kBriefTokens);
  return pass.stopped() ? 0 : work.wanted.size();
}

}  // namespace shenbi::models
