/* Register tiles of floats, written once for all instruction sets with vectors of floats. Internal.
 *
 * A file that includes this has begun its target and defines
 *
 *   PIXELS                   of a tile: 4, 6, 8 or 12
 *   LANES                    floats of a vector
 *   VECTORS                  of a tile's channels: 2, or 1 for a narrow tile
 *   add_product(a, b, c)     a * b + c of vectors, with one rounding or two
 *
 * A tile is PIXELS by two vectors of channels. For each element k of the filters it takes two loads of weights and
 * for each pixel one broadcast and two multiply-adds, so that with 6 pixels 8 loads serve 12 multiply-adds, and
 * what bounds it is multiplication as long as two loads and two multiply-adds begin in a cycle. The 2 * PIXELS sums
 * in flight cover their latency of 4 cycles. A narrow tile of 8 pixels has 9 loads for 8 multiply-adds, which is
 * more than loads allow by an eighth, but twice as good as a tile half of whose channels are not there. */
#ifndef XL_TILE_F32_H
#define XL_TILE_F32_H

#include <string.h>

#include "bits.h"
#include "isa_f32.h"

enum { CHANNELS = VECTORS * LANES };

/* By the extension that gcc and clang share. */
typedef float vector __attribute__((vector_size(LANES * 4)));
typedef int32_t vector_mask __attribute__((vector_size(LANES * 4)));

XL_INLINE vector vector_of(float x) { return x - (vector){0}; } /* in all lanes; - 0 keeps the sign of -0 */

XL_INLINE vector load(const float *p) {
  vector v;
  memcpy(&v, p, sizeof v);
  return v;
}

XL_INLINE void store_vector(float *p, vector v) { memcpy(p, &v, sizeof v); }

/* a in the lanes where the mask is all ones, b in the others. */
XL_INLINE vector choose(vector_mask mask, vector a, vector b) {
  return (vector)(((vector_mask)a & mask) | ((vector_mask)b & ~mask));
}

/* Sums are variables of their own, not an array, which compilers would leave in memory. */
#define EACH_PIXEL(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define BEGIN(m)                                          \
  vector sum##m##a = vector_of(0), sum##m##b = sum##m##a; \
  const float *row##m = m < pixels ? r->rows[m] + at : NULL;
