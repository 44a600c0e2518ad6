/* BATCH_NORM: x * scale + offset by channel, two roundings. */
#include "core.h"
#include "parallel.h"
#include "variant.h"

static void scale_rows(void *context, int32_t begin, int32_t end, int32_t worker) {
  const xl_op *op = *(const xl_op **)context;
  const int32_t channels = ((const xl_rows_params *)op->params)->channels;
  const ptrdiff_t first = (ptrdiff_t)begin * channels;
  const float *x = (const float *)op->in[0] + first;
  const float *scale = (const float *)op->in[1], *offset = (const float *)op->in[2];
  float *y = (float *)op->out + first;
  (void)worker;
  for (int32_t r = begin; r < end; ++r, x += channels, y += channels) {
#ifdef XL_CORE_FLOATS
    xl_core_scale_f32(x, scale, offset, channels, y);
#else
    for (int32_t c = 0; c < channels; ++c) y[c] = x[c] * scale[c] + offset[c];
#endif
  }
}

void XL_KERNEL(batch_norm_f32)(const xl_op *op) {
  const xl_rows_params *p = (const xl_rows_params *)op->params;
  xl_parallel(op, scale_rows, &op, p->rows, xl_grain(p->channels * (ptrdiff_t)sizeof(float)));
}
