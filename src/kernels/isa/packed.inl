// The products of packed_layout.h, written once over the vector operations of an instruction set. The including file
// opens its own namespace and defines before:
//
//   Bytes   64 codes, [16 rows][4 columns]     Ints, Floats   one number a row
//   constants  kSixteenfold  a code may stand 16 times too large (the high nibble where it lies); dots are shifted back
//              kSignedBytes  eight-bit codes are multiplied as signed numbers, so their dots need no offset
//              kStripPanels, kTileTokens, kTileTokensTwoScales     register tile of many tokens
//              kFloatSums, kFloatTokens   the same for float weights: registers of 16 sums, tokens (at most 6)
//              kDotSteps                  steps of four columns that a register tile takes at once
//   dot4<kBits>(acc, codes[4], x)  adds the products of four steps with x[0..15]; dot_steps the same for kDotSteps
//   load_packed(p, ahead)  loads a line of packed weights once and where it is written, and fetches the line `ahead` bytes
//                          on. Left alone, compilers load a line again for each use and headers in any order, and a core
//                          whose own prefetcher is weak then reads at half the bandwidth (docs/kernels.md).
//   and the small operations used below.
//
// Arithmetic: isa/packed_scalar.cpp is the truth; every function here keeps its order of operations. Vectors are 16 rows
// (or 16 activations) whatever the width of a register.

#define ALWAYS_INLINE static inline __attribute__((always_inline))

// ---------------------------------------------------------------- types: from a unit to codes and terms

// Every type has: kUnitGroups groups of 32 columns a unit, kBits and kZero (what a stored code is larger by), kScales
// and kMinima; a Unit that open() fills from the header; terms() and codes() of one of its groups.

// Codes [8 steps] of 256 bytes of nibbles, the fifth bits in front if kFifth.
template <bool kFifth>
ALWAYS_INLINE void nibble_codes(const uint8_t* p, size_t ahead, Bytes* u) {
  Bytes fifth;
  if constexpr (kFifth) {
    fifth = load_packed(p, ahead);
    p += 64;
  }
  Bytes v[4];
  for (int j = 0; j < 4; ++j) {
    v[j] = load_packed(p + 64 * j, ahead);
    u[j] = and8(v[j], 0x0F);
    if constexpr (kFifth || !kSixteenfold) {
      u[4 + j] = and8(shift_right<4>(v[j]), 0x0F);
    } else {
      u[4 + j] = and8(v[j], 0xF0);
    }
  }
  if constexpr (kFifth) {
    u[0] = merge(shift_left<4>(fifth), 0x10, u[0]);
    u[1] = merge(shift_left<3>(fifth), 0x10, u[1]);
    u[2] = merge(shift_left<2>(fifth), 0x10, u[2]);
    u[3] = merge(shift_left<1>(fifth), 0x10, u[3]);
    u[4] = merge(fifth, 0x10, u[4]);
    u[5] = merge(shift_right<1>(fifth), 0x10, u[5]);
    u[6] = merge(shift_right<2>(fifth), 0x10, u[6]);
    u[7] = merge(shift_right<3>(fifth), 0x10, u[7]);
  }
}

struct TypeQ8_0 {
  static constexpr int kUnitGroups = 2, kBits = 8, kZero = 128, kScales = 1, kMinima = 0;
  static constexpr bool kHighSixteenfold = false;
  static constexpr size_t kUnitBytes = packed_unit(PackedLayout::kQ8_0).bytes;
  struct Unit {
    const uint8_t* p;
    size_t ahead;
  };
  ALWAYS_INLINE void open(const uint8_t* p, size_t ahead, Unit& unit) { unit = {p, ahead}; }
  ALWAYS_INLINE void terms(const Unit& unit, int g, Floats* s, Floats*) { s[0] = floats_from_f16(unit.p + 32 * g); }
  ALWAYS_INLINE void codes(const Unit& unit, int g, Bytes* u) {
    for (int j = 0; j < 8; ++j) u[j] = load_packed(unit.p + 64 + 512 * g + 64 * j, unit.ahead);
  }
};

template <bool kFifth>
struct TypeQ45_0 {
  static constexpr int kUnitGroups = 2, kBits = kFifth ? 5 : 4, kZero = kFifth ? 16 : 8, kScales = 1, kMinima = 0;
  static constexpr bool kHighSixteenfold = kSixteenfold && !kFifth;
  static constexpr size_t kUnitBytes = packed_unit(kFifth ? PackedLayout::kQ5_0 : PackedLayout::kQ4_0).bytes;
  struct Unit {
    const uint8_t* p;
    size_t ahead;
  };
  ALWAYS_INLINE void open(const uint8_t* p, size_t ahead, Unit& unit) { unit = {p, ahead}; }
  ALWAYS_INLINE void terms(const Unit& unit, int g, Floats* s, Floats*) { s[0] = floats_from_f16(unit.p + 32 * g); }
  ALWAYS_INLINE void codes(const Unit& unit, int g, Bytes* u) {
    nibble_codes<kFifth>(unit.p + 64 + (kFifth ? 320 : 256) * g, unit.ahead, u);
  }
};

