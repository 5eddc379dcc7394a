#include "kernels/packed_matrix.h"

#include <fmt/format.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>

#include "base/cpu.h"
#include "base/error.h"
#include "kernels/huge_memory.h"
#include "kernels/isa.h"
#include "kernels/packed_pack.h"

namespace shenbi::kernels {
namespace {
std::atomic<bool> g_plain_avx2{false};
}  // namespace

void force_plain_avx2(bool plain) noexcept { g_plain_avx2.store(plain, std::memory_order_relaxed); }

const PackedKernels& packed_kernels(Isa isa) noexcept {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return kPackedAvx512;
  if (isa == Isa::kAvx2) {
    const bool vnni = cpu_features().avx_vnni && !g_plain_avx2.load(std::memory_order_relaxed);
    return vnni ? kPackedAvxVnni : kPackedAvx2;
  }
#endif
  return kPackedScalar;
}

namespace {

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

size_t checked_product(size_t a, size_t b, const char* what) {
  size_t product;
  if (__builtin_mul_overflow(a, b, &product) || product > std::numeric_limits<size_t>::max() / 4) {
    throw Error(Code::kInvalidArgument, fmt::format("{}: {} x {} is too large", what, a, b));
  }
  return product;
}

// How far ahead a product with few tokens should fetch. Zen 5 (family 1Ah) reads at a third to a half of its bandwidth
// without (Q4_K 47 %, Q5_K 36 %; 97 % with 8 KB); on Zen 4 (19h) prefetching cost 10 to 30 %, its own prefetcher is
// enough.
size_t read_ahead_bytes() {
  constexpr size_t kAhead = 8192;
#if defined(__x86_64__)
  uint32_t a = 0, vendor = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &vendor, &c, &d) && vendor == signature_AMD_ebx && __get_cpuid(1, &a, &vendor, &c, &d)) {
    const uint32_t family = (a >> 8 & 15) + (a >> 20 & 255);
    if (family <= 0x19) return 0;
  }
#endif
  return kAhead;
}

// The parts of one allocation, in the order in which a product walks them.
struct ActivationPlaces {
  size_t high, low, high_groups, low_groups, f32, end;
};

ActivationPlaces places(size_t tokens, size_t padded_columns, ActivationForm form) {
  const size_t values = tokens * padded_columns, groups = values / kGroupColumns * sizeof(ActivationGroup);
  const bool low = form == ActivationForm::kInt16, integers = form != ActivationForm::kF32;
  ActivationPlaces p{};
  p.high_groups = integers ? values : 0;
  p.low = p.high_groups + (integers ? groups : 0);
  p.low_groups = p.low + (low ? values : 0);
  p.f32 = 0;
  p.end = form == ActivationForm::kF32 ? values * sizeof(float) : p.low_groups + (low ? groups : 0);
  return p;
}

// A lane's workspace for many tokens, kept for the life of its thread. Null if there is no memory: the kernels then
// take their slower way, with the same results.
uint8_t* lane_scratch() noexcept {
  struct Free {
    void operator()(uint8_t* p) const noexcept { std::free(p); }
  };
  thread_local std::unique_ptr<uint8_t, Free> scratch;
  constexpr size_t kAlignment = 4096;
  static_assert(kScratchBytes % kAlignment == 0);
  if (!scratch) scratch.reset(static_cast<uint8_t*>(std::aligned_alloc(kAlignment, kScratchBytes)));
  return scratch.get();
}

}  // namespace

// ---------------------------------------------------------------- activations

void Activations::reserve(size_t tokens, size_t columns) {
  const size_t padded = round_up(std::max<size_t>(columns, 1), kActivationPadding);
  checked_product(checked_product(tokens, padded, "activations"), sizeof(float), "activations");
  size_t bytes = 0;
  for (const auto form : {ActivationForm::kF32, ActivationForm::kInt8, ActivationForm::kInt16}) {
    bytes = std::max(bytes, places(tokens, padded, form).end);
  }
  if (bytes <= capacity_) return;
  storage_ = allocate_huge(bytes);
  capacity_ = bytes;
}

ActivationBatch Activations::batch(size_t tokens, size_t columns, ActivationForm form) const noexcept {
  const size_t padded = round_up(columns, kActivationPadding);
  const ActivationPlaces at = places(tokens, padded, form);
  SHENBI_CHECK(at.end <= capacity_);
  const uint8_t* base = storage_.get();
  const bool floats = form == ActivationForm::kF32, two_terms = form == ActivationForm::kInt16;
  ActivationView view = {};
  view.tokens = tokens;
  view.padded_columns = padded;
  if (floats) view.f32 = reinterpret_cast<const float*>(base + at.f32);
  if (!floats) view.high = reinterpret_cast<const int8_t*>(base + at.high);
  if (!floats) view.high_groups = reinterpret_cast<const ActivationGroup*>(base + at.high_groups);
  if (two_terms) view.low = reinterpret_cast<const int8_t*>(base + at.low);
  if (two_terms) view.low_groups = reinterpret_cast<const ActivationGroup*>(base + at.low_groups);
  return {view, columns, form};
}

