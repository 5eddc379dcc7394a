// Rows are cut into pieces of 1024 columns, which every block size divides; a piece goes through floats on the stack,
// so that no buffer grows with the matrix, and lanes share the pieces of all rows, so that one long row is split too.
#include "kernels/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kPiece = 1024;

void check(const QuantType& from, const QuantType& to, size_t columns, std::span<const float> importance) {
  if (!to.encode && to.name != from.name) {
    throw Error(Code::kUnsupported, fmt::format("quantize: type {} can be read but not written", to.name));
  }
  for (const QuantType* type : {&from, &to}) {
    SHENBI_CHECK(kPiece % type->block_elements == 0);
    if (columns % type->block_elements != 0) {
      throw Error(Code::kInvalidArgument, fmt::format("quantize: {} columns are not whole {} blocks of {}", columns,
                                                      type->name, type->block_elements));
    }
  }
  if (!importance.empty() && importance.size() != columns) {
    throw Error(Code::kInvalidArgument,
                fmt::format("quantize: importance of {} weights for {} columns", importance.size(), columns));
  }
}

}  // namespace

void convert(const QuantType& from, const std::byte* in, size_t rows, size_t columns, std::span<const float> importance,
             const QuantType& to, std::byte* out, ThreadTeam& team) {
  const bool same = from.name == to.name;
  check(from, to, columns, importance);
  const size_t pieces = (columns + kPiece - 1) / kPiece;
  const size_t in_row = from.row_bytes(columns), out_row = to.row_bytes(columns);
  team.run([&](Lane& lane) {
    float values[kPiece];
    const auto [begin, end] = lane.share(rows * pieces);
    for (size_t item = begin; item < end; ++item) {
      const size_t row = item / pieces, column = item % pieces * kPiece;
      const size_t count = std::min(kPiece, columns - column);
      const std::byte* source = in + row * in_row + from.row_bytes(column);
      std::byte* target = out + row * out_row + to.row_bytes(column);
      if (same) {
        std::memcpy(target, source, from.row_bytes(count));
      } else {
        from.decode(source, count / from.block_elements, values);
        to.encode(values, count / to.block_elements, importance.empty() ? nullptr : importance.data() + column, target);
      }
    }
  });
}

void quantize(const float* in, size_t rows, size_t columns, std::span<const float> importance, const QuantType& to,
              std::byte* out, ThreadTeam& team) {
  convert(*find_quant_type("F32"), reinterpret_cast<const std::byte*>(in), rows, columns, importance, to, out, team);
}

void dequantize(const QuantType& from, const std::byte* in, size_t rows, size_t columns, float* out, ThreadTeam& team) {
  convert(from, in, rows, columns, {}, *find_quant_type("F32"), reinterpret_cast<std::byte*>(out), team);
}

}  // namespace shenbi::kernels