template <bool kFifth>
struct TypeQ45_K {
  static constexpr int kUnitGroups = 8, kBits = kFifth ? 5 : 4, kZero = 0, kScales = 1, kMinima = 1;
  static constexpr bool kHighSixteenfold = kSixteenfold && !kFifth;
  static constexpr size_t kUnitBytes = packed_unit(kFifth ? PackedLayout::kQ5K : PackedLayout::kQ4K).bytes;
  struct Unit {
    const uint8_t* p;
    size_t ahead;
    alignas(64) float scale[8][16];
    alignas(64) float min[8][16];  // negated
  };
  ALWAYS_INLINE void open(const uint8_t* p, size_t ahead, Unit& unit) {
    unit.p = p;
    unit.ahead = ahead;
    const Bytes low[2] = {load_packed(p, ahead), load_packed(p + 64, ahead)}, high = load_packed(p + 128, ahead);
    const Bytes halves = load_packed(p + 192, ahead);
    const Floats d = floats_from_f16(halves, 0), minus_dmin = negate(floats_from_f16(halves, 1));
    alignas(64) uint8_t scale[128], min[128];
    store_bytes(scale, merge(shift_left<4>(high), 0x30, and8(low[0], 0x0F)));
    store_bytes(scale + 64, merge(high, 0x30, and8(low[1], 0x0F)));
    store_bytes(min, merge(shift_left<2>(high), 0x30, and8(shift_right<4>(low[0]), 0x0F)));
    store_bytes(min + 64, merge(shift_right<2>(high), 0x30, and8(shift_right<4>(low[1]), 0x0F)));
    for (int g = 0; g < 8; ++g) {
      store_floats(unit.scale[g], mul(d, floats_from_u8(scale + 16 * g)));
      store_floats(unit.min[g], mul(minus_dmin, floats_from_u8(min + 16 * g)));
    }
  }
  ALWAYS_INLINE void terms(const Unit& unit, int g, Floats* s, Floats* m) {
    s[0] = load_floats(unit.scale[g]);
    m[0] = load_floats(unit.min[g]);
  }
  ALWAYS_INLINE void codes(const Unit& unit, int g, Bytes* u) {
    nibble_codes<kFifth>(unit.p + 256 + (kFifth ? 320 : 256) * g, unit.ahead, u);
  }
};

struct TypeQ6_K {
  static constexpr int kUnitGroups = 8, kBits = 6, kZero = 32, kScales = 2, kMinima = 0;
  static constexpr bool kHighSixteenfold = false;
  static constexpr size_t kUnitBytes = packed_unit(PackedLayout::kQ6K).bytes;
  struct Unit {
    const uint8_t* p;
    size_t ahead;
    Floats d;
  };
  ALWAYS_INLINE void open(const uint8_t* p, size_t ahead, Unit& unit) {
    unit.p = p;
    unit.ahead = ahead;
    unit.d = floats_from_f16(p);
  }
  ALWAYS_INLINE void terms(const Unit& unit, int g, Floats* s, Floats*) {
    const uint8_t* scales = unit.p + 32 + 832 * (g / 2) + 32 * (g % 2);
    s[0] = mul(unit.d, floats_from_i8(scales));
    s[1] = mul(unit.d, floats_from_i8(scales + 16));
  }
  ALWAYS_INLINE void codes(const Unit& unit, int g, Bytes* u) {
    for (int half = 0; half < 2; ++half, u += 4) {
      const uint8_t* p = unit.p + 32 + 832 * (g / 2) + 64 + 384 * (g % 2) + 192 * half;
      const Bytes v0 = load_packed(p, unit.ahead), v1 = load_packed(p + 64, unit.ahead), high = load_packed(p + 128, unit.ahead);
      u[0] = merge(shift_left<4>(high), 0x30, and8(v0, 0x0F));
      u[1] = merge(shift_left<2>(high), 0x30, and8(v1, 0x0F));
      u[2] = merge(high, 0x30, and8(shift_right<4>(v0), 0x0F));
      u[3] = merge(shift_right<2>(high), 0x30, and8(shift_right<4>(v1), 0x0F));
    }
  }
};

template <int kScaleCount, int kMinCount>
struct TypeAffine {
  static constexpr int kUnitGroups = 1, kBits = 8, kZero = 128, kScales = kScaleCount, kMinima = kMinCount;
  static constexpr bool kHighSixteenfold = false;
  static constexpr size_t kUnitBytes = 64 * (kScales + kMinima) + 512;
  struct Unit {
    const uint8_t* p;
    size_t ahead;
  };
  ALWAYS_INLINE void open(const uint8_t* p, size_t ahead, Unit& unit) { unit = {p, ahead}; }
  ALWAYS_INLINE void terms(const Unit& unit, int, Floats* s, Floats* m) {
    const float* header = reinterpret_cast<const float*>(unit.p);
    for (int i = 0; i < kScales; ++i) s[i] = load_floats(header + 16 * i);
    for (int i = 0; i < kMinima; ++i) m[i] = negate(load_floats(header + 16 * (kScales + i)));
  }
  ALWAYS_INLINE void codes(const Unit& unit, int, Bytes* u) {
    for (int j = 0; j < 8; ++j) u[j] = load_packed(unit.p + 64 * (kScales + kMinima) + 64 * j, unit.ahead);
  }
};

