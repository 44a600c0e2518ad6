/* SIGN: floats to bits, by comparison, so that both zeros and NaN are +1. */
#include "bits.h"
#include "core.h"
#include "parallel.h"
#include "variant.h"

static void sign_rows(void *context, int32_t begin, int32_t end, int32_t worker) {
  const xl_op *op = *(const xl_op **)context;
  const int32_t channels = ((const xl_rows_params *)op->params)->channels;
  const float *x = (const float *)op->in[0] + (ptrdiff_t)begin * channels;
  uint32_t *y = (uint32_t *)op->out + begin * xl_words(channels);
  (void)worker;
  for (int32_t r = begin; r < end; ++r) {
    int32_t left = channels;
#ifdef XL_CORE_FLOATS
    if (left >= XL_WORD_BITS) {
      const int32_t words = left / XL_WORD_BITS;
      xl_core_signs_f32(x, words, y);
      x += words * XL_WORD_BITS;
      y += words;
      left %= XL_WORD_BITS;
    }
#endif
    for (; left >= XL_WORD_BITS; left -= XL_WORD_BITS, x += XL_WORD_BITS) {
      uint32_t word = 0;
      for (int i = 0; i < XL_WORD_BITS; ++i) word |= x[i] < 0.0f ? xl_lane_bit[i] : 0;
      *y++ = word;
    }
    if (left > 0) {
      uint32_t word = 0;
      for (int32_t i = 0; i < left; ++i) word |= x[i] < 0.0f ? xl_lane_bit[i] : 0;
      *y++ = word;
      x += left;
    }
  }
}

void XL_KERNEL(sign_f32_b)(const xl_op *op) {
  const xl_rows_params *p = (const xl_rows_params *)op->params;
  xl_parallel(op, sign_rows, &op, p->rows, xl_grain(p->channels * (ptrdiff_t)sizeof(float)));
}