#define ADD_PRODUCTS(m)                                                \
  if (m < pixels) {                                                    \
    const vector x = vector_of(row##m[k]);                             \
    sum##m##a = add_product(x, weights_a, sum##m##a);                  \
    if (VECTORS > 1) sum##m##b = add_product(x, weights_b, sum##m##b); \
  }
#define NEXT_RUN(m) \
  if (m < pixels) row##m += step;
#define END(m)                                                  \
  if (m < pixels) {                                             \
    float *to = sums + m * CHANNELS;                            \
    store_vector(to, add ? load(to) + sum##m##a : sum##m##a);   \
    if (VECTORS > 1) {                                          \
      to += LANES;                                              \
      store_vector(to, add ? load(to) + sum##m##b : sum##m##b); \
    }                                                           \
  }

XL_INLINE void dot_tile(const xl_rows_f32 *r, ptrdiff_t at, int32_t lines, int32_t n, const float *filters,
                        int32_t add, float *sums, const int pixels) {
  const ptrdiff_t to_line = r->line_step - (r->runs - 1) * r->run_step; /* from the last run of the line before */
  EACH_PIXEL(BEGIN)
  for (; lines > 0; --lines) {
    for (int32_t runs = r->runs; runs > 0; --runs) {
      const ptrdiff_t step = runs > 1 ? r->run_step : to_line;
      for (ptrdiff_t k = 0; k < n; ++k, filters += CHANNELS) {
        const vector weights_a = load(filters), weights_b = VECTORS > 1 ? load(filters + LANES) : weights_a;
        EACH_PIXEL(ADD_PRODUCTS)
      }
      EACH_PIXEL(NEXT_RUN)
    }
  }
  EACH_PIXEL(END)
}

/* One function a shape of tile, and not a part of any other, so that its sums stay in registers. */
typedef void (*dot_fn)(const xl_rows_f32 *r, ptrdiff_t at, int32_t lines, int32_t n, const float *filters,
                       int32_t add, float *sums);
#define SHAPE(pixels)                                                                                              \
  static __attribute__((noinline)) void dot_##pixels(const xl_rows_f32 *r, ptrdiff_t at, int32_t lines, int32_t n, \
                                                     const float *filters, int32_t add, float *sums) {             \
    dot_tile(r, at, lines, n, filters, add, sums, pixels);                                                         \
  }
SHAPE(1) SHAPE(2) SHAPE(3) SHAPE(4)
#if PIXELS == 4
static const dot_fn DOTS[PIXELS] = {dot_1, dot_2, dot_3, dot_4};
#else
SHAPE(5) SHAPE(6)
#if PIXELS == 6
static const dot_fn DOTS[PIXELS] = {dot_1, dot_2, dot_3, dot_4, dot_5, dot_6};
#else
SHAPE(7) SHAPE(8)
#if PIXELS == 8
static const dot_fn DOTS[PIXELS] = {dot_1, dot_2, dot_3, dot_4, dot_5, dot_6, dot_7, dot_8};
#else
SHAPE(9) SHAPE(10) SHAPE(11) SHAPE(12)
static const dot_fn DOTS[PIXELS] = {dot_1, dot_2, dot_3, dot_4,  dot_5,  dot_6,
                                    dot_7, dot_8, dot_9, dot_10, dot_11, dot_12};
#endif
#endif
#endif

static void dot(const xl_rows_f32 *rows, ptrdiff_t at, int32_t lines, int32_t n, int32_t pixels,
                const float *filters, int32_t add, float *sums) {
  DOTS[pixels - 1](rows, at, lines, n, filters, add, sums);
}

/* As xl_relu. */
XL_INLINE vector relu(const xl_activation *a, vector x) {
  const vector threshold = vector_of(a->threshold), most = vector_of(a->max_value);
  const vector below = vector_of(a->alpha) * (x - threshold);
  return choose(x >= most, most, choose(x >= threshold, x, below));
}

/* The activation that nearly every network has is computed while the values are in registers. */
static void store(const float *sums, int32_t pixels, const float *scale, const float *bias,
                  const xl_activation *activation, float *out, ptrdiff_t step) {
  const int is_relu = activation->apply == xl_relu;
  for (; pixels > 0; --pixels, sums += CHANNELS, out += step) {
    for (int i = 0; i < CHANNELS; i += LANES) {
      vector y = load(sums + i);
      if (scale != NULL) y = y * load(scale + i);
      if (bias != NULL) y = y + load(bias + i);
      store_vector(out + i, is_relu ? relu(activation, y) : y);
    }
    if (!is_relu && activation->apply != NULL) activation->apply(activation, out, out, CHANNELS);
  }
}

/* All ones in the lanes from `first` on whose bit is set. */
XL_INLINE vector_mask lanes_of(uint32_t bits, int first) {
  vector_mask lane_bits;
  memcpy(&lane_bits, xl_lane_bit + first, sizeof lane_bits);
  return (((int32_t)bits - (vector_mask){0}) & lane_bits) != 0;
}

/* Per vector an and, a comparison, and two operations that set the sign of 1; two more where weights can be 0. The
 * compiler makes nothing as short of one lane after the other. */
static void unpack(const uint32_t *signs, const uint32_t *zeros, int32_t stride, int32_t n, float *to) {
  for (int32_t k = 0; k < n; ++k, signs += stride) {
    for (int c = 0; c < CHANNELS; c += LANES, to += LANES) {
      const vector_mask one = (vector_mask)vector_of(1), flips = lanes_of(*signs, c) & INT32_MIN;
      vector_mask weights = one ^ flips;
      if (zeros != NULL) weights &= ~lanes_of(zeros[k * (ptrdiff_t)stride], c);
      store_vector(to, (vector)weights);
    }
  }
}

#endif