// ---------------------------------------------------------------- one group of 32 columns

// Where a dot product starts, given -128 * sum of the activation codes.
template <int kBits, int kZero>
ALWAYS_INLINE int32_t start_of(int32_t offset) {
  if constexpr (kZero == 0 || (kSignedBytes && kBits == 8)) return 0;
  return offset / (128 / (kZero == 0 ? 1 : kZero));
}

// t of isa/packed_scalar.cpp from the two integer dots (sum[0] alone for one scale).
template <int kScales, int kMinima>
ALWAYS_INLINE Floats group_value(const Ints* dot, const Floats* s, const Floats* m, const ActivationGroup& x) {
  Floats t = mul(to_floats(dot[0]), s[0]);
  if constexpr (kScales == 2) t = fma(to_floats(dot[1]), s[1], t);
  if constexpr (kMinima == 1) t = fma(broadcast(x.sum), m[0], t);
  if constexpr (kMinima == 2) {
    t = fma(broadcast(static_cast<float>(x.offset_first_half / -128)), m[0], t);
    t = fma(broadcast(static_cast<float>((x.offset - x.offset_first_half) / -128)), m[1], t);
  }
  return t;
}

// One token, one term, 32 columns of 16 rows. Two independent dots hide the latency of the dot instruction.
template <class T>
ALWAYS_INLINE Floats add_group(const Bytes* u, const Floats* s, const Floats* m, const int8_t* x,
                               const ActivationGroup& group, Floats acc) {
  constexpr int kShift = T::kHighSixteenfold ? 4 : 0;
  Ints dot[2];
  if constexpr (T::kScales == 1) {
    dot[0] = broadcast(start_of<T::kBits, T::kZero>(group.offset));
    dot[1] = zero_ints();
  } else {
    dot[0] = broadcast(start_of<T::kBits, T::kZero>(group.offset_first_half));
    dot[1] = broadcast(start_of<T::kBits, T::kZero>(group.offset - group.offset_first_half));
  }
  dot[0] = dot4<T::kBits>(dot[0], u, x);
  dot[1] = dot4<T::kBits>(dot[1], u + 4, x + 16);
  if constexpr (kShift != 0) dot[1] = shift_right_ints<kShift>(dot[1]);
  if constexpr (T::kScales == 1) dot[0] = add(dot[0], dot[1]);
  return fma(group_value<T::kScales, T::kMinima>(dot, s, m, group), broadcast(group.scale), acc);
}

// ---------------------------------------------------------------- few tokens: unpack in registers

// kTokens tokens x 16 rows over all columns.
template <class T, int kTokens, bool kLow>
static void few_tokens(const PackedView& m, const ActivationView& view, const uint8_t* panel, size_t token, size_t rows,
                       float* out, size_t out_stride) {
  const size_t groups_per_row = view.padded_columns / 32;
  const size_t units = m.panel_bytes / T::kUnitBytes;
  const int8_t* x = view.high + token * view.padded_columns;
  const ActivationGroup* xg = view.high_groups + token * groups_per_row;
  const int8_t* low = kLow ? view.low + token * view.padded_columns : nullptr;
  const ActivationGroup* low_g = kLow ? view.low_groups + token * groups_per_row : nullptr;
  Floats acc[kTokens];
  for (int t = 0; t < kTokens; ++t) acc[t] = zero_floats();
  for (size_t i = 0; i < units; ++i, panel += T::kUnitBytes) {
    typename T::Unit unit;
    T::open(panel, m.read_ahead, unit);
    for (int g = 0; g < T::kUnitGroups; ++g) {
      Bytes u[8];
      Floats s[2], min[2];
      T::terms(unit, g, s, min);
      T::codes(unit, g, u);
      for (int t = 0; t < kTokens; ++t) {
        acc[t] = add_group<T>(u, s, min, x + t * view.padded_columns, xg[t * groups_per_row], acc[t]);
        if constexpr (kLow) {
          acc[t] = add_group<T>(u, s, min, low + t * view.padded_columns, low_g[t * groups_per_row], acc[t]);
        }
      }
      x += 32, ++xg;
      if constexpr (kLow) low += 32, ++low_g;
    }
  }
  for (int t = 0; t < kTokens; ++t) store_rows(out + (token + t) * out_stride, acc[t], rows);
}

