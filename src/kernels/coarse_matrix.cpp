#include "kernels/coarse_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace shenbi::kernels {
namespace {

constexpr std::string_view kStrongType = "Q8_0", kWeakType = "Q4_0";
constexpr size_t kBlock = 32;  // of both types

/// A fifth of the columns, in whole blocks (docs/kernels.md).
size_t strong_columns(size_t columns) { return (columns / 5 + kBlock - 1) / kBlock * kBlock; }

const QuantType& type_named(std::string_view name) {
  const QuantType* type = find_quant_type(name);
  SHENBI_CHECK(type != nullptr && type->encode != nullptr && type->block_elements == kBlock);
  return *type;
}

double squares(const float* x, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

double squares_of_difference(const float* a, const float* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    sum += d * d;
  }
  return sum;
}

float rounded_up(double value) {
  return std::nextafter(static_cast<float>(value * (1 + 1e-6)), std::numeric_limits<float>::infinity());
}

/// The columns by energy, the most first.
std::vector<uint32_t> order_of(std::span<const float> energy) {
  std::vector<uint32_t> order(energy.size());
  std::iota(order.begin(), order.end(), 0);
  const auto known = [&](uint32_t i) { return std::isfinite(energy[i]) ? energy[i] : 0.0f; };
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return known(a) > known(b); });
  return order;
}

/// How much more the errors of strong columns should count: with an error of a strong column as many times smaller as
/// its steps are finer, the bound is tightest where both parts add alike.
float balance_of(std::span<const float> energy, std::span<const uint32_t> order, size_t strong) {
  constexpr double kFiner = 17;  // 127 steps to 7.5
  double of_strong = 0, of_weak = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const float value = energy[order[i]];
    (i < strong ? of_strong : of_weak) += std::isfinite(value) ? value : 0;
  }
  const double size = static_cast<double>(strong), rest = static_cast<double>(order.size() - strong);
  const double squared = std::sqrt(of_strong / std::max(of_weak, 1e-30)) * kFiner * std::sqrt(rest / size);
  return static_cast<float>(std::clamp(std::sqrt(squared), 1.0, 1000.0));
}

/// What making has of its own: the parts that are not packed matrices.
struct Made {
  std::vector<float> errors;
  std::vector<uint32_t> order;
};

/// One lane's rows of the making.
class RowCoder {
 public:
  RowCoder(const QuantType& type, const std::byte* data, std::span<const uint32_t> order, size_t strong, float balance)
      : type_(type), data_(data), order_(order), strong_(strong), balance_(balance) {
    for (auto* buffer : {&row_, &ordered_, &coarse_}) buffer->resize(order.size());
  }

  /// Encodes a row; returns the length of what was lost.
  double code(size_t index, std::byte* strong, std::byte* weak) {
    const size_t columns = order_.size();
    type_.decode(data_ + index * type_.row_bytes(columns), columns / type_.block_elements, row_.data());
    for (size_t i = 0; i < columns; ++i) ordered_[i] = row_[order_[i]];
    half(kStrongType, 0, strong_, strong);
    half(kWeakType, strong_, columns - strong_, weak);
    const double own = squares(ordered_.data(), columns), coarse = squares(coarse_.data(), columns);
    longest_ = std::max({longest_, std::sqrt(own), std::sqrt(coarse)});
    finite_ = finite_ && std::isfinite(own) && std::isfinite(coarse);
    const double of_strong = squares_of_difference(ordered_.data(), coarse_.data(), strong_);
    const double of_weak =
        squares_of_difference(ordered_.data() + strong_, coarse_.data() + strong_, columns - strong_);
    return std::sqrt(of_strong * balance_ * balance_ + of_weak);
  }

  double longest() const { return longest_; }
  bool finite() const { return finite_; }

 private:
  void half(std::string_view name, size_t first, size_t count, std::byte* out) {
    const QuantType& type = type_named(name);
    type.encode(ordered_.data() + first, count / kBlock, nullptr, out);
    type.decode(out, count / kBlock, coarse_.data() + first);
  }

  const QuantType& type_;
  const std::byte* data_;
  std::span<const uint32_t> order_;
  size_t strong_;
  double balance_;
  std::vector<float> row_, ordered_, coarse_;
  double longest_ = 0;
  bool finite_ = true;
};

}  // namespace

