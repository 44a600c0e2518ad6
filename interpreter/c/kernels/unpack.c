/* UNPACK: bits to +1.0 and -1.0. */
#include "bits.h"
#include "xlite.h"

void xl_unpack_b_f32(const xl_op *op) {
  const xl_rows_params *p = (const xl_rows_params *)op->params;
  const uint32_t *x = (const uint32_t *)op->in[0];
  float *y = (float *)op->out;
  for (int32_t r = 0; r < p->rows; ++r) {
    int32_t left = p->channels;
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
