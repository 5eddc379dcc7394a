// Loading: parameters become packed matrices one after the other, and the file's pages behind them are given back, so
// that the peak is one copy of the weights and one matrix.

#include "models/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/log.h"
#include "kernels/huge_memory.h"
#include "models/coarse_head.h"
#include "models/decoder_impl.h"
#include "models/parameters.h"
#include "models/weight_cache.h"
#include "nn/alibi.h"

namespace shenbi::models {
namespace {

bool same(const nn::RopeSpec& a, const nn::RopeSpec& b) {
  return a.order == b.order && a.dims == b.dims && a.magnitude == b.magnitude &&
         a.inverse_frequencies == b.inverse_frequencies;
}

/// 1 / length of each row.
std::vector<float> row_scales(const Parameter& matrix) {
  constexpr double kTiny = 1e-12;  // a row of zeros stays zero
  std::vector<float> scales(matrix.rows()), row(matrix.columns());
  for (size_t r = 0; r < scales.size(); ++r) {
    matrix.decode(r, r + 1, row.data());
    double squares = 0;
    for (const float value : row) squares += static_cast<double>(value) * value;
    scales[r] = static_cast<float>(1.0 / std::max(std::sqrt(squares), kTiny));
  }
  return scales;
}

class Loader {
 public:
  Loader(const Model& model, const DecoderOptions& options, ThreadTeam& team, Decoder::Impl& out)
      : model_(model), options_(options), team_(team), out_(out), cache_(options.cache, *model.checkpoint, team) {}

  void load();

 private:
  std::vector<float> floats(const std::string& name) const;
  nn::FusedNorm norm(const std::string& name) const;
  kernels::PackedMatrix matrix(const std::string& name, uint64_t begin, uint64_t end, kernels::Precision precision);
  kernels::PackedMatrix pack(const Parameter& parameter, uint64_t begin, uint64_t end, kernels::Precision precision);
  nn::FusedLinear linear(const std::string& name, kernels::Precision precision);
  nn::FusedLinear linear(const std::string& name) { return linear(name, options_.precision); }
  void embedding();
  void attention(FusedLayer& layer, const nn::AttentionSpec& spec, const std::string& prefix);
  nn::FusedMlp mlp(const nn::MlpSpec& spec, const std::string& prefix);
  nn::FusedMoe moe(const nn::MoeSpec& spec, const std::string& prefix);
  std::vector<nn::FusedLinear> experts(const std::string& name, uint32_t count);
  size_t shape_of(const nn::AttentionSpec& spec, const kernels::KvLayout& layout);
  size_t rope_of(const nn::RopeSpec& rope);
  void layer(size_t index);