namespace {

/// One token's columns [begin, end), `end` at most padded_columns; `x` is its row of `columns` numbers.
void convert_row(const ActivationView& to, const float* x, size_t columns, size_t token, size_t begin,
                 size_t end) noexcept {
  const size_t given = std::min(columns, end) - std::min(columns, begin), at = token * to.padded_columns + begin;
  const float* from = x + std::min(columns, begin);
  if (to.f32) {
    auto* out = const_cast<float*>(to.f32) + at;
    std::copy_n(from, given, out);
    std::fill(out + given, out + (end - begin), 0.0f);
    return;
  }
  auto* low = to.low ? const_cast<int8_t*>(to.low) + at : nullptr;
  auto* low_groups = to.low_groups ? const_cast<ActivationGroup*>(to.low_groups) + at / kGroupColumns : nullptr;
  packed_kernels(chosen_isa())
      .quantize(from, given, end - begin, const_cast<int8_t*>(to.high) + at,
                const_cast<ActivationGroup*>(to.high_groups) + at / kGroupColumns, low, low_groups);
}

}  // namespace

void Activations::convert(const ActivationBatch& to, const float* x, size_t stride, size_t row_begin, size_t row_end,
                          size_t column_begin, size_t column_end) noexcept {
  if (column_begin >= column_end) return;
  if (column_end == to.columns) column_end = to.view.padded_columns;
  for (size_t token = row_begin; token < row_end; ++token)
    convert_row(to.view, x + token * stride, to.columns, token, column_begin, column_end);
}

void Activations::quantize(Lane& lane, const float* x, size_t tokens, size_t columns, size_t stride,
                           ActivationForm form) noexcept {
  const ActivationBatch to = batch(tokens, columns, form);
  if (lane.index() == 0) last_ = to;
  // Pieces of rows, so that a single token too is shared by the lanes.
  constexpr size_t kPiece = 4 * kActivationPadding;
  const size_t pieces = (to.view.padded_columns + kPiece - 1) / kPiece;
  auto [item, end] = lane.share(tokens * pieces);
  while (item < end) {
    const size_t token = item / pieces, first = item % pieces, count = std::min(pieces - first, end - item);
    item += count;
    convert_row(to.view, x + token * stride, columns, token, first * kPiece,
                std::min((first + count) * kPiece, to.view.padded_columns));
  }
}

ActivationBatch ActivationBatch::rows(size_t first, size_t count) const noexcept {
  ActivationBatch out = *this;
  const size_t at = first * view.padded_columns;
  out.view.tokens = count;
  if (view.f32) out.view.f32 += at;
  if (view.high) out.view.high += at;
  if (view.low) out.view.low += at;
  if (view.high_groups) out.view.high_groups += at / kGroupColumns;
  if (view.low_groups) out.view.low_groups += at / kGroupColumns;
  return out;
}

// ---------------------------------------------------------------- matrix

struct PackedMatrix::Impl {
  std::shared_ptr<const void> storage;
  PackedView view;
  size_t bytes;
  ActivationForm form;

  // Rows are shared in whole strips of the kernels while every lane gets several, in panels of 16 below that. pack()
  // and multiply() share alike: the lane that packs a row computes it, so it lies on that lane's NUMA node.
  std::pair<size_t, size_t> rows_of(const Lane& lane) const noexcept {
    constexpr size_t kEnough = 4;
    const size_t strip = is_float_layout(view.layout) ? kFloatPanelRows : 2 * kPanelRows;
    const bool many = view.rows >= kEnough * strip * static_cast<size_t>(lane.count());
    return lane.share(view.rows, many ? strip : kPanelRows);
  }
};

// Everything of a matrix but its memory.
static std::shared_ptr<PackedMatrix::Impl> describe_matrix(const QuantType& type, size_t rows, size_t columns,
                                                           Precision precision) {
  if (rows == 0 || columns == 0 || columns % type.block_elements != 0) {
    throw Error(Code::kInvalidArgument, fmt::format("packed matrix: {} x {} is not rows of whole {} blocks of {}", rows,
                                                    columns, type.name, type.block_elements));
  }
  if (type.decode == nullptr) {
    throw Error(Code::kUnsupported, fmt::format("packed matrix: {} cannot be multiplied", type.name));
  }
  chosen_isa();  // a bad SHENBI_ISA is reported here, not inside the noexcept products
  const PackedLayout layout = packed_layout_of(type);
  checked_product(columns, 8, "packed matrix: columns");
  const size_t panel_bytes = packed_panel_bytes(layout, columns);
  auto impl = std::make_shared<PackedMatrix::Impl>();
  impl->bytes = checked_product(round_up(rows, kPanelRows) / kPanelRows, panel_bytes, "packed matrix");
  impl->view = {layout, nullptr, rows, columns, panel_bytes, read_ahead_bytes()};
  impl->form = is_float_layout(layout)          ? ActivationForm::kF32
               : precision == Precision::kInt16 ? ActivationForm::kInt16
                                                : ActivationForm::kInt8;
  return impl;
}

