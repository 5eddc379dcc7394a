// Finding parameters in a file. Rules name patterns; a pattern becomes a tensor name by filling in layer and expert.

#include "models/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "base/error.h"

namespace shenbi::models {

uint64_t Parameter::elements() const noexcept {
  uint64_t count = 1;
  for (const uint64_t size : shape_) count *= size;  // bounded: the shape is the spec's, whose numbers have limits
  return count;
}

uint64_t Parameter::row_bytes() const { return type().row_bytes(columns()); }

/// One row out of a [columns, rows] tensor, element by element.
void Parameter::copy_row(uint64_t row, std::byte* out) const {
  const RowRun& run = runs_.front();
  const uint64_t stride = run.tensor->shape.back(), size = type().block_bytes;
  const std::byte* from = run.tensor->data.data() + (run.first_row + row) * size;
  for (uint64_t c = 0; c < columns(); ++c) std::memcpy(out + c * size, from + c * stride * size, size);
}

std::span<const std::byte> Parameter::bytes(uint64_t begin, uint64_t end, std::vector<std::byte>& scratch) const {
  if (plus_ != 0)
    throw Error(Code::kUnsupported, fmt::format("tensor '{}' cannot be used as it is", runs_.front().tensor->name));
  const uint64_t size = row_bytes();
  if (!transposed_ && runs_.size() == 1)
    return runs_.front().tensor->data.subspan((runs_.front().first_row + begin) * size, (end - begin) * size);
  scratch.resize((end - begin) * size);
  std::byte* out = scratch.data();
  if (transposed_) {
    for (uint64_t row = begin; row < end; ++row, out += size) copy_row(row, out);
    return scratch;
  }
  uint64_t row = 0;  // first row of the run
  for (const RowRun& run : runs_) {
    const uint64_t first = std::max(begin, row), last = std::min(end, row + run.rows);
    if (first < last) {
      std::memcpy(out, run.tensor->data.data() + (run.first_row + first - row) * size, (last - first) * size);
      out += (last - first) * size;
    }
    row += run.rows;
  }
  return scratch;
}

void Parameter::decode(uint64_t begin, uint64_t end, float* out) const {
  Parameter plain = *this;
  plain.plus_ = 0;
  std::vector<std::byte> scratch;
  const auto blocks = plain.bytes(begin, end, scratch);
  const uint64_t count = (end - begin) * columns();
  type().decode(blocks.data(), count / type().block_elements, out);
  if (plus_ != 0) std::transform(out, out + count, out, [this](float value) { return value + plus_; });
}

std::vector<float> Parameter::floats() const {
  std::vector<float> out(elements());
  decode(out.data());
  return out;
}

const Parameter* Parameters::find(std::string_view name) const noexcept {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

const Parameter& Parameters::at(std::string_view name) const {
  const Parameter* found = find(name);
  SHENBI_CHECK(found != nullptr);
  return *found;
}

/// Turns rules into parameters of one file.
class ParameterResolver {
 public:
  ParameterResolver(const formats::Checkpoint& checkpoint, const DecoderSpec& spec, const WeightRules& rules);

  /// Adds the parameter if some rule's tensors are in the file. Throws if they are there with another shape.
  bool resolve(const ParameterSpec& wanted);
  Parameters finish();

 private:
  struct Place {          // a parameter name taken apart
    std::string pattern;  // "layers.{i}.query"
    std::string layer;
    std::string ending;  // ".weight", ".bias" or ""
  };
  static Place take_apart(const std::string& name);
  const formats::TensorEntry* tensor(const std::string& name);
  std::vector<const formats::TensorEntry*> sources(const WeightRule& rule, const Place& place,
                                                   const ParameterSpec& wanted);
  std::optional<Parameter> cut(const WeightRule& rule, const std::vector<const formats::TensorEntry*>& tensors,
                               const ParameterSpec& wanted, const Place& place);
  bool cut_rows(const WeightRule& rule, uint64_t stored_rows, uint64_t wanted_rows, const Place& place,
                std::vector<std::pair<uint64_t, uint64_t>>& runs) const;

  const formats::Checkpoint& checkpoint_;
  const DecoderSpec& spec_;
  const WeightRules& rules_;
  std::set<std::string, std::less<>> used_;
  Parameters out_;
};

ParameterResolver::ParameterResolver(const formats::Checkpoint& checkpoint, const DecoderSpec& spec,
                                     const WeightRules& rules)
    : checkpoint_(checkpoint), spec_(spec), rules_(rules) {}

ParameterResolver::Place ParameterResolver::take_apart(const std::string& name) {
  Place place{name, "", ""};
  for (const std::string_view ending : {".weight", ".bias"}) {
    if (!name.ends_with(ending)) continue;
    place.ending = ending;
    place.pattern.resize(name.size() - ending.size());
  }
  if (place.pattern.starts_with("layers.")) {
    const size_t dot = place.pattern.find('.', 7);
    place.layer = place.pattern.substr(7, dot - 7);
    place.pattern.replace(7, dot - 7, "{i}");
  }
  return place;
}

std::string fill(std::string text, std::string_view mark, std::string_view value) {
  if (const size_t at = text.find(mark); at != text.npos) text.replace(at, mark.size(), value);
  return text;
}

/// Models that also see or hear keep their decoder below "language_model.", or put that after "model."; files of 2019
/// to 2022 were often written without the outermost "transformer.".
const formats::TensorEntry* ParameterResolver::tensor(const std::string& name) {
  std::vector<std::string> spellings = {name, "language_model." + name};
  if (name.starts_with("model.")) spellings.push_back("model.language_model." + name.substr(6));
  if (name.starts_with("transformer.")) spellings.push_back(name.substr(12));
  for (const std::string& spelling : spellings)
    if (const formats::TensorEntry* found = checkpoint_.find(spelling)) return found;
  return nullptr;
}

std::vector<const formats::TensorEntry*> ParameterResolver::sources(const WeightRule& rule, const Place& place,
                                                                    const ParameterSpec& wanted) {
  const bool whole_name = rule.from.ends_with(".weight");
  if (rule.to != place.pattern || (whole_name && !place.ending.empty())) return {};
  const std::string name = fill(std::string(rule.from), "{i}", place.layer) + (whole_name ? "" : place.ending);
  const bool stacked = name.find("{e}") != name.npos;
  std::vector<const formats::TensorEntry*> found;
  for (uint64_t e = 0; e < (stacked ? wanted.shape[0] : 1); ++e) {
    const formats::TensorEntry* entry = tensor(stacked ? fill(name, "{e}", fmt::to_string(e)) : name);
    if (!entry) return {};
    found.push_back(entry);
  }
  return found;
}

/// Row runs {first, count} of one stored matrix that make up the parameter; false if the sizes do not fit.
bool ParameterResolver::cut_rows(const WeightRule& rule, uint64_t stored_rows, uint64_t wanted_rows, const Place& place,
                                 std::vector<std::pair<uint64_t, uint64_t>>& runs) const {
  if (rule.part == Part::kAll) {
    runs.emplace_back(0, wanted_rows);
    return stored_rows == wanted_rows;
  }
  if (rule.part == Part::kFirstHalf || rule.part == Part::kSecondHalf) {
    runs.emplace_back(rule.part == Part::kFirstHalf ? 0 : wanted_rows, wanted_rows);
    return stored_rows == 2 * wanted_rows;
  }
  const nn::AttentionSpec& attention = spec_.layers[std::stoul(place.layer)].attention;
  const uint64_t query = uint64_t{attention.num_heads} * attention.head_dim;
  const uint64_t key = uint64_t{attention.num_kv_heads} * attention.head_dim;
  const uint64_t value = uint64_t{attention.num_kv_heads} * attention.value_dim;
  if (stored_rows != query + key + value) return false;
  switch (rule.part) {
    case Part::kQuery:
      runs.emplace_back(0, query);
      return true;
    case Part::kKey:
      runs.emplace_back(query, key);
      return true;
    case Part::kValue:
      runs.emplace_back(query + key, value);
      return true;
    default:
      break;
  }
  const uint64_t dim = attention.head_dim;  // head after head: as many key heads as query heads, all of one size
  if (query != key || key != value) return false;
  const uint64_t within = rule.part == Part::kHeadQuery ? 0 : rule.part == Part::kHeadKey ? dim : 2 * dim;
  for (uint64_t head = 0; head < attention.num_heads; ++head) runs.emplace_back(3 * dim * head + within, dim);
  return true;
}

std::optional<Parameter> ParameterResolver::cut(const WeightRule& rule,
                                                const std::vector<const formats::TensorEntry*>& tensors,
                                                const ParameterSpec& wanted, const Place& place) {
  Parameter parameter;
  parameter.shape_ = wanted.shape;
  parameter.plus_ = rule.plus;
  parameter.transposed_ = rule.transposed && wanted.shape.size() == 2;
  const bool vector = wanted.shape.size() == 1;  // one column: biases split the way their weights do
  const uint64_t columns = parameter.columns();
  const uint64_t rows_each = parameter.elements() / columns / tensors.size();
  for (const formats::TensorEntry* entry : tensors) {
    if (entry->type != tensors.front()->type || entry->shape.empty()) return std::nullopt;
    // A [1, d] parameter may be stored as [d]; a [d] parameter as [1, d].
    uint64_t stored_columns = vector ? 1 : entry->shape.back();
    uint64_t stored_rows = stored_columns == 0 ? 0 : entry->elements() / stored_columns;
    if (parameter.transposed_) std::swap(stored_columns, stored_rows);
    std::vector<std::pair<uint64_t, uint64_t>> runs;
    if (stored_columns != columns || !cut_rows(rule, stored_rows, rows_each, place, runs)) return std::nullopt;
    for (const auto& [first, count] : runs) parameter.runs_.push_back({entry, first, count});
  }
  const kernels::QuantType& type = parameter.type();
  if ((vector || parameter.transposed_) && type.block_elements != 1) return std::nullopt;
  if (columns % type.block_elements != 0 || (parameter.transposed_ && parameter.runs_.size() != 1)) return std::nullopt;
  return parameter;
}

bool ParameterResolver::resolve(const ParameterSpec& wanted) {
  const Place place = take_apart(wanted.name);
  const formats::TensorEntry* misfit = nullptr;
  for (const WeightRule& rule : rules_) {
    const auto tensors = sources(rule, place, wanted);
    if (tensors.empty()) continue;
    auto parameter = cut(rule, tensors, wanted, place);
    if (!parameter) {
      misfit = tensors.front();
      continue;
    }
    for (const formats::TensorEntry* entry : tensors) used_.insert(entry->name);
    out_.by_name_.emplace(wanted.name, *std::move(parameter));
    return true;
  }
  if (!misfit) return false;
  throw Error(Code::kCorruptFile, fmt::format("{}: tensor '{}' is {} {}; as {} the configuration needs [{}]",
                                              checkpoint_.path().string(), misfit->name, misfit->type->name,
                                              misfit->shape_text(), wanted.name, fmt::join(wanted.shape, ", ")));
}

/// What is left over is harmless if it is a buffer that the original code computed and stored.
bool is_buffer(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kEndings = {
      ".rotary_emb.inv_freq", ".rotary_pos_emb.inv_freq", ".attn.bias",
      ".attn.masked_bias",    ".attention.bias",          ".attention.masked_bias",
      "rope_freqs.weight",    "rope_factors_long.weight", "rope_factors_short.weight"};
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

Parameters ParameterResolver::finish() {
  for (const formats::TensorEntry& entry : checkpoint_.tensors())
    if (!used_.contains(entry.name) && !is_buffer(entry.name)) out_.unused_.push_back(entry.name);
  return std::move(out_);
}

Model describe(std::shared_ptr<const formats::Checkpoint> checkpoint, uint32_t wanted_context) {
  const Config config(*checkpoint, wanted_context);
  const auto [stem, architecture] = find_architecture(config);
  Model model{.checkpoint = checkpoint, .spec = architecture.read(config), .parameters = {}};
  model.spec.architecture = stem;
  if (model.spec.context_length == 0) config.refuse("nothing says how many positions the model was trained for");

  const WeightRules& rules = config.is_gguf() ? gguf_weights() : architecture.hub_weights;
  ParameterResolver resolver(*checkpoint, model.spec, rules);
  const auto resolve = [&](const ParameterSpec& wanted) {
    if (resolver.resolve(wanted) || !wanted.required) return;
    config.refuse(fmt::format("the parameter {} is missing", wanted.name));
  };
  // A head of its own counts even where the config says "tied"; without one the embedding serves, unless that is
  // denied.
  const ParameterSpec head{"output.weight", {model.spec.vocab_size, model.spec.embedding_size}, false};
  const bool may_tie = config.flag_or({.hf = "tie_word_embeddings"}, true);
  model.spec.tied_output = !resolver.resolve(head);
  if (model.spec.tied_output && !may_tie) config.refuse("the parameter output.weight is missing");
  for (const ParameterSpec& wanted : parameters_of(model.spec))
    if (wanted.name != head.name) resolve(wanted);
  model.parameters = resolver.finish();
  return model;
}

}  // namespace shenbi::models
