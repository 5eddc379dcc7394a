// One pass, run by all lanes together (SPMD). Between barriers a lane either handles its share of the tokens (norms,
// rotary positions, residuals: no two tokens meet) or its share of a matrix's outputs (no sum is split). Nine barriers
// a layer:
//
//   tokens   norm, quantise                                   | outputs  query, key, value
//   tokens   biases, head norms, RoPE, store keys and values  | tasks    attention
//   any      quantise                                         | outputs  attention output
//   tokens   residual, norm, quantise                         | outputs  gate, up, activation, quantise
//                                                             | outputs  down
//
// The residual of one layer and the norm of the next are the same tokens of the same lane, so no barrier stands
// between.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "kernels/rows.h"
#include "models/decoder_impl.h"

namespace shenbi::models {
namespace {

using Clock = std::chrono::steady_clock;

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
  bool stopped() const noexcept { return stopped_; }

 private:
  void embed(size_t token) const noexcept;
  bool layer(Lane& lane, const FusedLayer& layer) noexcept;
  void enter(Lane& lane, const FusedLayer& layer) const noexcept;
  void project(Lane& lane, const nn::FusedAttention& attention) const noexcept;
  void place(Lane& lane, const FusedLayer& layer) const noexcept;
  void mix(Lane& lane, const FusedLayer& layer) const noexcept;
  void between(Lane& lane, const FusedLayer& layer) const noexcept;
  void feed_forward(Lane& lane, const FusedLayer& layer) const noexcept;
  void leave(Lane& lane, const FusedLayer& layer) const noexcept;
  const float* norm_rows(const nn::FusedNorm& norm, size_t begin, size_t end) const noexcept;
  void join(const nn::FusedLinear& last, const nn::FusedNorm& before, const nn::FusedNorm& after, float* block,
            size_t begin, size_t end) const noexcept;
  void head(Lane& lane) const noexcept;
  void mark(const Lane& lane, PassOp op) const noexcept;