PackedMatrix PackedMatrix::pack(const QuantType& type, const std::byte* data, size_t rows, size_t columns,
                                Precision precision, ThreadTeam& team) {
  auto impl = describe_matrix(type, rows, columns, precision);
  const auto memory = allocate_huge(impl->bytes);
  impl->storage = memory;
  impl->view.data = memory.get();
  team.run([&](Lane& lane) {
    const auto [begin, end] = impl->rows_of(lane);
    pack_rows(type, impl->view.layout, data, rows, columns, begin, end, memory.get());
  });
  PackedMatrix matrix;
  matrix.impl_ = std::move(impl);
  return matrix;
}

std::optional<PackedMatrix> PackedMatrix::restore(const QuantType& type, std::span<const std::byte> bytes,
                                                  std::shared_ptr<const void> owner, size_t rows, size_t columns,
                                                  Precision precision) {
  auto impl = describe_matrix(type, rows, columns, precision);
  constexpr uintptr_t kAlignment = 64;
  if (bytes.size() != impl->bytes || reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment != 0) return std::nullopt;
  impl->storage = std::move(owner);
  impl->view.data = reinterpret_cast<const uint8_t*>(bytes.data());
  PackedMatrix matrix;
  matrix.impl_ = std::move(impl);
  return matrix;
}

std::span<const std::byte> PackedMatrix::packed() const noexcept {
  if (!impl_) return {};
  return {reinterpret_cast<const std::byte*>(impl_->view.data), impl_->bytes};
}

size_t PackedMatrix::rows() const noexcept { return impl_ ? impl_->view.rows : 0; }
size_t PackedMatrix::columns() const noexcept { return impl_ ? impl_->view.columns : 0; }
size_t PackedMatrix::bytes() const noexcept { return impl_ ? impl_->bytes : 0; }
ActivationForm PackedMatrix::form() const noexcept { return impl_ ? impl_->form : ActivationForm::kF32; }

void PackedMatrix::multiply(Lane& lane, const ActivationBatch& x, float* out, size_t out_stride) const noexcept {
  const auto [begin, end] = impl_->rows_of(lane);
  multiply_rows(begin, end, x, out, out_stride);
}

// Pieces small enough that the last one of a phase keeps nobody waiting for long, and of enough bytes that taking one
// is nothing beside reading it.
size_t PackedMatrix::pieces(int lanes) const noexcept {
  constexpr size_t kOfLane = 8, kMinBytes = size_t{16} << 10;
  const size_t strips = (impl_->view.rows + 2 * kPanelRows - 1) / (2 * kPanelRows);
  return std::clamp<size_t>(std::min(strips, impl_->bytes / kMinBytes), 1, kOfLane * static_cast<size_t>(lanes));
}

std::pair<size_t, size_t> PackedMatrix::rows_of(size_t piece, size_t count) const noexcept {
  const PackedView& m = impl_->view;
  const size_t panels = (m.rows + kPanelRows - 1) / kPanelRows;
  // Whole strips of the kernels, except of matrices that are hardly more than one: half a strip takes as long as a
  // whole.
  constexpr size_t kSmall = 8;
  const size_t strip = is_float_layout(m.layout) ? kFloatPanelRows / kPanelRows : 2;
  const size_t unit = panels >= kSmall * strip ? strip : 1;
  const size_t units = (panels + unit - 1) / unit, rows = unit * kPanelRows;
  return {std::min(units * piece / count * rows, m.rows), std::min(units * (piece + 1) / count * rows, m.rows)};
}

void PackedMatrix::multiply_rows(size_t row_begin, size_t row_end, const ActivationBatch& x, float* out,
                                 size_t out_stride) const noexcept {
  SHENBI_CHECK(impl_ != nullptr && x.form == impl_->form && x.columns == impl_->view.columns);
  SHENBI_CHECK(row_end <= impl_->view.rows && row_begin % kPanelRows == 0);
  if (row_begin >= row_end || x.view.tokens == 0) return;
  constexpr size_t kFewTokens = 16;
  uint8_t* scratch = x.view.tokens > kFewTokens ? lane_scratch() : nullptr;
  packed_kernels(chosen_isa()).multiply(&impl_->view, &x.view, row_begin, row_end, out, out_stride, scratch);
}

}  // namespace shenbi::kernels