size_t CoarseMatrix::bytes_of(size_t rows, size_t columns) noexcept {
  const size_t strong = strong_columns(columns);
  if (columns % kBlock != 0 || strong >= columns) return 0;
  return rows * (type_named(kStrongType).row_bytes(strong) + type_named(kWeakType).row_bytes(columns - strong) +
                 sizeof(float));
}

std::optional<CoarseMatrix> CoarseMatrix::make(const QuantType& type, const std::byte* data, size_t rows,
                                               size_t columns, std::span<const float> energy, ThreadTeam& team) {
  SHENBI_CHECK(energy.size() == columns);
  if (bytes_of(rows, columns) == 0) return std::nullopt;
  const size_t strong = strong_columns(columns);
  auto made = std::make_shared<Made>();
  made->order = order_of(energy);
  made->errors.resize(rows);
  CoarseMatrix out;
  out.header_.balance = balance_of(energy, made->order, strong);

  const QuantType &strong_type = type_named(kStrongType), &weak_type = type_named(kWeakType);
  const size_t strong_bytes = strong_type.row_bytes(strong), weak_bytes = weak_type.row_bytes(columns - strong);
  std::vector<std::byte> strong_rows(rows * strong_bytes), weak_rows(rows * weak_bytes);
  std::vector<RowCoder> coders(static_cast<size_t>(team.count()),
                               RowCoder(type, data, made->order, strong, out.header_.balance));
  team.run([&](Lane& lane) {
    const auto [begin, end] = lane.share(rows);
    RowCoder& coder = coders[static_cast<size_t>(lane.index())];
    for (size_t r = begin; r < end; ++r)
      made->errors[r] =
          rounded_up(coder.code(r, strong_rows.data() + r * strong_bytes, weak_rows.data() + r * weak_bytes));
  });
  for (const RowCoder& coder : coders) {
    if (!coder.finite()) return std::nullopt;
    out.header_.longest_row = std::max(out.header_.longest_row, rounded_up(coder.longest()));
  }
  out.strong_ = PackedMatrix::pack(strong_type, strong_rows.data(), rows, strong, Precision::kInt16, team);
  std::vector<std::byte>().swap(strong_rows);
  out.weak_ = PackedMatrix::pack(weak_type, weak_rows.data(), rows, columns - strong, Precision::kInt16, team);
  out.errors_ = made->errors;
  out.order_ = made->order;
  out.owner_ = std::move(made);
  return out;
}

std::vector<std::span<const std::byte>> CoarseMatrix::parts() const {
  return {std::as_bytes(std::span(&header_, 1)), std::as_bytes(order_), std::as_bytes(errors_), strong_.packed(),
          weak_.packed()};
}

std::optional<CoarseMatrix> CoarseMatrix::restore(const std::vector<std::span<const std::byte>>& parts,
                                                  const std::shared_ptr<const void>& owner, size_t rows,
                                                  size_t columns) {
  if (bytes_of(rows, columns) == 0 || parts.size() != kParts || parts[0].size() != sizeof(Header) ||
      parts[1].size() != columns * sizeof(uint32_t) || parts[2].size() != rows * sizeof(float))
    return std::nullopt;
  const size_t strong = strong_columns(columns);
  const auto packed = [&](std::string_view name, std::span<const std::byte> bytes, size_t width) {
    return PackedMatrix::restore(type_named(name), bytes, owner, rows, width, Precision::kInt16);
  };
  auto first = packed(kStrongType, parts[3], strong), second = packed(kWeakType, parts[4], columns - strong);
  if (!first || !second) return std::nullopt;
  CoarseMatrix out;
  std::memcpy(&out.header_, parts[0].data(), sizeof(Header));
  out.strong_ = *std::move(first);
  out.weak_ = *std::move(second);
  out.order_ = {reinterpret_cast<const uint32_t*>(parts[1].data()), columns};
  out.errors_ = {reinterpret_cast<const float*>(parts[2].data()), rows};
  out.owner_ = owner;
  const bool sane = std::isfinite(out.header_.longest_row) && out.header_.balance >= 1;
  const auto inside = [&](uint32_t column) { return column < columns; };
  if (!sane || !std::all_of(out.order_.begin(), out.order_.end(), inside)) return std::nullopt;
  return out;
}

