#pragma once
// For tests: reads the golden files that tools/make_*.py write in safetensors form. It trusts its input, which is ours;
// checkpoints from outside go through formats::Checkpoint.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "tensor/tensor.h"

namespace shenbi::tensor {

/// Layout: u64 header length, a JSON header {name: {dtype, shape, data_offsets}}, the data.
inline std::map<std::string, Tensor> read_golden(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Code::kNotFound, path + ": cannot be read");
  const auto text =
      std::make_shared<std::string>(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, text->data(), sizeof header_bytes);
  const Json header = parse_json(std::string_view(*text).substr(8, header_bytes), path);
  const std::map<std::string, DType> dtypes = {
      {"F32", DType::kF32}, {"F64", DType::kF64}, {"I32", DType::kI32}, {"I64", DType::kI64}};
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const auto sizes = entry["shape"].get<std::vector<size_t>>();
    Tensor tensor = Tensor::uninitialized(Shape(sizes), dtypes.at(entry["dtype"]));
    std::memcpy(tensor.data(), text->data() + 8 + header_bytes + entry["data_offsets"][0].get<size_t>(),
                tensor.bytes());
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

/// The largest |a - b| / max(1, |b|), both read in double; infinity when shapes differ or a number is not finite.
inline double max_error(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return HUGE_VAL;
  const Tensor x = a.to(DType::kF64), y = b.to(DType::kF64);
  double worst = 0;
  for (size_t i = 0; i < x.elements(); ++i) {
    const double expected = y.values<double>()[i], error = std::abs(x.values<double>()[i] - expected);
    if (!std::isfinite(error)) return HUGE_VAL;
    worst = std::max(worst, error / std::max(1.0, std::abs(expected)));
  }
  return worst;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

}  // namespace shenbi::tensor
