/* ADD of two float tensors of one shape. */
#include "xlite.h"

void xl_add_f32(const xl_op *op) {
  const xl_count_params *p = (const xl_count_params *)op->params;
  const float *a = (const float *)op->in[0], *b = (const float *)op->in[1];
  float *y = (float *)op->out;
  for (int32_t i = 0; i < p->count; ++i) y[i] = a[i] + b[i];
}
