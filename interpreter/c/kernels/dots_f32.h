/* Dot products of floats with rows of floats, of signs, or of signs and zeros. Internal.
 *
 * Every dot product has eight partial sums, element k in sum k % 8, which are added pairwise at the end: the order
 * is the same on every machine, and a vector holds several of them. */
#ifndef XL_DOTS_F32_H
#define XL_DOTS_F32_H

#include "bits.h"
#include "core.h"
#include "lanes.h"

#define XL_SUMS (2 * XL_LANES)

static inline float xl_add_sums(const float *t) {
  return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/* a: sums 0 to 3; b: 4 to 7. x and w: the `rest` (0 to 7) elements that are left of the rows. */
XL_INLINE float xl_finish_dot(xl_f32x4 a, xl_f32x4 b, const float *x, const float *w, ptrdiff_t rest) {
  float t[XL_SUMS];
  xl_store4(t, a);
  xl_store4(t + XL_LANES, b);
  for (ptrdiff_t l = 0; l < rest; ++l) t[l] += x[l] * w[l];
  return xl_add_sums(t);
}

static inline float xl_dot_f32(const float *x, const float *w, ptrdiff_t k) {
  xl_f32x4 a = xl_splat4(0), b = a;
  ptrdiff_t i = 0;
  for (; i + XL_SUMS <= k; i += XL_SUMS) {
    a = xl_add_product4(a, xl_load4(x + i), xl_load4(w + i));
    b = xl_add_product4(b, xl_load4(x + i + XL_LANES), xl_load4(w + i + XL_LANES));
  }
  return xl_finish_dot(a, b, x + i, w + i, k - i);
}

/* With a row of signs, a word of them at a time; those whose bit of `zeros` is 1 are 0 (none where it is NULL).
 * Inlined, so that this is known where it is called. */
XL_INLINE float xl_dot_bits(const float *x, const uint32_t *w, const uint32_t *zeros, ptrdiff_t k) {
  xl_f32x4 a = xl_splat4(0), b = a;
  ptrdiff_t i = 0, word = 0;
  for (; i + XL_WORD_BITS <= k; i += XL_WORD_BITS, ++word) {
    for (int j = 0; j < XL_WORD_BITS; j += XL_SUMS) {
      xl_f32x4 low = xl_flip4(xl_load4(x + i + j), xl_flips4(w[word], j));
      xl_f32x4 high = xl_flip4(xl_load4(x + i + j + XL_LANES), xl_flips4(w[word], j + XL_LANES));
      if (zeros != NULL) {
        low = xl_drop4(low, xl_drops4(zeros[word], j));
        high = xl_drop4(high, xl_drops4(zeros[word], j + XL_LANES));
      }
      a = xl_add4(a, low);
      b = xl_add4(b, high);
    }
  }
  float t[XL_SUMS];
  xl_store4(t, a);
  xl_store4(t + XL_LANES, b);
  for (ptrdiff_t l = 0; i + l < k; ++l) {
    const float value = xl_flip(x[i + l], xl_flip_of(w + word, l));
    t[l % XL_SUMS] += zeros != NULL && xl_flip_of(zeros + word, l) ? 0.0f : value;
  }
  return xl_add_sums(t);
}

#ifdef XL_CORE_FLOATS
enum { XL_LONG_CHUNK = 256 }; /* so many products are summed before they are added to what there is */

/* dots[i] = the dot product of n elements of x and of row i of w, `step` bytes behind the row before; i < rows, which
 * are 4 at most. */
static inline void xl_dots_of_rows(const float *x, const float *w, ptrdiff_t step, ptrdiff_t n, int32_t rows,
                                   float *dots) {
  const int together = rows == 4;
  for (int32_t i = 0; i < rows; i += together ? 4 : 1) {
    float some[4] = {0};
    xl_core_dots_1x4(x, w + i * (step / (ptrdiff_t)sizeof *w), together ? step : 0, n, some);
    for (int32_t j = 0; j < (together ? 4 : 1); ++j) dots[i + j] = some[j];
  }
}
#endif

#endif