  bool parallel() const noexcept { return spec_.residual != Residual::kSequential; }
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
  bool stopped_ = false;  ///< written by lane 0 before a barrier, read by all after it
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

void Pass::enter(Lane& lane, const FusedLayer& layer) const noexcept {
  const auto [begin, end] = lane.share(tokens_);
  nn::FormSet forms = layer.attention.input_forms;
  if (spec_.residual == Residual::kParallelOneNorm) forms.add(layer.mlp_forms);
  work_.input.prepare_rows(lane, norm_rows(layer.attention_norm, begin, end), tokens_, d_, forms, begin, end);
  if (spec_.residual == Residual::kParallelTwoNorms)
    work_.mlp_input.prepare_rows(lane, norm_rows(layer.mlp_norm, begin, end), tokens_, d_, layer.mlp_forms, begin, end);
}

void Pass::project(Lane& lane, const nn::FusedAttention& attention) const noexcept {
  attention.query.multiply(lane, work_.input, work_.q.data(), attention.query_width());
  attention.key.multiply(lane, work_.input, work_.k.data(), attention.key_width());
  attention.value.multiply(lane, work_.input, work_.v.data(), attention.value_width());
}

void Pass::place(Lane& lane, const FusedLayer& layer) const noexcept {
  const nn::FusedAttention& attention = layer.attention;
  const kernels::RopeTable* table = layer.rope ? &work_.ropes[*layer.rope] : nullptr;
  const auto [begin, end] = lane.share(tokens_);
  for (size_t t = begin; t < end; ++t) {
    const PassRow& at = work_.rows[t];
    attention.place_token(work_.q.data() + t * attention.query_width(), work_.k.data() + t * attention.key_width(),
                          work_.v.data() + t * attention.value_width(), table, at.position,
                          pool_.base + at.page * pool_.page_bytes + layer.kv_offset);
  }
}

void Pass::mix(Lane& lane, const FusedLayer& layer) const noexcept {
  const nn::FusedAttention& attention = layer.attention;
  kernels::attend_all(lane, work_.plans[layer.shape], {pool_.base + layer.kv_offset, pool_.page_bytes});
  work_.mixed_input.prepare(lane, work_.mixed.data(), tokens_, attention.mixed_width(), attention.output_forms);
  lane.barrier();
  mark(lane, PassOp::kAttention);
  attention.output.multiply(lane, work_.mixed_input, work_.block.data(), d_);
}

void Pass::between(Lane& lane, const FusedLayer& layer) const noexcept {
  const auto [begin, end] = lane.share(tokens_);
  join(layer.attention.output, layer.attention_norm, layer.attention_post_norm, work_.block.data(), begin, end);
  work_.mlp_input.prepare_rows(lane, norm_rows(layer.mlp_norm, begin, end), tokens_, d_, layer.mlp_forms, begin, end);
}

void Pass::feed_forward(Lane& lane, const FusedLayer& layer) const noexcept {
  const nn::FusedInput& input = spec_.residual == Residual::kParallelOneNorm ? work_.input : work_.mlp_input;
  const nn::MlpScratch scratch{.gate = work_.gate.data(), .up = work_.up.data(), .middle = &work_.middle_input};
  if (!layer.moe) return layer.mlp.run(lane, input, tokens_, scratch, work_.block2.data(), d_);
  const bool normed = spec_.norm_place == NormPlace::kPre || spec_.norm_place == NormPlace::kSandwich;
  const float* x = normed ? work_.normed.data() : work_.x.data();
  layer.moe->run(lane, x, input, tokens_, work_.moe, scratch, work_.block2.data(), d_);
}

void Pass::leave(Lane& lane, const FusedLayer& layer) const noexcept {
  const auto [begin, end] = lane.share(tokens_);
  if (parallel())
    join(layer.attention.output, layer.attention_norm, layer.attention_post_norm, work_.block.data(), begin, end);
  join(layer.mlp.down, layer.mlp_norm, layer.mlp_post_norm, work_.block2.data(), begin, end);
}

/// False: the pass was cancelled.
bool Pass::layer(Lane& lane, const FusedLayer& layer) noexcept {
  enter(lane, layer);
  if (lane.index() == 0 && cancelled_ && cancelled_->load(std::memory_order_relaxed)) stopped_ = true;
  lane.barrier();
  if (stopped_) return false;
  mark(lane, PassOp::kNorm);
  project(lane, layer.attention);
  lane.barrier();
  mark(lane, PassOp::kQkv);
  place(lane, layer);
  lane.barrier();
  mark(lane, PassOp::kPlace);
  mix(lane, layer);
  lane.barrier();
  mark(lane, PassOp::kAttentionOutput);
  if (!parallel()) {
    between(lane, layer);
    lane.barrier();
    mark(lane, PassOp::kNorm);
  }
  feed_forward(lane, layer);
  mark(lane, PassOp::kMlp);
  leave(lane, layer);
  return true;
}

void Pass::head(Lane& lane) const noexcept {
  const size_t wanted = work_.wanted.size(), vocab = spec_.vocab_size;
  nn::FormSet forms;
  decoder_.head.want(forms);
  const auto [first, last] = lane.share(wanted);
  for (size_t i = first; i < last; ++i) {
    const float* x = row(work_.x, work_.wanted[i]);
    float* out = row(work_.last, i);
    if (decoder_.output_norm.present) {
      decoder_.output_norm.apply(x, 1, d_, out);
    } else {
      std::copy_n(x, d_, out);
    }
  }
  if (!logits_) return;
  work_.head_input.prepare_rows(lane, work_.last.data(), wanted, d_, forms, first, last);
  lane.barrier();
  const auto [begin, end] = lane.share(vocab, nn::kColumnUnit);
  decoder_.head.multiply_rows(work_.head_input, wanted, begin, end, logits_, vocab);
  for (size_t i = 0; i < wanted; ++i) {
    float* out = logits_ + i * vocab + begin;
    if (!decoder_.head_scale.empty()) kernels::multiply(out, decoder_.head_scale.data() + begin, end - begin, out);
    if (spec_.logit_scale != 1.0f) kernels::scale(out, spec_.logit_scale, end - begin, out);
    if (spec_.logit_softcap > 0) kernels::softcap(out, spec_.logit_softcap, end - begin, out);
  }
}

void Pass::run(Lane& lane) {
  const auto [begin, end] = lane.share(tokens_);
  for (size_t t = begin; t < end; ++t) embed(t);
  mark(lane, PassOp::kEmbed);
  for (const FusedLayer& each : decoder_.layers)
    if (!layer(lane, each)) return;
  if (work_.wanted.empty()) return;
  lane.barrier();
  mark(lane, PassOp::kNorm);
  head(lane);
  if (!profile_) return;
  lane.barrier();
  mark(lane, PassOp::kHead);
}

/// Checks the slices and lays their tokens out as rows. Returns one past the last position.
size_t lay_out(std::span<const SequenceSlice> slices, const DecoderSpec& spec, const KvPool& pool,
               Workspace::Impl& work) {
  size_t positions = 0;
  work.rows.clear();
  work.wanted.clear();
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
      if (slice.all_logits || (slice.wants_logits && i + 1 == slice.tokens.size()))
        work.wanted.push_back(static_cast<uint32_t>(work.rows.size()));
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
  work.reserve(*impl_, work.rows.size(), work.wanted.size(), positions);
  plan_attention(slices, *impl_, work, team.count());
  Pass pass(*impl_, work, pool, logits, cancelled);
  team.run([&](Lane& lane) { pass.run(lane); });
  return pass.stopped() ? 0 : work.wanted.size();
}

}  // namespace shenbi::models
