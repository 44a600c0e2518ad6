/* DENSE of floats, with float or bit filters.
 *
 * Every dot product has eight partial sums, element k in sum k % 8, which are added pairwise at the end: the order
 * is the same on every machine, and a vector holds several of them. */
#include "bits.h"
#include "lanes.h"
#include "store.h"

#define SUMS (2 * XL_LANES)

/* a: sums 0 to 3; b: 4 to 7. x and w: the `rest` (0 to 7) elements that are left of the rows. */
XL_INLINE float finish(xl_f32x4 a, xl_f32x4 b, const float *x, const float *w, ptrdiff_t rest) {
  float t[SUMS];
  xl_store4(t, a);
  xl_store4(t + XL_LANES, b);
  for (ptrdiff_t l = 0; l < rest; ++l) t[l] += x[l] * w[l];
  return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

static float dot_one(const float *x, const float *w, ptrdiff_t k) {
  xl_f32x4 a = xl_splat4(0), b = a;
  ptrdiff_t i = 0;
  for (; i + SUMS <= k; i += SUMS) {
    a = xl_add_product4(a, xl_load4(x + i), xl_load4(w + i));
    b = xl_add_product4(b, xl_load4(x + i + XL_LANES), xl_load4(w + i + XL_LANES));
  }
  return finish(a, b, x + i, w + i, k - i);
}

/* y[i] = the dot product of x and row i of w, i < 4. */
static void dot_four(const float *x, const float *w, ptrdiff_t k, float *y) {
  const float *w0 = w, *w1 = w0 + k, *w2 = w1 + k, *w3 = w2 + k;
  xl_f32x4 a0 = xl_splat4(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  ptrdiff_t i = 0;
  for (; i + SUMS <= k; i += SUMS) {
    const xl_f32x4 a = xl_load4(x + i), b = xl_load4(x + i + XL_LANES);
    a0 = xl_add_product4(a0, a, xl_load4(w0 + i)), b0 = xl_add_product4(b0, b, xl_load4(w0 + i + XL_LANES));
    a1 = xl_add_product4(a1, a, xl_load4(w1 + i)), b1 = xl_add_product4(b1, b, xl_load4(w1 + i + XL_LANES));
    a2 = xl_add_product4(a2, a, xl_load4(w2 + i)), b2 = xl_add_product4(b2, b, xl_load4(w2 + i + XL_LANES));
    a3 = xl_add_product4(a3, a, xl_load4(w3 + i)), b3 = xl_add_product4(b3, b, xl_load4(w3 + i + XL_LANES));
  }
  y[0] = finish(a0, b0, x + i, w0 + i, k - i);
  y[1] = finish(a1, b1, x + i, w1 + i, k - i);
  y[2] = finish(a2, b2, x + i, w2 + i, k - i);
  y[3] = finish(a3, b3, x + i, w3 + i, k - i);
}

/* The dot product of x and a row of signs, a word of them at a time. */
static float dot_bits(const float *x, const uint32_t *w, ptrdiff_t k) {
  xl_f32x4 a = xl_splat4(0), b = a;
  ptrdiff_t i = 0;
  for (; i + XL_WORD_BITS <= k; i += XL_WORD_BITS, ++w) {
    for (int j = 0; j < XL_WORD_BITS; j += SUMS) {
      a = xl_add4(a, xl_flip4(xl_load4(x + i + j), xl_flips4(*w, j)));
      b = xl_add4(b, xl_flip4(xl_load4(x + i + j + XL_LANES), xl_flips4(*w, j + XL_LANES)));
    }
  }
  float t[SUMS];
  xl_store4(t, a);
  xl_store4(t + XL_LANES, b);
  for (ptrdiff_t l = 0; i + l < k; ++l) t[l % SUMS] += xl_flip(x[i + l], xl_flip_of(w, l));
  return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

void xl_dense_f32_f32_f32(const xl_op *op) {
  const xl_dense_params *p = (const xl_dense_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const float *x = (const float *)op->in[0];
  float *y = (float *)op->out;
  for (int32_t r = 0; r < p->rows; ++r, x += p->features, y += p->units) {
    const float *w = (const float *)op->in[1];
    int32_t u = 0;
    for (; u + 4 <= p->units; u += 4, w += 4 * (ptrdiff_t)p->features) dot_four(x, w, p->features, y + u);
    for (; u < p->units; ++u, w += p->features) y[u] = dot_one(x, w, p->features);
    xl_finish_f32(&channels, 0, p->units, y);
  }
}

void xl_dense_f32_b_f32(const xl_op *op) {
  const xl_dense_params *p = (const xl_dense_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const float *x = (const float *)op->in[0];
  float *y = (float *)op->out;
  for (int32_t r = 0; r < p->rows; ++r, x += p->features, y += p->units) {
    const uint32_t *w = (const uint32_t *)op->in[1];
    for (int32_t u = 0; u < p->units; ++u, w += xl_words(p->features)) y[u] = dot_bits(x, w, p->features);
    xl_finish_f32(&channels, 0, p->units, y);
  }
}
