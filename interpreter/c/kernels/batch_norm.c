/* BATCH_NORM: x * scale + offset by channel, two roundings. */
#include "xlite.h"

void xl_batch_norm_f32(const xl_op *op) {
  const xl_rows_params *p = (const xl_rows_params *)op->params;
  const float *x = (const float *)op->in[0], *scale = (const float *)op->in[1], *offset = (const float *)op->in[2];
  float *y = (float *)op->out;
  for (int32_t r = 0; r < p->rows; ++r, x += p->channels, y += p->channels) {
    for (int32_t c = 0; c < p->channels; ++c) y[c] = x[c] * scale[c] + offset[c];
  }
}
