/* DENSE of floats, with float or bit filters. */
#include "bits.h"
#include "core.h"
#include "dots_f32.h"
#include "lanes.h"
#include "store.h"
#include "trim.h"

#ifdef XL_CORE_FLOATS
/* y[i] = the dot product of x and row i of w, i < 4: the sum of those of long pieces. */
static void dot_four(const float *x, const float *w, ptrdiff_t k, float *y) {
  for (int i = 0; i < 4; ++i) y[i] = 0;
  for (ptrdiff_t at = 0; at < k; at += XL_LONG_CHUNK) {
    float part[4] = {0};
    xl_core_dots_1x4(x + at, w + at, k * (ptrdiff_t)sizeof *w, k - at < XL_LONG_CHUNK ? k - at : XL_LONG_CHUNK, part);
    for (int i = 0; i < 4; ++i) y[i] += part[i];
  }
}

/* The same of rows of bits, `words` words each, of which there are 1 to 4. */
static void dot_bits_four(const float *x, const uint32_t *w, ptrdiff_t words, ptrdiff_t k, int32_t rows, float *y) {
  float unpacked[4 * XL_LONG_CHUNK];
  for (int32_t i = 0; i < rows; ++i) y[i] = 0;
  for (ptrdiff_t at = 0; at < k; at += XL_LONG_CHUNK) {
    const ptrdiff_t n = k - at < XL_LONG_CHUNK ? k - at : XL_LONG_CHUNK;
    float part[4];
    for (int32_t i = 0; i < rows; ++i) {
      xl_core_unpack_f32(w + i * words + at / XL_WORD_BITS, n, unpacked + i * XL_LONG_CHUNK);
    }
    xl_dots_of_rows(x + at, unpacked, XL_LONG_CHUNK * (ptrdiff_t)sizeof *unpacked, n, rows, part);
    for (int32_t i = 0; i < rows; ++i) y[i] += part[i];
  }
}
#else
/* y[i] = the dot product of x and row i of w, i < 4. */
static void dot_four(const float *x, const float *w, ptrdiff_t k, float *y) {
  const float *w0 = w, *w1 = w0 + k, *w2 = w1 + k, *w3 = w2 + k;
  xl_f32x4 a0 = xl_splat4(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  ptrdiff_t i = 0;
  for (; i + XL_SUMS <= k; i += XL_SUMS) {
    const xl_f32x4 a = xl_load4(x + i), b = xl_load4(x + i + XL_LANES);
    a0 = xl_add_product4(a0, a, xl_load4(w0 + i)), b0 = xl_add_product4(b0, b, xl_load4(w0 + i + XL_LANES));
    a1 = xl_add_product4(a1, a, xl_load4(w1 + i)), b1 = xl_add_product4(b1, b, xl_load4(w1 + i + XL_LANES));
    a2 = xl_add_product4(a2, a, xl_load4(w2 + i)), b2 = xl_add_product4(b2, b, xl_load4(w2 + i + XL_LANES));
    a3 = xl_add_product4(a3, a, xl_load4(w3 + i)), b3 = xl_add_product4(b3, b, xl_load4(w3 + i + XL_LANES));
  }
  y[0] = xl_finish_dot(a0, b0, x + i, w0 + i, k - i);
  y[1] = xl_finish_dot(a1, b1, x + i, w1 + i, k - i);
  y[2] = xl_finish_dot(a2, b2, x + i, w2 + i, k - i);
  y[3] = xl_finish_dot(a3, b3, x + i, w3 + i, k - i);
}
#endif

/* Of one row with every filter; the weights whose bit of `zeros` is 1 are 0. */
static void dots_bits(const float *x, const uint32_t *w, const uint32_t *zeros, const xl_dense_params *p, float *y) {
  const ptrdiff_t words = xl_words(p->features);
  if (zeros == NULL) {
    int32_t u = 0;
#ifdef XL_CORE_FLOATS
    for (int32_t rows; u < p->units; u += rows) {
      rows = xl_min32(p->units - u, 4);
      dot_bits_four(x, w + u * words, words, p->features, rows, y + u);
    }
#endif
    for (; u < p->units; ++u) y[u] = xl_dot_bits(x, w + u * words, NULL, p->features);
  } else {
    for (int32_t u = 0; u < p->units; ++u) y[u] = xl_dot_bits(x, w + u * words, zeros + u * words, p->features);
  }
}

void xl_dense_f32_f32_f32(const xl_op *op) {
  const xl_dense_params *p = (const xl_dense_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const float *x = (const float *)op->in[0];
  float *y = (float *)op->out;
  for (int32_t r = 0; r < p->rows; ++r, x += p->features, y += p->units) {
    const float *w = (const float *)op->in[1];
    int32_t u = 0;
    for (; XL_WITH_TILES && u + 4 <= p->units; u += 4, w += 4 * (ptrdiff_t)p->features) dot_four(x, w, p->features, y + u);
    for (; u < p->units; ++u, w += p->features) y[u] = xl_dot_f32(x, w, p->features);
    xl_finish_f32(&channels, 0, p->units, y);
  }
}

void xl_dense_f32_b_f32(const xl_op *op) {
  const xl_dense_params *p = (const xl_dense_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const float *x = (const float *)op->in[0];
  float *y = (float *)op->out;
  for (int32_t r = 0; r < p->rows; ++r, x += p->features, y += p->units) {
    dots_bits(x, (const uint32_t *)op->in[1], p->masked ? (const uint32_t *)op->in[5] : NULL, p, y);
    xl_finish_f32(&channels, 0, p->units, y);
  }
}
