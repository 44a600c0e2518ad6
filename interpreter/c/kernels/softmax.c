/* SOFTMAX over rows; the largest element is subtracted first, so that no exponential overflows. */
#include "libm.h"
#include "xlite.h"

void xl_softmax_f32(const xl_op *op) {
  const xl_rows_params *p = (const xl_rows_params *)op->params;
  const float *x = (const float *)op->in[0];
  float *y = (float *)op->out;
  for (int32_t r = 0; r < p->rows; ++r, x += p->channels, y += p->channels) {
    float largest = x[0], sum = 0.0f;
    for (int32_t c = 1; c < p->channels; ++c) largest = x[c] > largest ? x[c] : largest;
    for (int32_t c = 0; c < p->channels; ++c) {
      y[c] = xl_expf(x[c] - largest);
      sum += y[c];
    }
    for (int32_t c = 0; c < p->channels; ++c) y[c] /= sum;
  }
}
