/* UNPACK: bits to +1.0 and -1.0. */
#include "bits.h"
#include "core.h"
#include "parallel.h"
#include "variant.h"

static void unpack_rows(void *context, int32_t begin, int32_t end, int32_t worker) {
  const xl_op *op = *(const xl_op **)context;
  const int32_t channels = ((const xl_rows_params *)op->params)->channels;
  const uint32_t *x = (const uint32_t *)op->in[0] + begin * xl_words(channels);
  float *y = (float *)op->out + (ptrdiff_t)begin * channels;
  (void)worker;
  for (int32_t r = begin; r < end; ++r) {
    int32_t left = channels;
#ifdef XL_CORE_FLOATS
    const int32_t whole = channels / XL_WORD_BITS * XL_WORD_BITS;
    xl_core_unpack_f32(x, whole, y);
    left -= whole, x += whole / XL_WORD_BITS, y += whole;
#endif
    for (; left >= XL_WORD_BITS; left -= XL_WORD_BITS, y += XL_WORD_BITS) {
      const uint32_t word = *x++;
      for (int i = 0; i < XL_WORD_BITS; ++i) y[i] = word & xl_lane_bit[i] ? -1.0f : 1.0f;
    }
    if (left > 0) {
      const uint32_t word = *x++;
      for (int32_t i = 0; i < left; ++i) y[i] = word & xl_lane_bit[i] ? -1.0f : 1.0f;
      y += left;
    }
  }
}

void XL_KERNEL(unpack_b_f32)(const xl_op *op) {
  const xl_rows_params *p = (const xl_rows_params *)op->params;
  xl_parallel(op, unpack_rows, &op, p->rows, xl_grain(p->channels * (ptrdiff_t)sizeof(float)));
}
