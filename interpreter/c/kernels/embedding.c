/* EMBEDDING: rows of a table. */
#include <string.h>

#include "bits.h"
#include "xlite.h"

static void copy_row(const xl_op *op, int32_t i, int32_t index) {
  const xl_embedding_params *p = (const xl_embedding_params *)op->params;
  const ptrdiff_t row = xl_min32(xl_max32(index, 0), p->rows - 1);
  float *y = (float *)op->out + (ptrdiff_t)i * p->columns;
  memcpy(y, (const float *)op->in[1] + row * p->columns, (size_t)p->columns * sizeof *y);
}

/* Cut to an integer; what no int32 holds goes to its end, NaN to 0. */
static int32_t whole(float x) {
  const float x0 = x > 0.0f ? x : 0.0f;
  return x0 < 2147483648.0f ? (int32_t)x0 : INT32_MAX;
}

void xl_embedding_f32_f32_f32(const xl_op *op) {
  const int32_t count = ((const xl_embedding_params *)op->params)->count;
  for (int32_t i = 0; i < count; ++i) copy_row(op, i, whole(((const float *)op->in[0])[i]));
}

void xl_embedding_i32_f32_f32(const xl_op *op) {
  const int32_t count = ((const xl_embedding_params *)op->params)->count;
  for (int32_t i = 0; i < count; ++i) copy_row(op, i, ((const int32_t *)op->in[0])[i]);
}
