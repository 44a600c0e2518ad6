#include "integers.h"

#include <string.h>

#if defined(__ARM_FEATURE_SIMD32) && !defined(__ARM_NEON)
#include <arm_acle.h>
#endif

#define WIDEN(letter, type)                                                                                   \
  void xl_widen_##letter(const xl_numbers *x, ptrdiff_t pixel, int32_t first, ptrdiff_t n, int16_t *out) {     \
    const type *from = (const type *)x->data + pixel * x->channels + first;                                   \
    const int32_t multiplier = x->multiplier, zero_point = x->zero_point;                                     \
    if (multiplier == 1) {                                                                                    \
      for (ptrdiff_t i = 0; i < n; ++i) out[i] = (int16_t)(from[i] - zero_point);                             \
    } else {                                                                                                  \
      for (ptrdiff_t i = 0; i < n; ++i) out[i] = (int16_t)(multiplier * from[i] - zero_point);                \
    }                                                                                                         \
  }                                                                                                           \
  typedef int widen_##letter##_takes_a_semicolon

WIDEN(u8, uint8_t);
WIDEN(i8, int8_t);

void xl_widen_line(const xl_conv2d_params *p, xl_widen widen, const xl_numbers *x, int32_t n, int32_t y, int32_t columns,
                   int16_t *out) {
  const xl_window *win = &p->window;
  const ptrdiff_t channels = x->channels;
  const int16_t outside = (int16_t)p->pad_value;
  int32_t left = xl_min32(win->pad_left, columns), inside = xl_min32(columns - left, win->in_w);
  if (y < 0 || y >= win->in_h) left = inside = 0;
  xl_fill_i16(out, outside, left * channels);
  if (inside > 0) {
    widen(x, ((ptrdiff_t)n * win->in_h + y) * win->in_w, 0, inside * channels, out + left * channels);
  }
  xl_fill_i16(out + (left + inside) * channels, outside, (columns - left - inside) * channels);
}

/* The signs of `n` bits, 1 - 2 * bit: a constant number vectorises. */
XL_INLINE void signs_of(uint32_t word, int32_t n, int16_t *out) {
  for (int32_t i = 0; i < n; ++i) out[i] = word & xl_lane_bit[i] ? -1 : 1;
}

void xl_widen_b(const xl_numbers *x, ptrdiff_t pixel, int32_t first, ptrdiff_t n, int16_t *out) {
  const uint32_t *row = (const uint32_t *)x->data + pixel * xl_words(x->channels);
  for (; n >= XL_WORD_BITS; n -= XL_WORD_BITS, first += XL_WORD_BITS, out += XL_WORD_BITS) {
    signs_of(xl_bits_at(row, first, XL_WORD_BITS), XL_WORD_BITS, out);
  }
  if (n > 0) signs_of(xl_bits_at(row, first, (int32_t)n), (int32_t)n, out);
}

void xl_weigh_i8(const xl_weights *w, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n, int16_t *out) {
  const int8_t *from = (const int8_t *)w->rows + row * w->k + at;
  for (ptrdiff_t i = 0; i < n; ++i) out[i] = from[i];
}

void xl_weigh_b(const xl_weights *w, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n, int16_t *out) {
  const ptrdiff_t word = row * xl_words(w->k) + at / XL_WORD_BITS;
  const uint32_t *bits = (const uint32_t *)w->rows + word;
  for (ptrdiff_t i = 0; i < xl_words(n); ++i) signs_of(bits[i], XL_WORD_BITS, out + i * XL_WORD_BITS);
  if (w->zeros == NULL) return;
  for (ptrdiff_t i = 0; i < n; ++i) {
    if (w->zeros[word + i / XL_WORD_BITS] & xl_lane_bit[i % XL_WORD_BITS]) out[i] = 0;
  }
}

#if defined(__ARM_FEATURE_SIMD32) && !defined(__ARM_NEON)
/* ARMv6 and Cortex-M4: SMLAD adds two products to a sum, so that two elements cost a load and an SMLAD a filter. */
XL_INLINE int16x2_t pair_at(const int16_t *p) {
  int16x2_t pair;
  memcpy(&pair, p, sizeof pair);
  return pair;
}

void xl_dot_tile_i16(const int16_t *x, const int16_t tile[XL_TILE_I16][XL_CHUNK_I16], ptrdiff_t n, int32_t *sums) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  const int16_t *w = tile[0];
  for (ptrdiff_t i = 0; i < n; i += 4, x += 4, w += 4) { /* rows are filled with zeros */
    const int16x2_t a = pair_at(x), b = pair_at(x + 2);
    s0 = __smlad(pair_at(w + 2), b, __smlad(pair_at(w), a, s0));
    s1 = __smlad(pair_at(w + XL_CHUNK_I16 + 2), b, __smlad(pair_at(w + XL_CHUNK_I16), a, s1));
    s2 = __smlad(pair_at(w + 2 * XL_CHUNK_I16 + 2), b, __smlad(pair_at(w + 2 * XL_CHUNK_I16), a, s2));
    s3 = __smlad(pair_at(w + 3 * XL_CHUNK_I16 + 2), b, __smlad(pair_at(w + 3 * XL_CHUNK_I16), a, s3));
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

#else
void xl_dot_tile_i16(const int16_t *x, const int16_t tile[XL_TILE_I16][XL_CHUNK_I16], ptrdiff_t n, int32_t *sums) {
  const ptrdiff_t whole = (n + XL_VECTOR_I16 - 1) / XL_VECTOR_I16 * XL_VECTOR_I16; /* which the compiler sees */
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (ptrdiff_t i = 0; i < whole; ++i) {
    s0 += x[i] * tile[0][i];
    s1 += x[i] * tile[1][i];
    s2 += x[i] * tile[2][i];
    s3 += x[i] * tile[3][i];
  }
  sums[0] += s0, sums[1] += s1, sums[2] += s2, sums[3] += s3;
}

#endif
