/* MAX_POOL_3D and AVERAGE_POOL_3D. */
#include <string.h>

#include "bits.h"
#include "window.h"

static xl_span span_of(const xl_axis *a, int32_t out) {
  return xl_span_at(out, a->stride, a->pad, a->window, 1, a->in);
}

/* The first element under the window is copied, the others are joined to it. */
XL_INLINE void pool_pixel(const float *first, const xl_axis *axis, const xl_span *s, int32_t channels, int average,
                          float *out) {
  const ptrdiff_t line = (ptrdiff_t)axis[2].in * channels, slab = line * axis[1].in;
  const int32_t d = xl_span_count(s[0]), h = xl_span_count(s[1]), w = xl_span_count(s[2]);
  memcpy(out, first, (size_t)channels * sizeof *out);
  for (int32_t i = 0; i < d; ++i) {
    for (int32_t j = 0; j < h; ++j) {
      for (int32_t k = i == 0 && j == 0; k < w; ++k) {
        const float *x = first + i * slab + j * line + (ptrdiff_t)k * channels;
        if (average) {
          for (int32_t c = 0; c < channels; ++c) out[c] += x[c];
        } else {
          for (int32_t c = 0; c < channels; ++c) out[c] = ((x[c] > out[c]) | (x[c] != x[c])) ? x[c] : out[c];
        }
      }
    }
  }
  if (average) {
    const float elements = (float)d * (float)h * (float)w;
    for (int32_t c = 0; c < channels; ++c) out[c] /= elements;
  }
}

XL_INLINE void pool(const xl_op *op, int average) {
  const xl_pool3d_params *p = (const xl_pool3d_params *)op->params;
  const xl_axis *axis = p->axis;
  const ptrdiff_t line = (ptrdiff_t)axis[2].in * p->channels, slab = line * axis[1].in;
  const float *image = (const float *)op->in[0];
  float *out = (float *)op->out;
  for (int32_t n = 0; n < p->batch; ++n, image += slab * axis[0].in) {
    for (int32_t z = 0; z < axis[0].out; ++z) {
      for (int32_t y = 0; y < axis[1].out; ++y) {
        for (int32_t x = 0; x < axis[2].out; ++x, out += p->channels) {
          const xl_span s[3] = {span_of(&axis[0], z), span_of(&axis[1], y), span_of(&axis[2], x)};
          const float *first = image + (s[0].start + s[0].begin) * slab + (s[1].start + s[1].begin) * line +
                               (ptrdiff_t)(s[2].start + s[2].begin) * p->channels;
          pool_pixel(first, axis, s, p->channels, average, out);
        }
      }
    }
  }
}

void xl_max_pool3d_f32(const xl_op *op) { pool(op, 0); }

void xl_average_pool3d_f32(const xl_op *op) { pool(op, 1); }
