/* BIT_PLANES and FROM_PLANES: integers below 2^planes and their binary digits, 32 channels at a time. */
#include <string.h>

#include "bits.h"
#include "rounding.h"
#include "xlite.h"

/* NaN is 0. */
static inline uint32_t quantize(float x, float most) {
  const float inside = x > 0.0f ? x : 0.0f;
  return (uint32_t)xl_round_even((inside < 1.0f ? inside : 1.0f) * most);
}

/* Sets bits first to first + n - 1 of a row, which are 0. */
static void or_bits(uint32_t *row, int32_t first, int32_t n, uint32_t bits) {
  const int32_t shift = first % XL_WORD_BITS;
  row += first / XL_WORD_BITS;
  row[0] |= bits << shift;
  if (shift + n > XL_WORD_BITS) row[1] |= bits >> (XL_WORD_BITS - shift);
}

void xl_bit_planes_f32_b(const xl_op *op) {
  const xl_planes_params *p = (const xl_planes_params *)op->params;
  const ptrdiff_t words = xl_words(p->planes * p->channels);
  const float most = (float)((1 << p->planes) - 1);
  const float *x = (const float *)op->in[0];
  uint32_t *y = (uint32_t *)op->out;
  uint32_t q[XL_WORD_BITS];
  for (int32_t r = 0; r < p->rows; ++r, y += words) {
    memset(y, 0, (size_t)words * sizeof *y);
    for (int32_t c = 0; c < p->channels; c += XL_WORD_BITS) {
      const int32_t n = xl_min32(p->channels - c, XL_WORD_BITS);
      if (p->kind == XL_PLANES_HEAVISIDE) {
        for (int32_t i = 0; i < n; ++i) q[i] = x[i] > 0.0f;
      } else {
        for (int32_t i = 0; i < n; ++i) q[i] = quantize(x[i], most);
      }
      x += n;
      for (int32_t k = 0; k < p->planes; ++k) {
        uint32_t word = 0;
        for (int32_t i = 0; i < n; ++i) word |= q[i] >> k & 1u ? 0 : xl_lane_bit[i];
        or_bits(y, k * p->channels + c, n, word);
      }
    }
  }
}

void xl_from_planes_b_f32(const xl_op *op) {
  const xl_planes_params *p = (const xl_planes_params *)op->params;
  const ptrdiff_t words = xl_words(p->planes * p->channels);
  const float most = p->kind == XL_PLANES_HEAVISIDE ? 1.0f : (float)((1 << p->planes) - 1);
  const uint32_t *x = (const uint32_t *)op->in[0];
  float *y = (float *)op->out;
  uint32_t q[XL_WORD_BITS];
  for (int32_t r = 0; r < p->rows; ++r, x += words) {
    for (int32_t c = 0; c < p->channels; c += XL_WORD_BITS) {
      const int32_t n = xl_min32(p->channels - c, XL_WORD_BITS);
      memset(q, 0, sizeof q);
      for (int32_t k = 0; k < p->planes; ++k) {
        const uint32_t word = xl_bits_at(x, k * p->channels + c, n);
        for (int32_t i = 0; i < n; ++i) q[i] |= word & xl_lane_bit[i] ? 0 : 1u << k;
      }
      for (int32_t i = 0; i < n; ++i) y[i] = (float)q[i] / most;
      y += n;
    }
  }
}
