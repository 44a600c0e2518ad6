/* REDUCE: the rows of x in order, each into the elements of the output that it belongs to. */
#include <string.h>

#include "axes.h"
#include "bits.h"
#include "xlite.h"

#define SUMS 8

/* Where the output's elements are: the step along each of x's axes, 0 along those that are reduced. Returns how many
 * there are; *each: how many of x are joined in one. */
static int32_t steps_of(const xl_reduce_params *p, ptrdiff_t *steps, int32_t *each) {
  int32_t outputs = 1;
  *each = 1;
  for (int32_t a = p->rank - 1; a >= 0; --a) {
    steps[a] = p->reduced[a] ? 0 : outputs;
    if (p->reduced[a]) {
      *each *= p->shape[a];
    } else {
      outputs *= p->shape[a];
    }
  }
  return outputs;
}

XL_INLINE float join(int32_t kind, float a, float b) {
  switch (kind) {
    case XL_REDUCE_MAX: return ((a > b) | (a != a)) ? a : b; /* b where it is NaN */
    case XL_REDUCE_MIN: return ((a < b) | (a != a)) ? a : b;
    case XL_REDUCE_PROD: return a * b;
    default: return a + b;
  }
}

/* What joins with x to x. */
static float neutral(int32_t kind) {
  static const uint32_t infinity = 0x7f800000u;
  float y = 0.0f;
  if (kind == XL_REDUCE_PROD) y = 1.0f;
  if (kind == XL_REDUCE_MAX || kind == XL_REDUCE_MIN) memcpy(&y, &infinity, sizeof y);
  return kind == XL_REDUCE_MAX ? -y : y;
}

/* A row into one element, in eight parts: shorter sums have smaller rounding errors. */
XL_INLINE float join_row(int32_t kind, const float *x, int32_t n) {
  float t[SUMS];
  int32_t i = 0;
  for (int k = 0; k < SUMS; ++k) t[k] = neutral(kind);
  for (; i + SUMS <= n; i += SUMS) {
    for (int k = 0; k < SUMS; ++k) t[k] = join(kind, t[k], x[i + k]);
  }
  for (int k = 0; i < n; ++i, ++k) t[k] = join(kind, t[k], x[i]);
  for (int half = SUMS / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) t[k] = join(kind, t[k], t[k + half]);
  }
  return t[0];
}

XL_INLINE void reduce(const xl_op *op, int32_t kind) {
  const xl_reduce_params *p = (const xl_reduce_params *)op->params;
  const int32_t rows = xl_rows(p->shape, p->rank), last = p->rank - 1, n = p->shape[last];
  const float *x = (const float *)op->in[0];
  float *out = (float *)op->out;
  int32_t index[XL_MAX_RANK] = {0}, each;
  ptrdiff_t steps[XL_MAX_RANK];
  const int32_t outputs = steps_of(p, steps, &each);
  for (int32_t i = 0; i < outputs; ++i) out[i] = neutral(kind);
  for (int32_t r = 0; r < rows; ++r, x += n, xl_next_row(index, p->shape, p->rank)) {
    float *y = out;
    for (int32_t a = 0; a < last; ++a) y += steps[a] * index[a];
    if (p->reduced[last]) {
      *y = join(kind, *y, join_row(kind, x, n));
    } else {
      for (int32_t i = 0; i < n; ++i) y[i] = join(kind, y[i], x[i]);
    }
  }
  if (p->kind == XL_REDUCE_MEAN) {
    for (int32_t i = 0; i < outputs; ++i) out[i] /= (float)each;
  }
}

void xl_reduce_f32(const xl_op *op) {
  switch (((const xl_reduce_params *)op->params)->kind) {
    case XL_REDUCE_MAX: reduce(op, XL_REDUCE_MAX); break;
    case XL_REDUCE_MIN: reduce(op, XL_REDUCE_MIN); break;
    case XL_REDUCE_PROD: reduce(op, XL_REDUCE_PROD); break;
    default: reduce(op, XL_REDUCE_SUM); break; /* MEAN divides it */
  }
}