// Where multiply_rows(), which writes row r to out[r], must believe its output to begin so that row `row` lands on
// buffer[0]. An address before an array is none a float* may be computed to, hence the integer.
static float* output_of_row(float* buffer, size_t row) noexcept {
  return reinterpret_cast<float*>(reinterpret_cast<uintptr_t>(buffer) - row * sizeof(float));
}

// Some panels at a time, so that their sums stay in the first-level cache.
void CoarseMatrix::bound(size_t begin, size_t end, const CoarseInput& x, float* bounds) const noexcept {
  constexpr size_t kRows = 512;
  float strong[kRows], weak[kRows];
  const ActivationBatch from_strong = x.strong_.batch(1, strong_.columns(), strong_.form());
  const ActivationBatch from_weak = x.weak_.batch(1, weak_.columns(), weak_.form());
  for (size_t row = begin; row < end; row += kRows) {
    const size_t stop = std::min(row + kRows, end), count = stop - row;
    strong_.multiply_rows(row, stop, from_strong, output_of_row(strong, row), 0);
    weak_.multiply_rows(row, stop, from_weak, output_of_row(weak, row), 0);
    for (size_t i = 0; i < count; i += kPanelRows) {
      float most = -std::numeric_limits<float>::infinity();
      for (size_t k = i; k < std::min(i + kPanelRows, count); ++k) {
        const float value = strong[k] + weak[k] + errors_[row + k] * x.length_;
        most = value > most ? value : most;
      }
      bounds[(row - begin + i) / kPanelRows] = most + x.slack_;
    }
  }
}

// ---------------------------------------------------------------- input

void CoarseInput::reserve(const CoarseMatrix& matrix) {
  ordered_.resize(matrix.columns());
  strong_.reserve(1, matrix.strong_.columns());
  weak_.reserve(1, matrix.weak_.columns());
}

// The slack, with u = 2^-24 and L the length of the longest row, as it is or coarse:
//
//   activations   both products take x in 16 bits: a code is off by at most half a step of amax / (127 * 254), so x as
//                 a whole by sqrt(32) |x| / (2 * 127 * 254) (amax of a group is at most its length); one for each
//   rounding      a product of n f32 additions is off by at most n u L |x| (every partial sum is at most L |x|): a
//                 quantised one has two for each 32 columns, a float one has one for each column; 64 more cover the
//                 scales' own rounding, the sum of both halves and of the bound
void CoarseInput::prepare(const CoarseMatrix& matrix, const float* x, ActivationForm exact) noexcept {
  const size_t columns = matrix.columns(), strong = matrix.strong_.columns();
  for (size_t i = 0; i < columns; ++i) ordered_[i] = x[matrix.order_[i]];
  const auto convert = [](const Activations& to, const float* from, const PackedMatrix& of) {
    Activations::convert(to.batch(1, of.columns(), of.form()), from, of.columns(), 0, 1, 0, of.columns());
  };
  convert(strong_, ordered_.data(), matrix.strong_);
  convert(weak_, ordered_.data() + strong, matrix.weak_);

  const double of_strong = squares(ordered_.data(), strong),
               of_weak = squares(ordered_.data() + strong, columns - strong);
  const double balance = matrix.header_.balance, length = std::sqrt(of_strong + of_weak);
  const double kUnit = std::ldexp(1.0, -24), kStep = 1.01 * std::sqrt(32.0) / (2.0 * 127 * 254), kTiny = 1e-30;
  const double additions = static_cast<double>(columns) / 16 +
                           static_cast<double>(exact == ActivationForm::kF32 ? columns : columns / 16) + 64;
  length_ = rounded_up(std::sqrt(of_strong / (balance * balance) + of_weak));
  slack_ = rounded_up(matrix.header_.longest_row * (length * (2 * kStep + 1.1 * additions * kUnit) + kTiny));
  usable_ = exact != ActivationForm::kInt8 && std::isfinite(length_) && std::isfinite(slack_);
}

}  // namespace shenbi::kernels
