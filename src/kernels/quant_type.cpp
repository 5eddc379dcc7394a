#include "kernels/quant_type.h"

#include <strings.h>

#include <algorithm>
#include <memory>
#include <string>

namespace shenbi::kernels {

const std::vector<const QuantType*>& all_quant_types() {
  static const auto rows = [] {
    static std::vector<QuantType> storage;
    for (const auto& [stem, make] : quant_registry()) storage.push_back(make());
    std::vector<const QuantType*> sorted;
    for (const auto& row : storage) sorted.push_back(&row);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->gguf_id < b->gguf_id; });
    return sorted;
  }();
  return rows;
}

const QuantType* find_quant_type(uint32_t gguf_id) noexcept {
  for (const QuantType* row : all_quant_types()) {
    if (row->gguf_id == gguf_id) return row;
  }
  return nullptr;
}

const QuantType* find_quant_type(std::string_view name) noexcept {
  for (const QuantType* row : all_quant_types()) {
    if (row->name.size() == name.size() && ::strncasecmp(row->name.data(), name.data(), name.size()) == 0) return row;
  }
  return nullptr;
}

}  // namespace shenbi::kernels