  const Model& model_;
  const DecoderOptions& options_;
  ThreadTeam& team_;
  Decoder::Impl& out_;
  WeightCache cache_;
  std::vector<std::byte> scratch_;
};

std::vector<float> Loader::floats(const std::string& name) const {
  const Parameter* parameter = model_.parameters.find(name);
  return parameter ? parameter->floats() : std::vector<float>();
}

nn::FusedNorm Loader::norm(const std::string& name) const {
  nn::FusedNorm norm{.spec = model_.spec.norm, .weight = floats(name + ".weight"), .bias = floats(name + ".bias")};
  norm.present = !norm.weight.empty();
  return norm;
}

kernels::PackedMatrix Loader::pack(const Parameter& parameter, uint64_t begin, uint64_t end,
                                   kernels::Precision precision) {
  model_.checkpoint->require_whole();
  const auto bytes = parameter.bytes(begin, end, scratch_);
  auto matrix =
      kernels::PackedMatrix::pack(parameter.type(), bytes.data(), end - begin, parameter.columns(), precision, team_);
  for (const RowRun& run : parameter.runs()) model_.checkpoint->forget(*run.tensor);
  return matrix;
}

/// Rows [begin, end) of a parameter, packed now or by an earlier load.
kernels::PackedMatrix Loader::matrix(const std::string& name, uint64_t begin, uint64_t end,
                                     kernels::Precision precision) {
  if (options_.cancelled && *options_.cancelled)
    throw Error(Code::kCancelled, fmt::format("{}: its load was given up", model_.checkpoint->path().string()));
  const Parameter& parameter = model_.parameters.at(name);
  const MatrixSource source{name, begin, end, parameter.type(), parameter.columns(), precision};
  auto matrix = cache_.matrix(source, [&] { return pack(parameter, begin, end, precision); });
  out_.weight_bytes += matrix.bytes();
  out_.bytes_per_token += matrix.bytes();
  return matrix;
}

nn::FusedLinear Loader::linear(const std::string& name, kernels::Precision precision) {
  const std::string weight = name + ".weight";
  return {matrix(weight, 0, model_.parameters.at(weight).rows(), precision), floats(name + ".bias")};
}

void Loader::embedding() {
  const Parameter& weight = model_.parameters.at("embedding.weight");
  model_.checkpoint->require_whole();
  std::vector<std::byte> gathered;
  const auto bytes = weight.bytes(gathered);
  out_.embedding = {
      .type = &weight.type(), .data = bytes.data(), .columns = weight.columns(), .owned = std::move(gathered)};
  out_.positions = floats("position.weight");
  out_.embedding_norm = norm("embedding_norm");
  out_.output_norm = norm("output_norm");
  const std::string head = model_.spec.tied_output ? "embedding.weight" : "output.weight";
  if (model_.spec.normalised_head) out_.head_scale = row_scales(model_.parameters.at(head));
  out_.head = {matrix(head, 0, out_.spec.vocab_size, options_.head_precision), floats("output.bias")};
}

/// Layers of equal shape share one plan of a pass.
size_t Loader::shape_of(const nn::AttentionSpec& spec, const kernels::KvLayout& layout) {
  const auto fits = [&](const kernels::AttentionShape& shape) {
    const kernels::KvLayout& other = shape.layout;
    return other.kv_heads == layout.kv_heads && other.key_dim == layout.key_dim &&
           other.value_dim == layout.value_dim && shape.num_heads == spec.num_heads && shape.scale == spec.scale &&
           shape.softcap == spec.softcap && shape.window == spec.window &&
           (shape.alibi_slopes != nullptr) == spec.alibi;
  };
  const auto found = std::find_if(out_.shapes.begin(), out_.shapes.end(), fits);
  if (found != out_.shapes.end()) return static_cast<size_t>(found - out_.shapes.begin());
  kernels::AttentionShape shape{.layout = layout,
                                .num_heads = spec.num_heads,
                                .scale = spec.scale,
                                .softcap = spec.softcap,
                                .window = spec.window};
  if (spec.alibi) {
    out_.slopes.push_back(nn::alibi_slopes(spec.num_heads));
    shape.alibi_slopes = out_.slopes.back().data();
  }
  out_.shapes.push_back(shape);
  return out_.shapes.size() - 1;
}

size_t Loader::rope_of(const nn::RopeSpec& rope) {
  const auto found =
      std::find_if(out_.ropes.begin(), out_.ropes.end(), [&](const nn::RopeSpec& other) { return same(rope, other); });
  if (found != out_.ropes.end()) return static_cast<size_t>(found - out_.ropes.begin());
  out_.ropes.push_back(rope);
  return out_.ropes.size() - 1;
}

void Loader::attention(FusedLayer& layer, const nn::AttentionSpec& spec, const std::string& prefix) {
  nn::FusedAttention& attention = layer.attention;
  attention.spec = spec;
  attention.query = linear(prefix + "query");
  attention.key = linear(prefix + "key");
  attention.value = linear(prefix + "value");
  attention.output = linear(prefix + "attention_output");
  attention.query_norm = norm(prefix + "query_norm");
  attention.key_norm = norm(prefix + "key_norm");
  attention.layout = {.kv_heads = spec.num_kv_heads, .key_dim = spec.head_dim, .value_dim = spec.value_dim};
  for (const nn::FusedLinear* projection : {&attention.query, &attention.key, &attention.value})
    projection->want(attention.input_forms);
  attention.output.want(attention.output_forms);
  layer.shape = shape_of(spec, attention.layout);
  if (spec.rope) layer.rope = rope_of(*spec.rope);
  layer.kv_offset = out_.kv_page_bytes;
  out_.kv_page_bytes += attention.layout.page_bytes();
}

nn::FusedMlp Loader::mlp(const nn::MlpSpec& spec, const std::string& prefix) {
  nn::FusedMlp mlp{.spec = spec};
  if (spec.gated) mlp.gate = linear(prefix + "gate");
  mlp.up = linear(prefix + "up");
  mlp.down = linear(prefix + "down", options_.down_precision);
  if (spec.gated) mlp.gate.want(mlp.input_forms);
  mlp.up.want(mlp.input_forms);
  mlp.down.want(mlp.middle_forms);
  return mlp;
}

std::vector<nn::FusedLinear> Loader::experts(const std::string& name, uint32_t count) {
  const Parameter& stack = model_.parameters.at(name);
  const uint64_t rows = stack.rows() / count;
  std::vector<nn::FusedLinear> experts(count);
  for (uint64_t e = 0; e < count; ++e) experts[e].matrix = matrix(name, e * rows, (e + 1) * rows, options_.precision);
  return experts;
}

nn::FusedMoe Loader::moe(const nn::MoeSpec& spec, const std::string& prefix) {
  nn::FusedMoe moe{.spec = spec};
  const size_t before = out_.bytes_per_token;
  moe.gate = experts(prefix + "experts.gate", spec.num_experts);
  moe.up = experts(prefix + "experts.up", spec.num_experts);
  moe.down = experts(prefix + "experts.down", spec.num_experts);
  out_.bytes_per_token = before + (out_.bytes_per_token - before) / spec.num_experts * spec.num_used;
  for (const nn::FusedLinear& expert : moe.gate) expert.want(moe.expert_forms);
  for (const nn::FusedLinear& expert : moe.up) expert.want(moe.expert_forms);
  for (const nn::FusedLinear& expert : moe.down) expert.want(moe.middle_forms);
  moe.router = linear(prefix + "router");
  moe.router.want(moe.input_forms);
  if (spec.shared == nn::SharedExpert::kNone) return moe;
  moe.shared =
      mlp({.gated = true, .activation = spec.activation, .width = spec.shared_width}, prefix + "shared_expert.");
  moe.input_forms.add(moe.shared.input_forms);
  if (spec.shared == nn::SharedExpert::kSigmoidGated) {
    moe.shared_gate = linear(prefix + "shared_expert_gate");
    moe.shared_gate.want(moe.input_forms);
  }
  return moe;
}

void Loader::layer(size_t index) {
  const std::string prefix = fmt::format("layers.{}.", index);
  const LayerSpec& spec = model_.spec.layers[index];
  FusedLayer& layer = out_.layers.emplace_back();
  layer.attention_norm = norm(prefix + "attention_norm");
  layer.attention_post_norm = norm(prefix + "attention_post_norm");
  layer.mlp_norm = norm(prefix + "mlp_norm");
  layer.mlp_post_norm = norm(prefix + "mlp_post_norm");
  attention(layer, spec.attention, prefix);
  if (spec.moe) {
    layer.moe = moe(*spec.moe, prefix);
    layer.mlp_forms = layer.moe->input_forms;
  } else {
    layer.mlp = mlp(spec.mlp, prefix);
    layer.mlp_forms = layer.mlp.input_forms;
  }
}

void Loader::load() {
  embedding();
  out_.layers.reserve(model_.spec.layers.size());
  out_.slopes.reserve(model_.spec.layers.size());  // shapes point into it
  for (size_t i = 0; i < model_.spec.layers.size(); ++i) layer(i);
  out_.kept = cache_.kept();
  out_.pending_cache = cache_.keep_new();
}

/// What such a head adds to a logit, or does to it, would have to be in the bound.
bool head_is_plain(const Decoder::Impl& decoder) {
  return decoder.head.bias.empty() && decoder.head_scale.empty() && decoder.spec.logit_scale == 1.0f &&
         decoder.spec.logit_softcap == 0 && decoder.head.matrix.form() != kernels::ActivationForm::kInt8;
}

/// By shape: a token reads at least a tenth less. Measured gains: docs/kernels.md.
bool coarse_head_pays(const Decoder::Impl& decoder) {
  constexpr size_t kLargeVocabulary = 32'000, kShare = 10;
  const size_t own = decoder.head.matrix.bytes(),
               coarse = kernels::CoarseMatrix::bytes_of(decoder.head.matrix.rows(), decoder.head.matrix.columns());
  return decoder.spec.vocab_size >= kLargeVocabulary && own > coarse &&
         (own - coarse) * kShare >= decoder.bytes_per_token;
}

/// Mean squares of the head's inputs behind tokens of all parts of the vocabulary. They only say which columns are
/// strong, and those are the same ones in any text.
std::vector<float> head_energy(const Decoder& decoder, ThreadTeam& team) {
  constexpr uint32_t kTokens = 256;
  const DecoderSpec& spec = decoder.spec();
  const uint32_t count = std::min({kTokens, spec.context_length, spec.vocab_size});
  std::vector<int32_t> tokens(count);
  for (uint32_t i = 0; i < count; ++i) tokens[i] = static_cast<int32_t>(uint64_t{i} * spec.vocab_size / count);
  std::vector<uint32_t> pages((count + kPagePositions - 1) / kPagePositions);
  std::iota(pages.begin(), pages.end(), 0);
  const auto memory = kernels::allocate_huge(pages.size() * decoder.kv_page_bytes());
  const KvPool pool{reinterpret_cast<std::byte*>(memory.get()), decoder.kv_page_bytes(),
                    static_cast<uint32_t>(pages.size())};
  Workspace workspace;
  const SequenceSlice slice{.tokens = tokens, .pages = pages, .all_logits = true};
  decoder.forward({&slice, 1}, pool, workspace, team, nullptr);
  const size_t d = spec.embedding_size;
  std::vector<float> energy(d);
  for (size_t i = 0; i < count * d; ++i) energy[i % d] += workspace.hidden()[i] * workspace.hidden()[i];
  for (float& value : energy) value /= static_cast<float>(count);
  return energy;
}

std::optional<CoarseHead> coarse_head_of(const Decoder& decoder, const Model& model, const DecoderOptions& options,
                                         ThreadTeam& team) {
  const Parameter& head = model.parameters.at(model.spec.tied_output ? "embedding.weight" : "output.weight");
  std::vector<std::byte> scratch;
  return load_coarse_head({.checkpoint = *model.checkpoint,
                           .folder = options.cache,
                           .type = head.type(),
                           .rows = [&] { return head.bytes(scratch); },
                           .energy = [&] { return head_energy(decoder, team); },
                           .vocab_size = model.spec.vocab_size,
                           .columns = head.columns()},
                          team);
}

uint32_t chosen_context(const formats::Checkpoint& checkpoint, uint32_t own, const DecoderOptions& options) {
  if (options.context_length > own)
    throw Error(Code::kInvalidArgument, fmt::format("{}: a context of {} positions was asked for, the model has {}",
                                                    checkpoint.path().string(), options.context_length, own));
  if (options.context_length) return options.context_length;
  return options.context_length_cap ? std::min(own, options.context_length_cap) : own;
}

}  // namespace

Decoder::Decoder(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Decoder::~Decoder() = default;

std::shared_ptr<const Decoder> Decoder::load(std::shared_ptr<const formats::Checkpoint> checkpoint,
                                             const DecoderOptions& options, ThreadTeam& team) {
  const Model model =
      describe(checkpoint, options.context_length ? options.context_length : options.context_length_cap);
  if (!model.parameters.unused().empty())
    log_warn("{}: {} tensors are not used, the first is '{}'", checkpoint->path().string(),
             model.parameters.unused().size(), model.parameters.unused().front());
  static std::atomic<uint64_t> loaded = 0;
  auto impl = std::make_unique<Impl>();
  impl->id = ++loaded;
  impl->checkpoint = std::move(checkpoint);
  impl->spec = model.spec;
  impl->spec.context_length = chosen_context(*impl->checkpoint, model.spec.context_length, options);
  Loader(model, options, team, *impl).load();
  Impl& made = *impl;
  const std::shared_ptr<const Decoder> decoder(new Decoder(std::move(impl)));
  const bool wanted = options.coarse_head == CoarseHeadUse::kWherePossible ||
                      (options.coarse_head == CoarseHeadUse::kWhereItPays && coarse_head_pays(made));
  if (wanted && head_is_plain(made)) made.coarse_head = coarse_head_of(*decoder, model, options, team);
  if (made.coarse_head) {
    made.weight_bytes += made.coarse_head->matrix.bytes();
    made.bytes_per_token += made.coarse_head->matrix.bytes();
    made.bytes_per_token -= made.head.matrix.bytes();
  }
  return decoder;
}

void Decoder::require_whole() const {
  impl_->checkpoint->require_whole();
  if (impl_->kept) impl_->kept->require_whole();
  if (impl_->coarse_head && impl_->coarse_head->kept) impl_->coarse_head->kept->require_whole();
}

const DecoderSpec& Decoder::spec() const noexcept { return impl_->spec; }
size_t Decoder::weight_bytes() const noexcept { return impl_->weight_bytes; }
size_t Decoder::bytes_per_token() const noexcept { return impl_->bytes_per_token; }
bool Decoder::has_coarse_head() const noexcept { return impl_->coarse_head.has_value(); }
bool Decoder::uses_coarse_head(size_t rows, uint32_t best_logits) const noexcept {
  return impl_->coarse_head && rows == 1 && best_logits > 0 && best_logits <= kMostBestLogits;
}
size_t Decoder::kv_page_bytes() const noexcept { return impl_->kv_page_bytes; }

OpCosts Decoder::costs() const noexcept {
  OpCosts costs;
  const auto add = [&](PassOp op, const nn::FusedLinear& linear, size_t used = 1, size_t of = 1) {
    const kernels::PackedMatrix& matrix = linear.matrix;
    costs[index(op)].bytes += matrix.bytes() * used / of;
    costs[index(op)].operations += 2 * matrix.rows() * matrix.columns() * used / of;
  };
  const auto add_mlp = [&](const nn::FusedMlp& mlp) {
    for (const nn::FusedLinear* linear : {&mlp.gate, &mlp.up, &mlp.down}) add(PassOp::kMlp, *linear);
  };
  for (const FusedLayer& layer : impl_->layers) {
    for (const nn::FusedLinear* linear : {&layer.attention.query, &layer.attention.key, &layer.attention.value})
      add(PassOp::kQkv, *linear);
    add(PassOp::kAttentionOutput, layer.attention.output);
    if (!layer.moe) {
      add_mlp(layer.mlp);
      continue;
    }
    const nn::FusedMoe& moe = *layer.moe;
    for (const auto* experts : {&moe.gate, &moe.up, &moe.down})
      for (const nn::FusedLinear& expert : *experts) add(PassOp::kMlp, expert, moe.spec.num_used, moe.spec.num_experts);
    add(PassOp::kMlp, moe.router);
    add(PassOp::kMlp, moe.shared_gate);
    add_mlp(moe.shared);
  }
  add(PassOp::kHead, impl_->head);
  if (impl_->coarse_head) costs[index(PassOp::kHead)].bytes = impl_->coarse_head->matrix.bytes();
  return costs;
}

}  // namespace shenbi::models
