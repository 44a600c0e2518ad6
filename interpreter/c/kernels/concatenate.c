/* CONCATENATE: row by row, a piece of every input. */
#include <string.h>

#include "bits.h"
#include "parallel.h"

/* For elements of `size` bytes. */
typedef struct joint {
  const xl_op *op;
  ptrdiff_t size;
} joint;

static ptrdiff_t row_bytes(const joint *j) {
  const xl_concatenate_params *p = (const xl_concatenate_params *)j->op->params;
  ptrdiff_t elements = 0;
  for (int32_t i = 0; i < p->count; ++i) elements += ((const xl_part *)j->op->in[0])[i].extent;
  return elements * j->size;
}

static void join_rows(void *context, int32_t begin, int32_t end, int32_t worker) {
  const joint *j = (const joint *)context;
  const xl_concatenate_params *p = (const xl_concatenate_params *)j->op->params;
  const xl_part *parts = (const xl_part *)j->op->in[0];
  char *y = (char *)j->op->out + begin * row_bytes(j);
  (void)worker;
  for (int32_t r = begin; r < end; ++r) {
    for (int32_t i = 0; i < p->count; ++i) {
      const ptrdiff_t bytes = parts[i].extent * j->size;
      memcpy(y, (const char *)parts[i].data + r * bytes, (size_t)bytes);
      y += bytes;
    }
  }
}

static void concatenate(const xl_op *op, ptrdiff_t size) {
  joint j = {op, size};
  const int32_t rows = ((const xl_concatenate_params *)op->params)->rows;
  xl_parallel(op, join_rows, &j, rows, xl_grain(row_bytes(&j)));
}

void xl_concatenate_f32(const xl_op *op) { concatenate(op, sizeof(float)); }

void xl_concatenate_8(const xl_op *op) { concatenate(op, 1); }

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
