/* SIGN: floats to bits, by comparison, so that both zeros and NaN are +1. */
#include "bits.h"
#include "xlite.h"

void xl_sign_f32_b(const xl_op *op) {
  const xl_rows_params *p = (const xl_rows_params *)op->params;
  const float *x = (const float *)op->in[0];
  uint32_t *y = (uint32_t *)op->out;
  for (int32_t r = 0; r < p->rows; ++r) {
    int32_t left = p->channels;
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
