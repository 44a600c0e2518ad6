/* PAD: rows of the output are x's rows with `before` and `after` around them, or all padding. */
#include <string.h>

#include "axes.h"
#include "bits.h"
#include "xlite.h"

/* The shape of the output. */
static void padded_shape(const xl_pad_params *p, int32_t *shape) {
  for (int32_t a = 0; a < p->rank; ++a) shape[a] = p->before[a] + p->shape[a] + p->after[a];
}

/* Whether this row of the output holds a row of x. */
static int holds_row(const xl_pad_params *p, const int32_t *index) {
  for (int32_t a = 0; a + 1 < p->rank; ++a) {
    if (index[a] < p->before[a] || index[a] - p->before[a] >= p->shape[a]) return 0;
  }
  return 1;
}

/* For elements of one type. */
#define PAD(suffix, type)                                                                       \
  static type *fill_##suffix(type *y, type value, int32_t n) {                                  \
    for (int32_t i = 0; i < n; ++i) y[i] = value;                                               \
    return y + n;                                                                               \
  }                                                                                             \
  static void pad_##suffix(const xl_op *op, type value) {                                       \
    const xl_pad_params *p = (const xl_pad_params *)op->params;                                 \
    const int32_t last = p->rank - 1;                                                           \
    const type *x = (const type *)op->in[0];                                                    \
    type *y = (type *)op->out;                                                                  \
    int32_t shape[XL_MAX_RANK], index[XL_MAX_RANK] = {0};                                       \
    padded_shape(p, shape);                                                                     \
    const int32_t rows = xl_rows(shape, p->rank);                                               \
    for (int32_t r = 0; r < rows; ++r, xl_next_row(index, shape, p->rank)) {                    \
      if (!holds_row(p, index)) {                                                               \
        y = fill_##suffix(y, value, shape[last]);                                               \
        continue;                                                                               \
      }                                                                                         \
      y = fill_##suffix(y, value, p->before[last]);                                             \
      memcpy(y, x, (size_t)p->shape[last] * sizeof *y);                                         \
      y = fill_##suffix(y + p->shape[last], value, p->after[last]);                             \
      x += p->shape[last];                                                                      \
    }                                                                                           \
  }                                                                                             \
  typedef int pad_##suffix##_takes_a_semicolon

PAD(f32, float);
PAD(8, uint8_t);

void xl_pad_f32(const xl_op *op) { pad_f32(op, ((const xl_pad_params *)op->params)->value); }

/* Of either sign: a byte holds value modulo 256. */
void xl_pad_8(const xl_op *op) { pad_8(op, (uint8_t)(int32_t)((const xl_pad_params *)op->params)->value); }

void xl_pad_b(const xl_op *op) {
  const xl_pad_params *p = (const xl_pad_params *)op->params;
  const int32_t last = p->rank - 1;
  const uint32_t value = p->value < 0.0f ? UINT32_MAX : 0;
  const uint32_t *x = (const uint32_t *)op->in[0];
  xl_bit_writer y = xl_write_bits((uint32_t *)op->out);
  int32_t shape[XL_MAX_RANK], index[XL_MAX_RANK] = {0};
  padded_shape(p, shape);
  const int32_t rows = xl_rows(shape, p->rank);
  for (int32_t r = 0; r < rows; ++r, xl_next_row(index, shape, p->rank)) {
    if (!holds_row(p, index)) {
      xl_put_same(&y, value, shape[last]);
    } else {
      xl_put_same(&y, value, p->before[last]);
      xl_put_row(&y, x, 0, p->shape[last]);
      xl_put_same(&y, value, p->after[last]);
      x += xl_words(p->shape[last]);
    }
    xl_end_row(&y);
  }
}
