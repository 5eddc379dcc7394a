#pragma once
// Row-wise kernels: everything of a layer that is not a matrix product or attention. Raw pointers, noexcept,
// single-threaded: callers give each lane its rows. `out` may be the input itself; other overlap is not allowed. No
// alignment is needed.
//
// Truth: each result is the same, bit for bit, on every instruction set. Sums over a row run in 64 interleaved partial
// sums (element i into partial i % 64 with fma or add, ascending), which are added by a fixed tree; exp, tanh, erf and
// log are our own (kernels/isa/math.inl), so they do not depend on the C library either. Largest errors, which
// rows_test.cpp holds against double: exp 1.2 ulp; silu, sigmoid, tanh 3 ulp; gelu by erf 1e-6 relative; gelu by tanh
// 6e-7 absolute below 10.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace shenbi::kernels {

// --- norms: `rows` rows of `columns`, `stride` floats apart; for per-head norms a row is a head ---

/// out = x / sqrt(mean(x^2) + epsilon) * weight; weight [columns] or null.
void rms_norm(const float* x, size_t stride, size_t rows, size_t columns, const float* weight, float epsilon,
              float* out, size_t out_stride) noexcept;
/// out = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * weight + bias; weight, bias [columns] or null.
void layer_norm(const float* x, size_t stride, size_t rows, size_t columns, const float* weight, const float* bias,
                float epsilon, float* out, size_t out_stride) noexcept;

// --- rotary positions ---

enum class RopePairs : uint8_t {
  kHalf,      ///< (i, i + dims / 2)
  kAdjacent,  ///< (2i, 2i + 1)
};

/// cos and sin of position * frequency times `magnitude`, for positions 0 .. size() - 1: computed in double, rounded to
/// f32. reserve() is not thread-safe (call it before the thread region); the rest is.
class RopeTable {
 public:
  RopeTable() = default;
  RopeTable(std::vector<float> inverse_frequencies, float magnitude);

  /// Makes positions [0, positions) available; never shrinks, grows by doubling.
  void reserve(size_t positions);
  size_t size() const noexcept { return pairs_ == 0 ? 0 : cos_.size() / pairs_; }
  size_t dims() const noexcept { return 2 * pairs_; }
  const float* cos(size_t position) const noexcept { return cos_.data() + position * pairs_; }  ///< [dims() / 2]
  const float* sin(size_t position) const noexcept { return sin_.data() + position * pairs_; }  ///< [dims() / 2]

 private:
  size_t pairs_ = 0;
  std::vector<float> inverse_frequencies_;
  float magnitude_ = 1.0f;
  std::vector<float> cos_, sin_;
};

/// Turns, in place, the leading dims() dims of each head of one token: (a, b) -> (a cos - b sin, b cos + a sin), where
/// the product with sin is rounded first: fma(a, cos, -(b sin)), fma(b, cos, a sin). cos, sin [dims / 2], dims <=
/// head_dim.
void rope(float* heads, size_t num_heads, size_t head_dim, size_t dims, RopePairs pairs, const float* cos,
          const float* sin) noexcept;
/// The same for `rows` tokens `stride` floats apart at positions first_position, first_position + 1, ... (<
/// table.size()).
void rope(float* x, size_t stride, size_t rows, size_t num_heads, size_t head_dim, const RopeTable& table,
          RopePairs pairs, size_t first_position) noexcept;

// --- element-wise ---

enum class RowActivation : uint8_t { kSilu, kGeluErf, kGeluTanh, kRelu, kReluSquared, kSigmoid, kTanh };

void activate(RowActivation kind, const float* x, size_t n, float* out) noexcept;
/// out = act(gate) * up
void activate_gated(RowActivation kind, const float* gate, const float* up, size_t n, float* out) noexcept;
void add(const float* a, const float* b, size_t n, float* out) noexcept;
/// out = fma(b, factor, a)
void add_scaled(const float* a, const float* b, float factor, size_t n, float* out) noexcept;
void multiply(const float* a, const float* b, size_t n, float* out) noexcept;
void scale(const float* x, float factor, size_t n, float* out) noexcept;
/// out = cap * tanh(x / cap), cap > 0
void softcap(const float* x, float cap, size_t n, float* out) noexcept;
void exp(const float* x, size_t n, float* out) noexcept;

// --- over one row; n >= 1 ---

float sum(const float* x, size_t n) noexcept;
/// NaN elements are passed over; -infinity if nothing is left.
float max(const float* x, size_t n) noexcept;
/// exp(x - max) / sum. -infinity elements give 0.
void softmax(const float* x, size_t n, float* out) noexcept;
/// log(sum(exp(x))), without overflow.
float log_sum_exp(const float* x, size_t n) noexcept;
void log_softmax(const float* x, size_t n, float* out) noexcept;
/// Index of the largest element, the lowest of equals; NaN elements are passed over (0 if nothing is left).
size_t argmax(const float* x, size_t n) noexcept;

struct Scored {
  float score = 0;
  uint32_t index = 0;
};
/// The min(k, n) largest elements, largest first, the lower index first among equals; NaN counts as -infinity. `out`
/// holds the result after the call (its capacity is scratch and is kept between calls). n < 2^32. May allocate, so not
/// noexcept.
void top_k(const float* x, size_t n, size_t k, std::vector<Scored>& out);

}  // namespace shenbi::kernels
