/* PRELU: x where x >= 0, else slope * x, the slope repeated along its axes of extent 1. */
#include "axes.h"
#include "core.h"
#include "xlite.h"

static inline float prelu(float x, float slope) {
  const float below = slope * x;
  return x >= 0.0f ? x : below;
}

void xl_prelu_f32(const xl_op *op) {
  const xl_prelu_params *p = (const xl_prelu_params *)op->params;
  const int32_t channels = p->shape[p->rank - 1], slopes = p->slope_shape[p->rank - 1];
  const int32_t rows = xl_rows(p->shape, p->rank);
  const float *x = (const float *)op->in[0];
  float *y = (float *)op->out;
  int32_t index[XL_MAX_RANK] = {0};
  for (int32_t r = 0; r < rows; ++r, x += channels, y += channels) {
    const float *slope = (const float *)op->in[1];
    ptrdiff_t at = 0;
    for (int32_t a = 0; a + 1 < p->rank; ++a) {
      at = at * p->slope_shape[a] + (p->slope_shape[a] == 1 ? 0 : index[a]);
    }
    slope += at * slopes;
    if (slopes == 1) {
      const float s = *slope;
      for (int32_t c = 0; c < channels; ++c) y[c] = prelu(x[c], s);
    } else {
#ifdef XL_CORE_FLOATS
      xl_core_prelu_f32(x, slope, channels, y);
#else
      for (int32_t c = 0; c < channels; ++c) y[c] = prelu(x[c], slope[c]);
#endif
    }
    xl_next_row(index, p->shape, p->rank);
  }
}
