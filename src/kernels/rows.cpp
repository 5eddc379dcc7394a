#include "kernels/rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/isa/choose_table.h"
#include "kernels/isa/rows_table.h"

namespace shenbi::kernels {
namespace {

const RowsTable& table() noexcept { return SHENBI_TABLE(rows, chosen_isa()); }

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// Natural logarithm with + - * / alone, so that it is the same on every machine: x = m * 2^e with m in [sqrt(1/2), sqrt
// 2), log m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172; the series to s^19 is good to 1e-16.
double natural_log(double x) noexcept {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // exact
  if (m < 0.70710678118654752) m *= 2, --exponent;
  const double s = (m - 1) / (m + 1), square = s * s;
  double series = 0;
  for (int power = 19; power >= 1; power -= 2) series = series * square + 1.0 / power;
  return 2 * s * series + exponent * 0.69314718055994531;
}

// Top k first, then by index; a NaN score was replaced, so this is a strict order.
bool before(const Scored& a, const Scored& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

float score_or_lowest(float x) noexcept { return std::isnan(x) ? kMinusInfinity : x; }

}  // namespace

void rms_norm(const float* x, size_t stride, size_t rows, size_t columns, const float* weight, float epsilon,
              float* out, size_t out_stride) noexcept {
  const RowsTable& t = table();
  for (size_t r = 0; r < rows; ++r) t.rms_norm(x + r * stride, weight, epsilon, columns, out + r * out_stride);
}

void layer_norm(const float* x, size_t stride, size_t rows, size_t columns, const float* weight, const float* bias,
                float epsilon, float* out, size_t out_stride) noexcept {
  const RowsTable& t = table();
  for (size_t r = 0; r < rows; ++r) t.layer_norm(x + r * stride, weight, bias, epsilon, columns, out + r * out_stride);
}

RopeTable::RopeTable(std::vector<float> inverse_frequencies, float magnitude)
    : pairs_(inverse_frequencies.size()), inverse_frequencies_(std::move(inverse_frequencies)), magnitude_(magnitude) {}

void RopeTable::reserve(size_t positions) {
  const size_t old = size();
  if (positions <= old || pairs_ == 0) return;
  const size_t wanted = std::max(positions, 2 * old);
  cos_.resize(wanted * pairs_);
  sin_.resize(wanted * pairs_);
  for (size_t position = old; position < wanted; ++position) {
    for (size_t i = 0; i < pairs_; ++i) {
      const double angle = static_cast<double>(position) * static_cast<double>(inverse_frequencies_[i]);
      cos_[position * pairs_ + i] = static_cast<float>(std::cos(angle) * static_cast<double>(magnitude_));
      sin_[position * pairs_ + i] = static_cast<float>(std::sin(angle) * static_cast<double>(magnitude_));
    }
  }
}

void rope(float* heads, size_t num_heads, size_t head_dim, size_t dims, RopePairs pairs, const float* cos,
          const float* sin) noexcept {
  const RowsTable& t = table();
  const auto turn = pairs == RopePairs::kHalf ? t.rope_half : t.rope_adjacent;
  for (size_t h = 0; h < num_heads; ++h) turn(heads + h * head_dim, dims / 2, cos, sin);
}

void rope(float* x, size_t stride, size_t rows, size_t num_heads, size_t head_dim, const RopeTable& table,
          RopePairs pairs, size_t first_position) noexcept {
  for (size_t r = 0; r < rows; ++r) {
    const size_t position = first_position + r;
    rope(x + r * stride, num_heads, head_dim, table.dims(), pairs, table.cos(position), table.sin(position));
  }
}

void activate(RowActivation kind, const float* x, size_t n, float* out) noexcept {
  table().activate[static_cast<size_t>(kind)](x, nullptr, n, out);
}
void activate_gated(RowActivation kind, const float* gate, const float* up, size_t n, float* out) noexcept {
  table().activate[static_cast<size_t>(kind)](gate, up, n, out);
}
void add(const float* a, const float* b, size_t n, float* out) noexcept { table().add(a, b, n, out); }
void add_scaled(const float* a, const float* b, float factor, size_t n, float* out) noexcept {
  table().add_scaled(a, b, factor, n, out);
}
void multiply(const float* a, const float* b, size_t n, float* out) noexcept { table().multiply(a, b, n, out); }
void scale(const float* x, float factor, size_t n, float* out) noexcept { table().scale(x, factor, n, out); }
void softcap(const float* x, float cap, size_t n, float* out) noexcept { table().softcap(x, cap, n, out); }
void exp(const float* x, size_t n, float* out) noexcept { table().exp(x, n, out); }
float sum(const float* x, size_t n) noexcept { return table().sum(x, n); }
float max(const float* x, size_t n) noexcept { return table().max(x, n); }

void softmax(const float* x, size_t n, float* out) noexcept {
  const RowsTable& t = table();
  const float total = t.sum_exp(x, t.max(x, n), n, out);
  t.scale(out, 1.0f / total, n, out);
}

float log_sum_exp(const float* x, size_t n) noexcept {
  const RowsTable& t = table();
  const float highest = t.max(x, n);
  if (std::isinf(highest)) return highest;
  return static_cast<float>(static_cast<double>(highest) +
                            natural_log(static_cast<double>(t.sum_exp(x, highest, n, nullptr))));
}

void log_softmax(const float* x, size_t n, float* out) noexcept { table().subtract(x, log_sum_exp(x, n), n, out); }

size_t argmax(const float* x, size_t n) noexcept {
  const RowsTable& t = table();
  // Blocks that stay in the first-level cache, so that the search for the index reads from there.
  constexpr size_t kBlock = 4096;
  float best = kMinusInfinity;
  size_t best_block = 0;
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const float highest = t.max(x + begin, std::min(kBlock, n - begin));
    if (highest > best) best = highest, best_block = begin;
  }
  const size_t size = std::min(kBlock, n - best_block);
  const size_t index = t.find(x + best_block, best, size);
  if (index < size) return best_block + index;
  const size_t anywhere = t.find(x, best, n);  // all are -infinity or NaN
  return anywhere < n ? anywhere : 0;
}

// The k-th largest of the maxima of blocks is a bound that at least k elements reach, and only blocks whose maximum
// reaches it need a second look: one pass over the row, then a few blocks.
void top_k(const float* x, size_t n, size_t k, std::vector<Scored>& out) {
  out.clear();
  k = std::min(k, n);
  if (k == 0) return;
  const RowsTable& t = table();
  const size_t block = k <= 256 ? 256 : 64;
  const size_t blocks = (n + block - 1) / block;
  const auto collect = [&](size_t begin, size_t end, float bound) {
    for (size_t i = begin; i < end; ++i) {
      const float score = score_or_lowest(x[i]);
      if (score >= bound) out.push_back({score, static_cast<uint32_t>(i)});
    }
  };
  if (blocks < 2 * k) {
    collect(0, n, kMinusInfinity);
  } else {
    for (size_t b = 0; b < blocks; ++b) {
      out.push_back({t.max(x + b * block, std::min(block, n - b * block)), static_cast<uint32_t>(b)});
    }
    const std::vector<Scored> maxima(out);
    std::nth_element(out.begin(), out.begin() + static_cast<ptrdiff_t>(k - 1), out.end(), before);
    const float bound = out[k - 1].score;
    out.clear();
    for (const Scored& m : maxima) {
      if (m.score >= bound) collect(m.index * block, std::min(n, (m.index + 1) * block), bound);
    }
  }
  const auto kth = out.begin() + static_cast<ptrdiff_t>(k);
  if (kth != out.end()) std::nth_element(out.begin(), kth, out.end(), before);
  out.resize(k);
  std::sort(out.begin(), out.end(), before);
}

}  // namespace shenbi::kernels