// Sweeps blocks of up to four tokens over each panel, which stays in the cache. Blocks of six or eight are slower: the
// unpacked weights and the sums no longer fit the registers.
template <class T, bool kLow>
static void multiply_few(const PackedView& m, const ActivationView& x, size_t row_begin, size_t row_end, float* out,
                         size_t out_stride) {
  const size_t blocks = (x.tokens + kFewTokens - 1) / kFewTokens;
  for (size_t row = row_begin; row < row_end; row += 16) {
    const uint8_t* panel = m.data + row / 16 * m.panel_bytes;
    const size_t rows = row_end - row < 16 ? row_end - row : 16;
    for (size_t b = 0; b < blocks; ++b) {
      const size_t token = x.tokens * b / blocks, end = x.tokens * (b + 1) / blocks;
      switch (end - token) {
        case 1:
          few_tokens<T, 1, kLow>(m, x, panel, token, rows, out + row, out_stride);
          break;
        case 2:
          few_tokens<T, 2, kLow>(m, x, panel, token, rows, out + row, out_stride);
          break;
        case 3:
          few_tokens<T, 3, kLow>(m, x, panel, token, rows, out + row, out_stride);
          break;
        default:
          few_tokens<T, 4, kLow>(m, x, panel, token, rows, out + row, out_stride);
          break;
      }
    }
  }
}

// ---------------------------------------------------------------- many tokens: unpack a strip, then a register tile

// An unpacked strip: for each group of 32 columns, f32 scales [kScales][kStripRows], negated minima
// [kMinima][kStripRows], codes [8 steps][kStripPanels][64]. With a dot instruction for any unsigned byte all types
// become kZero 128 or 0.
constexpr size_t kStripRows = 16 * kStripPanels;

template <class T>
struct Strip {
  static constexpr int kBits = kSignedBytes ? T::kBits : 8;
  static constexpr int kZero = T::kZero == 0 ? 0 : kSignedBytes ? T::kZero : 128;
  static constexpr int kScales = T::kScales, kMinima = T::kMinima;
  static constexpr size_t kHeader = (kScales + kMinima) * kStripRows * sizeof(float);
  static constexpr size_t kGroupBytes = kHeader + 8 * kStripPanels * 64;
};

template <class T>
static void unpack_strip(const uint8_t* panels, size_t panel_bytes, size_t panel_count, size_t units, uint8_t* strip) {
  for (size_t p = 0; p < kStripPanels; ++p) {
    // A missing second panel is the first once more: computed and not stored.
    const uint8_t* from = panels + (p < panel_count ? p : 0) * panel_bytes;
    uint8_t* to = strip;
    for (size_t i = 0; i < units; ++i, from += T::kUnitBytes) {
      typename T::Unit unit;
      T::open(from, 0, unit);
      for (int g = 0; g < T::kUnitGroups; ++g, to += Strip<T>::kGroupBytes) {
        Bytes u[8];
        Floats s[2], m[2];
        T::terms(unit, g, s, m);
        T::codes(unit, g, u);
        float* header = reinterpret_cast<float*>(to) + 16 * p;
        for (int k = 0; k < T::kScales; ++k) store_floats(header + k * kStripRows, s[k]);
        for (int k = 0; k < T::kMinima; ++k) store_floats(header + (T::kScales + k) * kStripRows, m[k]);
        for (int j = 0; j < 8; ++j) {
          if constexpr (T::kHighSixteenfold) {
            if (j >= 4) u[j] = and8(shift_right<4>(u[j]), 0x0F);
          }
          if constexpr (Strip<T>::kZero != T::kZero) u[j] = add8(u[j], Strip<T>::kZero - T::kZero);
          store_bytes(to + Strip<T>::kHeader + (j * kStripPanels + p) * 64, u[j]);
        }
      }
    }
  }
}

// Rows of activations at x, x + stride, ...: three registers address six rows.
template <class P>
ALWAYS_INLINE P row_of(P x0, P x3, ptrdiff_t stride, int t) {
  return t < 3 ? x0 + t * stride : x3 + (t - 3) * stride;
}

