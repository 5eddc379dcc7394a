#include "formats/quantize_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "formats/tensor_writer.h"
#include "kernels/quantize.h"

namespace shenbi::formats {
namespace {

// Bytes of encoded rows in memory at a time.
constexpr uint64_t kSliceBytes = 64u << 20;

kernels::MixModel mix_model(const Checkpoint& source) {
  const std::string_view architecture = source.get_string("general.architecture").value_or("");
  const auto count = [&](std::string_view key) {
    return static_cast<uint32_t>(
        std::min<uint64_t>(source.get_uint(fmt::format("{}.{}", architecture, key)).value_or(0), UINT32_MAX));
  };
  const uint32_t heads = count("attention.head_count");
  const std::string kv_key = fmt::format("{}.attention.head_count_kv", architecture);
  // A list a layer: the rules look at one number only, as the reference does with the first.
  const auto kv = source.metadata().find(kv_key);
  const bool is_list = kv != source.metadata().end() && std::holds_alternative<MetadataArray>(kv->second);
  return {.architecture = architecture,
          .num_layers = count("block_count"),
          .num_heads = heads,
          .num_kv_heads = is_list || kv == source.metadata().end() ? heads : count("attention.head_count_kv"),
          .num_experts = count("expert_count"),
          .tied_output = source.find("output.weight") == nullptr};
}

struct TensorPlan {
  const TensorEntry* tensor;
  const kernels::QuantType* type;
};

TensorPlan plan_of(const TensorEntry& tensor, const kernels::QuantMix& mix, const kernels::MixModel& model,
                   const Checkpoint& source, bool allow_requantize) {
  // What is not a float is data of another kind (index tables): it stays.
  static constexpr std::string_view kFloats[] = {"F32", "F16", "BF16", "F64"};
  const bool is_float = std::find(std::begin(kFloats), std::end(kFloats), tensor.type->name) != std::end(kFloats);
  const bool is_quantised = tensor.type->split != nullptr;
  if (!is_float && !is_quantised) return {&tensor, tensor.type};
  if (is_quantised && !allow_requantize) {
    throw Error(Code::kInvalidArgument,
                fmt::format("{}: tensor '{}' is {} already; quantising it again loses twice (--allow-requantize)",
                            source.path().string(), tensor.name, tensor.type->name));
  }
  const std::string_view name = kernels::choose_type(mix, {.name = tensor.name, .shape = tensor.shape}, model);
  const kernels::QuantType* type = kernels::find_quant_type(name);
  if (!type || !type->encode) throw Error(Code::kUnsupported, fmt::format("{} cannot be written", name));
  return {&tensor, type};
}

void write_tensor(const TensorPlan& plan, TensorWriter& writer, ThreadTeam& team) {
  const TensorEntry& tensor = *plan.tensor;
  if (plan.type == tensor.type) return writer.append(tensor.data);
  const uint64_t columns = tensor.shape.empty() ? 1 : tensor.shape.back();
  const uint64_t rows = tensor.elements() / std::max<uint64_t>(columns, 1);
  const uint64_t row_in = tensor.type->row_bytes(columns), row_out = plan.type->row_bytes(columns);
  const uint64_t slice = std::max<uint64_t>(1, kSliceBytes / std::max<uint64_t>(row_out, 1));
  std::vector<std::byte> out;
  for (uint64_t row = 0; row < rows; row += slice) {
    const uint64_t count = std::min(slice, rows - row);
    out.resize(count * row_out);
    kernels::convert(*tensor.type, tensor.data.data() + row * row_in, count, columns, {}, *plan.type, out.data(), team);
    writer.append(out);
  }
}

}  // namespace

QuantizeResult quantize_file(const Checkpoint& source, const std::filesystem::path& target,
                             const kernels::QuantMix& mix, ThreadTeam& team, bool allow_requantize,
                             const std::function<void(const QuantizeProgress&)>& progress) {
  if (source.kind() != CheckpointKind::kGguf) {
    throw Error(Code::kUnsupported, fmt::format("{}: only GGUF files can be quantised", source.path().string()));
  }
  source.require_whole();
  const kernels::MixModel model = mix_model(source);
  GgufWriter writer(target);
  writer.copy_metadata(source);
  writer.set("general.file_type", mix.file_type);
  writer.set("general.quantization_version", uint32_t{2});
  std::vector<TensorPlan> plans;
  QuantizeResult result;
  for (const TensorEntry& tensor : source.tensors()) {
    plans.push_back(plan_of(tensor, mix, model, source, allow_requantize));
    writer.declare(tensor.name, *plans.back().type, tensor.shape);
    result.source_bytes += tensor.data.size();
    const uint64_t columns = tensor.shape.empty() ? 1 : tensor.shape.back();
    result.written_bytes += tensor.elements() / std::max<uint64_t>(columns, 1) * plans.back().type->row_bytes(columns);
  }
  for (size_t i = 0; i < plans.size(); ++i) {
    write_tensor(plans[i], writer, team);
    if (progress) {
      progress({plans[i].tensor->name, plans[i].tensor->type->name, plans[i].type->name, i + 1, plans.size()});
    }
  }
  writer.finish();
  return result;
}

}  // namespace shenbi::formats
