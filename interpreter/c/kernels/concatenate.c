/* CONCATENATE: row by row, a piece of every input. */
#include <string.h>

#include "bits.h"
#include "parallel.h"

static ptrdiff_t row_floats(const xl_op *op) {
  const xl_concatenate_params *p = (const xl_concatenate_params *)op->params;
  ptrdiff_t floats = 0;
  for (int32_t i = 0; i < p->count; ++i) floats += ((const xl_part *)op->in[0])[i].extent;
  return floats;
}

static void join_rows(void *context, int32_t begin, int32_t end, int32_t worker) {
  const xl_op *op = *(const xl_op **)context;
  const xl_concatenate_params *p = (const xl_concatenate_params *)op->params;
  const xl_part *parts = (const xl_part *)op->in[0];
  float *y = (float *)op->out + begin * row_floats(op);
  (void)worker;
  for (int32_t r = begin; r < end; ++r) {
    for (int32_t i = 0; i < p->count; ++i) {
      const float *x = (const float *)parts[i].data + (ptrdiff_t)r * parts[i].extent;
      memcpy(y, x, (size_t)parts[i].extent * sizeof *y);
      y += parts[i].extent;
    }
  }
}

void xl_concatenate_f32(const xl_op *op) {
  const int32_t rows = ((const xl_concatenate_params *)op->params)->rows;
  xl_parallel(op, join_rows, &op, rows, xl_grain(row_floats(op) * (ptrdiff_t)sizeof(float)));
}

void xl_concatenate_b(const xl_op *op) {
  const xl_concatenate_params *p = (const xl_concatenate_params *)op->params;
  const xl_part *parts = (const xl_part *)op->in[0];
  xl_bit_writer y = xl_write_bits((uint32_t *)op->out);
  for (int32_t r = 0; r < p->rows; ++r) {
    for (int32_t i = 0; i < p->count; ++i) {
      const uint32_t *x = (const uint32_t *)parts[i].data + r * xl_words(parts[i].extent);
      xl_put_row(&y, x, 0, parts[i].extent);
    }
    xl_end_row(&y);
  }
}
