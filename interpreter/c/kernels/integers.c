#include "integers.h"

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

/* n signs from bit `first` of a row on: 1 - 2 * bit. */
static void signs(const uint32_t *row, int32_t first, ptrdiff_t n, int16_t *out) {
  for (; n > 0; n -= XL_WORD_BITS, first += XL_WORD_BITS, out += XL_WORD_BITS) {
    const int32_t some = n < XL_WORD_BITS ? (int32_t)n : XL_WORD_BITS;
    const uint32_t word = xl_bits_at(row, first, some);
    if (some == XL_WORD_BITS) { /* a constant number, which vectorises */
      for (int32_t i = 0; i < XL_WORD_BITS; ++i) out[i] = word & xl_lane_bit[i] ? -1 : 1;
    } else {
      for (int32_t i = 0; i < some; ++i) out[i] = word & xl_lane_bit[i] ? -1 : 1;
    }
  }
}

void xl_widen_b(const xl_numbers *x, ptrdiff_t pixel, int32_t first, ptrdiff_t n, int16_t *out) {
  signs((const uint32_t *)x->data + pixel * xl_words(x->channels), first, n, out);
}

void xl_weigh_i8(const xl_weights *w, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n, int16_t *out) {
  const int8_t *from = (const int8_t *)w->rows + row * w->k + at;
  for (ptrdiff_t i = 0; i < n; ++i) out[i] = from[i];
}

void xl_weigh_b(const xl_weights *w, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n, int16_t *out) {
  const ptrdiff_t word = row * xl_words(w->k) + at / XL_WORD_BITS;
  signs((const uint32_t *)w->rows + word, 0, n, out);
  if (w->zeros == NULL) return;
  for (ptrdiff_t i = 0; i < n; ++i) {
    if (w->zeros[word + i / XL_WORD_BITS] & xl_lane_bit[i % XL_WORD_BITS]) out[i] = 0;
  }
}

XL_INLINE void dot_tile(const int16_t *x, const int16_t tile[XL_TILE_I16][XL_CHUNK_I16], ptrdiff_t n, int32_t *sums) {
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (ptrdiff_t i = 0; i < n; ++i) {
    s0 += x[i] * tile[0][i];
    s1 += x[i] * tile[1][i];
    s2 += x[i] * tile[2][i];
    s3 += x[i] * tile[3][i];
  }
  sums[0] += s0, sums[1] += s1, sums[2] += s2, sums[3] += s3;
}

void xl_dot_tile_i16(const int16_t *x, const int16_t tile[XL_TILE_I16][XL_CHUNK_I16], ptrdiff_t n, int32_t *sums) {
  if (n == XL_CHUNK_I16) { /* a constant number: no loop for what is left */
    dot_tile(x, tile, XL_CHUNK_I16, sums);
  } else {
    dot_tile(x, tile, n, sums);
  }
}
