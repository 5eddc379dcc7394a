#include <algorithm>

#include "models/decoder_impl.h"

namespace shenbi::models {
namespace {

template <class T>
void grow(std::vector<T>& values, size_t count) {
  if (values.size() < count) values.resize(count);
}

/// The widest of each kind of buffer among the layers.
struct Widths {
  size_t query = 0, key = 0, value = 0, mixed = 0, mlp = 0;
  nn::FormSet input, mlp_input, mixed_input, middle;

  explicit Widths(const Decoder::Impl& decoder);
  void add(const nn::FusedMlp& layer);
};

void Widths::add(const nn::FusedMlp& layer) {
  mlp = std::max<size_t>(mlp, layer.spec.width);
  middle.add(layer.middle_forms);
}

Widths::Widths(const Decoder::Impl& decoder) {
  for (const FusedLayer& layer : decoder.layers) {
    query = std::max(query, layer.attention.query_width());
    key = std::max(key, layer.attention.key_width());
    value = std::max(value, layer.attention.value_width());
    mixed = std::max(mixed, layer.attention.mixed_width());
    input.add(layer.attention.input_forms);
    mlp_input.add(layer.mlp_forms);
    mixed_input.add(layer.attention.output_forms);
    if (!layer.moe) add(layer.mlp);
    if (layer.moe && layer.moe->spec.shared != nn::SharedExpert::kNone) add(layer.moe->shared);
  }
}

}  // namespace

void Workspace::Impl::reserve(const Decoder::Impl& decoder, size_t tokens, size_t logits, size_t positions, int lanes) {
  const size_t d = decoder.spec.embedding_size;
  Widths widths(decoder);
  widths.input.add(widths.mlp_input);  // with one norm for both, the MLP reads the attention's input
  for (std::vector<float>* buffer : {&x, &normed, &block, &block2}) grow(*buffer, tokens * d);
  grow(q, tokens * widths.query);
  grow(k, tokens * widths.key);
  grow(v, tokens * widths.value);
  grow(mixed, tokens * widths.mixed);
  grow(gate, tokens * widths.mlp);
  grow(up, tokens * widths.mlp);
  grow(last, logits * d);
  input.reserve(tokens, d, widths.input);
  mlp_input.reserve(tokens, d, widths.mlp_input);
  mixed_input.reserve(tokens, widths.mixed, widths.mixed_input);
  middle_input.reserve(tokens, widths.mlp, widths.middle);
  nn::FormSet head;
  decoder.head.want(head);
  head_input.reserve(logits, d, head);
  if (decoder.coarse_head) search.reserve(decoder.coarse_head->matrix, lanes);
  for (const FusedLayer& layer : decoder.layers)
    if (layer.moe) moe.reserve(layer.moe->spec, tokens, d, layer.moe->expert_forms, layer.moe->middle_forms);

  if (decoder_id != decoder.id) {
    ropes.clear();
    for (const nn::RopeSpec& rope : decoder.ropes) ropes.emplace_back(rope.inverse_frequencies, rope.magnitude);
    plans.resize(decoder.shapes.size());
    decoder_id = decoder.id;
  }
  for (kernels::RopeTable& table : ropes) table.reserve(positions);
}

Workspace::Workspace() : impl_(std::make_unique<Impl>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;
const float* Workspace::hidden() const noexcept { return impl_->last.data(); }
void Workspace::record(PassProfile* profile) noexcept { impl_->profile = profile; }

}  // namespace shenbi::models