// One group and one term of kTokens tokens x the strip's rows.
template <class S, int kTokens>
ALWAYS_INLINE void tile_group(const uint8_t* w, const int8_t* x, ptrdiff_t stride, const ActivationGroup* xg,
                              ptrdiff_t group_stride, Floats (*acc)[kTokens]) {
  const float* header = reinterpret_cast<const float*>(w);
  const uint8_t* codes = w + S::kHeader;
  const int8_t* x3 = x + 3 * stride;
  const ActivationGroup* xg3 = xg + 3 * group_stride;
  Floats value[kStripPanels][kTokens];
#pragma GCC unroll 2
  for (int half = 0; half < S::kScales; ++half) {
    constexpr int kSteps = 8 / S::kScales;
    Ints dot[kStripPanels][kTokens];
    for (int t = 0; t < kTokens; ++t) {
      const ActivationGroup* g = row_of(xg, xg3, group_stride, t);
      const int32_t offset = S::kScales == 1 ? g->offset
                             : half == 0     ? g->offset_first_half
                                             : g->offset - g->offset_first_half;
      for (size_t p = 0; p < kStripPanels; ++p) dot[p][t] = broadcast(start_of<S::kBits, S::kZero>(offset));
    }
    for (int step = half * kSteps; step < (half + 1) * kSteps; step += kDotSteps) {
      Bytes u[kStripPanels][kDotSteps];
      for (int i = 0; i < kDotSteps; ++i) {
        for (size_t p = 0; p < kStripPanels; ++p) u[p][i] = load_bytes(codes + ((step + i) * kStripPanels + p) * 64);
      }
      for (int t = 0; t < kTokens; ++t) {
        const int8_t* xt = row_of(x, x3, stride, t) + 4 * step;
        for (size_t p = 0; p < kStripPanels; ++p) dot[p][t] = dot_steps<S::kBits>(dot[p][t], u[p], xt);
      }
    }
    for (size_t p = 0; p < kStripPanels; ++p) {
      const Floats s = load_floats(header + half * kStripRows + 16 * p);
      for (int t = 0; t < kTokens; ++t) {
        value[p][t] = half == 0 ? mul(to_floats(dot[p][t]), s) : fma(to_floats(dot[p][t]), s, value[p][t]);
      }
    }
  }
  for (int i = 0; i < S::kMinima; ++i) {
    for (size_t p = 0; p < kStripPanels; ++p) {
      const Floats m = load_floats(header + (S::kScales + i) * kStripRows + 16 * p);
      for (int t = 0; t < kTokens; ++t) {
        const ActivationGroup* g = row_of(xg, xg3, group_stride, t);
        const float sum = S::kMinima == 1 ? g->sum
                          : i == 0        ? static_cast<float>(g->offset_first_half / -128)
                                          : static_cast<float>((g->offset - g->offset_first_half) / -128);
        value[p][t] = fma(broadcast(sum), m, value[p][t]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    const Floats scale = broadcast(row_of(xg, xg3, group_stride, t)->scale);
    for (size_t p = 0; p < kStripPanels; ++p) acc[p][t] = fma(value[p][t], scale, acc[p][t]);
  }
}

// What a tile works on.
struct Tile {
  const uint8_t* strip;
  size_t groups, first_group;  // of this strip; its place in the rows of x
  const ActivationView* x;
  size_t token, rows;
  float* out;  // of the strip's first row
  size_t out_stride;
  const uint8_t* next;  // the next strip's packed bytes, fetched into L2 meanwhile
  const uint8_t* next_end;
};

template <class S, int kTokens, bool kLow>
static void tile(Tile& job) {
  const ActivationView& view = *job.x;
  const ptrdiff_t stride = static_cast<ptrdiff_t>(view.padded_columns), group_stride = stride / 32;
  const size_t at = job.token * view.padded_columns + job.first_group * 32;
  const int8_t *x = view.high + at, *low = kLow ? view.low + at : nullptr;
  const ActivationGroup *xg = view.high_groups + at / 32, *low_g = kLow ? view.low_groups + at / 32 : nullptr;
  float* out = job.out + job.token * job.out_stride;
  Floats acc[kStripPanels][kTokens];
  for (size_t p = 0; p < kStripPanels; ++p) {
    const size_t rows = job.rows > 16 * p ? job.rows - 16 * p : 0;
    for (int t = 0; t < kTokens; ++t) {
      // A strip that is not a row's first goes on from what is there.
      acc[p][t] = job.first_group == 0 ? zero_floats() : load_rows(out + t * job.out_stride + 16 * p, rows);
    }
  }
  const uint8_t *w = job.strip, *next = job.next;
  for (size_t g = 0; g < job.groups; ++g, w += S::kGroupBytes) {
    if (next < job.next_end) {
      prefetch_l2(next), prefetch_l2(next + 64), prefetch_l2(next + 128), prefetch_l2(next + 192);
      next += 256;
    }
    tile_group<S, kTokens>(w, x, stride, xg, group_stride, acc);
    x += 32, ++xg;
    if constexpr (kLow) {
      tile_group<S, kTokens>(w, low, stride, low_g, group_stride, acc);
      low += 32, ++low_g;
    }
  }
  job.next = next;
  for (size_t p = 0; p < kStripPanels; ++p) {
    const size_t rows = job.rows > 16 * p ? job.rows - 16 * p : 0;
    for (int t = 0; t < kTokens; ++t) store_rows(out + t * job.out_stride + 16 * p, acc[p][t], rows);
  }
}

template <class S, bool kLow>
static void run_tile(Tile& job, size_t tokens) {
  switch (tokens) {
    case 1:
      return tile<S, 1, kLow>(job);
    case 2:
      return tile<S, 2, kLow>(job);
    case 3:
      if constexpr (kTileTokens >= 3) return tile<S, 3, kLow>(job);
      break;
    case 4:
      if constexpr (kTileTokens >= 4) return tile<S, 4, kLow>(job);
      break;
    case 5:
      if constexpr (kTileTokens >= 5) return tile<S, 5, kLow>(job);
      break;
    default:
      if constexpr (kTileTokens >= 6) return tile<S, 6, kLow>(job);
      break;
  }
}

template <class T, bool kLow>
static void multiply_many(const PackedView& m, const ActivationView& x, size_t row_begin, size_t row_end, float* out,
                          size_t out_stride, uint8_t* scratch) {
  constexpr size_t kUnitsPerStrip = kStripColumns / 32 / T::kUnitGroups;
  constexpr size_t kTokens = T::kScales == 2 ? kTileTokensTwoScales : kTileTokens;
  const size_t units = m.panel_bytes / T::kUnitBytes, blocks = (x.tokens + kTokens - 1) / kTokens;
  for (size_t row = row_begin; row < row_end; row += kStripRows) {
    const size_t rows = row_end - row < kStripRows ? row_end - row : kStripRows;
    const uint8_t* panels = m.data + row / 16 * m.panel_bytes;
    const size_t panel_count = (rows + 15) / 16;
    for (size_t unit = 0; unit < units; unit += kUnitsPerStrip) {
      const size_t count = units - unit < kUnitsPerStrip ? units - unit : kUnitsPerStrip;
      unpack_strip<T>(panels + unit * T::kUnitBytes, m.panel_bytes, panel_count, count, scratch);
      const bool last = row + kStripRows >= row_end;
      const uint8_t* next = panels + kStripPanels * m.panel_bytes;
      Tile job = {scratch,
                  count * T::kUnitGroups,
                  unit * T::kUnitGroups,
                  &x,
                  0,
                  rows,
                  out + row,
                  out_stride,
                  next,
                  last ? next : next + kStripPanels * m.panel_bytes};
      if (unit != 0) job.next = job.next_end;
      for (size_t b = 0; b < blocks; ++b) {
        job.token = x.tokens * b / blocks;
        run_tile<Strip<T>, kLow>(job, x.tokens * (b + 1) / blocks - job.token);
      }
    }
  }
}

template <class T>
static void multiply_type(const PackedView& m, const ActivationView& x, size_t row_begin, size_t row_end, float* out,
                          size_t out_stride, uint8_t* scratch) {
  const bool low = x.low != nullptr;
  if (scratch == nullptr) {
    return low ? multiply_few<T, true>(m, x, row_begin, row_end, out, out_stride)
               : multiply_few<T, false>(m, x, row_begin, row_end, out, out_stride);
  }
  return low ? multiply_many<T, true>(m, x, row_begin, row_end, out, out_stride, scratch)
             : multiply_many<T, false>(m, x, row_begin, row_end, out, out_stride, scratch);
}

// ---------------------------------------------------------------- float weights

// Weights of 16 rows for both columns of a pair. `pair` is the panel's pair, `blocks` its number of blocks of 16 rows.
template <PackedLayout kLayout, int kColumn>
ALWAYS_INLINE Floats float_weights(const uint8_t* pair, size_t blocks, size_t block) {
  if constexpr (kLayout == PackedLayout::kF32) {
    return load_floats(reinterpret_cast<const float*>(pair) + (kColumn * blocks + block) * 16);
  } else if constexpr (kLayout == PackedLayout::kF16) {
    return floats_from_f16(pair + 64 * block + 32 * kColumn);
  } else {
    return floats_from_bf16_pair<kColumn>(pair + 64 * block);
  }
}

struct FloatTile {
  const uint8_t* pairs;  // first pair of columns, at the panel's first row
  size_t blocks, block;  // of the panel; where the tile begins
  size_t pair_count;
  const float* x;  // the tile's first token at the first column
  size_t stride;
  bool first;   // sums begin here, or go on from out
  size_t rows;  // to read and write from the tile's first row on
  float* out;
  size_t out_stride;
};

template <PackedLayout kLayout, int kBlocks, int kTokens>
static void float_tile(const FloatTile& job) {
  Floats acc[kBlocks][kTokens];
  for (int b = 0; b < kBlocks; ++b) {
    const size_t rows = job.rows > size_t(16 * b) ? job.rows - 16 * b : 0;
    for (int t = 0; t < kTokens; ++t) {
      acc[b][t] = job.first ? zero_floats() : load_rows(job.out + t * job.out_stride + 16 * b, rows);
    }
  }
  const size_t pair_bytes = job.blocks * packed_unit(kLayout).bytes;
  const uint8_t* pair = job.pairs;
  const ptrdiff_t stride = static_cast<ptrdiff_t>(job.stride);
  const float *x = job.x, *x3 = job.x + 3 * stride;
  for (size_t i = 0; i < job.pair_count; ++i, pair += pair_bytes, x += 2, x3 += 2) {
    Floats w[kBlocks];
    for (int b = 0; b < kBlocks; ++b) w[b] = float_weights<kLayout, 0>(pair, job.blocks, job.block + b);
    for (int t = 0; t < kTokens; ++t) {
      const Floats value = broadcast(*row_of(x, x3, stride, t));
      for (int b = 0; b < kBlocks; ++b) acc[b][t] = fma(w[b], value, acc[b][t]);
    }
    for (int b = 0; b < kBlocks; ++b) w[b] = float_weights<kLayout, 1>(pair, job.blocks, job.block + b);
    for (int t = 0; t < kTokens; ++t) {
      const Floats value = broadcast(row_of(x, x3, stride, t)[1]);
      for (int b = 0; b < kBlocks; ++b) acc[b][t] = fma(w[b], value, acc[b][t]);
    }
  }
  for (int b = 0; b < kBlocks; ++b) {
    const size_t rows = job.rows > size_t(16 * b) ? job.rows - 16 * b : 0;
    for (int t = 0; t < kTokens; ++t) store_rows(job.out + t * job.out_stride + 16 * b, acc[b][t], rows);
  }
}

template <PackedLayout kLayout, int kTokens>
static void float_blocks(FloatTile job, size_t blocks) {
  // As much of a panel as leaves its sums in registers.
  constexpr int kBlocks = 4 * kTokens <= kFloatSums ? 4 : 2 * kTokens <= kFloatSums ? 2 : 1;
  while (blocks > 0) {
    int done = 1;
    if (kBlocks == 4 && blocks >= 4) {
      float_tile<kLayout, kBlocks == 4 ? 4 : 1, kTokens>(job), done = 4;
    } else if (kBlocks >= 2 && blocks >= 2) {
      float_tile<kLayout, kBlocks >= 2 ? 2 : 1, kTokens>(job), done = 2;
    } else {
      float_tile<kLayout, 1, kTokens>(job);
    }
    blocks -= done, job.block += done, job.out += 16 * done;
    job.rows = job.rows > size_t(16 * done) ? job.rows - 16 * done : 0;
  }
}

template <PackedLayout kLayout>
static void multiply_floats(const PackedView& m, const ActivationView& x, size_t row_begin, size_t row_end, float* out,
                            size_t out_stride) {
  // A part of a panel that stays in L2 while all tokens pass; sums wait in `out` in between, which loses nothing.
  constexpr size_t kPartBytes = size_t{256} << 10;
  const size_t pairs = (m.columns + 1) / 2, token_blocks = (x.tokens + kFloatTokens - 1) / kFloatTokens;
  for (size_t row = row_begin; row < row_end;) {
    const size_t first = row / kFloatPanelRows * kFloatPanelRows;
    const size_t panel_end = first + kFloatPanelRows < m.rows ? first + kFloatPanelRows : m.rows;
    const size_t end = panel_end < row_end ? panel_end : row_end, blocks = (panel_end - first + 15) / 16;
    const size_t pair_bytes = blocks * packed_unit(kLayout).bytes;
    const size_t part = token_blocks == 1 ? pairs : kPartBytes / pair_bytes;
    for (size_t pair = 0; pair < pairs; pair += part) {
      const size_t count = pairs - pair < part ? pairs - pair : part;
      for (size_t b = 0; b < token_blocks; ++b) {
        const size_t token = x.tokens * b / token_blocks, tokens = x.tokens * (b + 1) / token_blocks - token;
        const FloatTile job = {m.data + first / 16 * m.panel_bytes + pair * pair_bytes,
                               blocks,
                               (row - first) / 16,
                               count,
                               x.f32 + token * x.padded_columns + 2 * pair,
                               x.padded_columns,
                               pair == 0,
                               end - row,
                               out + token * out_stride + row,
                               out_stride};
        const size_t own_blocks = (end - row + 15) / 16;
        switch (tokens) {
          case 1:
            float_blocks<kLayout, 1>(job, own_blocks);
            break;
          case 2:
            float_blocks<kLayout, 2>(job, own_blocks);
            break;
          case 3:
            float_blocks<kLayout, 3>(job, own_blocks);
            break;
          case 4:
            float_blocks<kLayout, 4>(job, own_blocks);
            break;
          case 5:
            float_blocks<kLayout, 5>(job, own_blocks);
            break;
          default:
            float_blocks<kLayout, 6>(job, own_blocks);
            break;
        }
      }
    }
    row = end;
  }
}

// ---------------------------------------------------------------- activations

ALWAYS_INLINE void quantize_group(const float* x, int8_t* high, ActivationGroup* high_group, int8_t* low,
                                  ActivationGroup* low_group) {
  Floats v[2] = {load_floats(x), load_floats(x + 16)};
  const uint32_t bits = largest_bits(v[0], v[1]);
  float amax;
  memcpy(&amax, &bits, 4);
  float scale = amax / 127.0f, inverse = 127.0f / amax;
  if (bits >= 0x7F800000u) {
    v[0] = v[1] = zero_floats();
    scale = __builtin_nanf(""), inverse = 0;
  }
  if (amax < kSmallestAmax) scale = inverse = 0;
  int32_t sum[2], low_sum[2];
  for (int i = 0; i < 2; ++i) {
    const Floats y = mul(v[i], broadcast(inverse));
    const Ints codes = round_to_ints(y);
    store_codes(high + 16 * i, codes);
    sum[i] = total(codes);
    if (low == nullptr) continue;
    const Ints rest = round_to_ints(mul(sub(y, to_floats(codes)), broadcast(254.0f)));
    store_codes(low + 16 * i, rest);
    low_sum[i] = total(rest);
  }
  *high_group = {scale, static_cast<float>(sum[0] + sum[1]), -128 * (sum[0] + sum[1]), -128 * sum[0]};
  if (low == nullptr) return;
  *low_group = {scale / 254.0f, static_cast<float>(low_sum[0] + low_sum[1]), -128 * (low_sum[0] + low_sum[1]),
                -128 * low_sum[0]};
}

static void quantize(const float* x, size_t columns, size_t padded_columns, int8_t* high, ActivationGroup* high_groups,
                     int8_t* low, ActivationGroup* low_groups) {
  for (size_t k = 0, g = 0; k < padded_columns; k += 32, ++g) {
    int8_t* low_at = low == nullptr ? nullptr : low + k;
    if (k + 32 <= columns) {
      quantize_group(x + k, high + k, high_groups + g, low_at, low_groups + g);
    } else {
      float padded[32] = {};
      if (k < columns) memcpy(padded, x + k, (columns - k) * sizeof(float));
      quantize_group(padded, high + k, high_groups + g, low_at, low_groups + g);
    }
  }
}

// ---------------------------------------------------------------- the table

static void multiply(const PackedView* m, const ActivationView* x, size_t begin, size_t end, float* out, size_t stride,
                     uint8_t* scratch) {
  switch (m->layout) {
    case PackedLayout::kF32:
      return multiply_floats<PackedLayout::kF32>(*m, *x, begin, end, out, stride);
    case PackedLayout::kF16:
      return multiply_floats<PackedLayout::kF16>(*m, *x, begin, end, out, stride);
    case PackedLayout::kBf16:
      return multiply_floats<PackedLayout::kBf16>(*m, *x, begin, end, out, stride);
    case PackedLayout::kQ8_0:
      return multiply_type<TypeQ8_0>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kQ5_0:
      return multiply_type<TypeQ45_0<true>>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kQ4_0:
      return multiply_type<TypeQ45_0<false>>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kQ4K:
      return multiply_type<TypeQ45_K<false>>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kQ5K:
      return multiply_type<TypeQ45_K<true>>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kQ6K:
      return multiply_type<TypeQ6_K>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kAffine32:
      return multiply_type<TypeAffine<1, 0>>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kAffine32Min:
      return multiply_type<TypeAffine<1, 1>>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kAffine16:
      return multiply_type<TypeAffine<2, 0>>(*m, *x, begin, end, out, stride, scratch);
    case PackedLayout::kAffine16Min:
      return multiply_type<TypeAffine<2, 2>>(*m, *x, begin, end, out, stride, scratch);
  }
}

static uint64_t read(const uint8_t* p, size_t bytes) {
  Ints sum[4];
  for (int j = 0; j < 4; ++j) sum[j] = zero_ints();
  for (size_t i = 0; i < bytes; i += 512) {
    for (int j = 0; j < 8; ++j) sum[j % 4] = add(sum[j % 4], load_bytes(p + i + 64 * j));
  }
  alignas(64) uint8_t out[64];
  store_bytes(out, add(add(sum[0], sum[1]), add(sum[2], sum[3])));
  return out[0];
}

static uint64_t dots(size_t rounds) {
  alignas(64) uint8_t bytes[64] = {1};
  int8_t x[16] = {1};
  // Different beginnings: equal sums would be computed once.
  Ints a = broadcast(1), b = broadcast(2), c = broadcast(3), d = broadcast(4), e = broadcast(5), f = broadcast(6);
  Ints g = broadcast(7), h = broadcast(8), i = broadcast(9), j = broadcast(10), k = broadcast(11), l = broadcast(12);
  Bytes u[4];
  for (int n = 0; n < 4; ++n) u[n] = load_bytes(bytes);
  for (size_t r = 0; r < rounds; ++r) {
    __asm__ volatile("" : : "r"(x) : "memory");
    a = dot_steps<4>(a, u, x), b = dot_steps<4>(b, u, x), c = dot_steps<4>(c, u, x), d = dot_steps<4>(d, u, x);
    e = dot_steps<4>(e, u, x), f = dot_steps<4>(f, u, x), g = dot_steps<4>(g, u, x), h = dot_steps<4>(h, u, x);
    i = dot_steps<4>(i, u, x), j = dot_steps<4>(j, u, x), k = dot_steps<4>(k, u, x), l = dot_steps<4>(l, u, x);
  }
  store_bytes(bytes, add(add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h))), add(add(i, j), add(k, l))));
  __asm__ volatile("" : : "r"(bytes) : "memory");
  return rounds * 12 * kDotSteps * 64 * 2;
}
