// exp, tanh, sigmoid and the normal distribution on sixteen lanes: polynomials, so that every instruction set computes
// the same bits. Included after one of the lanes_*.h. The coefficients are least-squares fits at Chebyshev points,
// reweighted towards equal errors (Lawson), rounded to f32; "fit" below is the error of the polynomial before f32
// arithmetic.

namespace {

// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2, exp(r) = 1 + r + r^2 q(r); fit 3e-9.
// Below -86.64 the result is 0 (it would be under 2^-125), above 88.72 infinity; NaN stays NaN.
SHENBI_INLINE Lanes exp(Lanes x) {
  const Lanes lowest = broadcast(-86.64f), highest = broadcast(88.72284f);
  const Lanes shift = broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const Lanes clamped = min(highest, max(lowest, x));
  const Lanes shifted = fma(clamped, broadcast(1.44269504f), shift);
  const Lanes n = shifted - shift;
  // ln 2 in two parts, the first with 10 trailing zero bits so that n * part is exact.
  const Lanes r = fma(n, broadcast(2.12194440e-4f), fma(n, broadcast(-0.693359375f), clamped));
  Lanes q = fma(r, broadcast(0.0013950594f), broadcast(0.008368954f));
  q = fma(q, r, broadcast(0.041666206f));
  q = fma(q, r, broadcast(0.16666518f));
  q = fma(q, r, broadcast(0.5f));
  const Lanes p = fma(r * r, q, r) + broadcast(1.0f);
  // 2^(n - 1), then times 2: n reaches 128, one more than an exponent can say.
  const Lanes value = p * power_of_two(shifted, -1) * broadcast(2.0f);
  return select(highest < x, broadcast(__builtin_inff()), select(x < lowest, zero(), value));
}

// |x| < 0.625: x + x^3 t(x^2), fit 4e-9; else 1 - 2 / (exp(2|x|) + 1), which is 1 from |x| = 9.02 on.
SHENBI_INLINE Lanes tanh(Lanes x) {
  const Lanes magnitude = abs(x), square = x * x;
  Lanes t = fma(square, broadcast(-0.005717011f), broadcast(0.020650554f));
  t = fma(t, square, broadcast(-0.053743485f));
  t = fma(t, square, broadcast(0.13331491f));
  t = fma(t, square, broadcast(-0.33333284f));
  const Lanes near = fma(x * square, t, x);
  const Lanes far = broadcast(1.0f) - broadcast(2.0f) / (exp(magnitude + magnitude) + broadcast(1.0f));
  return select(magnitude < broadcast(0.625f), near, copy_sign(far, x));
}

SHENBI_INLINE Lanes sigmoid(Lanes x) { return broadcast(1.0f) / (broadcast(1.0f) + exp(negate(x))); }

// P(Z <= x) of the standard normal distribution = (1 + erf(x / sqrt 2)) / 2. For z = |x| the tail is exp(-z^2 / 2)
// R(t), t = 1 / (1 + 0.35 z), R of degree 9 for z <= 13.5; fit 2.6e-8. From 13.2 on the tail is 0.
SHENBI_INLINE Lanes normal_cdf(Lanes x) {
  const Lanes z = min(broadcast(14.0f), abs(x)), square = z * z;
  const Lanes t = broadcast(1.0f) / fma(z, broadcast(0.35f), broadcast(1.0f));
  Lanes r = fma(t, broadcast(-0.027793692f), broadcast(0.13693419f));
  r = fma(r, t, broadcast(-0.23994565f));
  r = fma(r, t, broadcast(0.1392677f));
  r = fma(r, t, broadcast(-0.007555028f));
  r = fma(r, t, broadcast(0.09773108f));
  r = fma(r, t, broadcast(0.12231293f));
  r = fma(r, t, broadcast(0.13937679f));
  r = fma(r, t, broadcast(0.13967408f));
  r = fma(r, t, broadcast(-2.4178373e-06f));
  // z^2 loses its last bits, which exp would amplify in the tail: put them back to first order.
  const Lanes lost = fma(z, z, negate(square));
  const Lanes gauss = exp(broadcast(-0.5f) * square);
  const Lanes tail = r * fma(gauss * lost, broadcast(-0.5f), gauss);
  return select(x < zero(), tail, broadcast(1.0f) - tail);
}

}  // namespace
