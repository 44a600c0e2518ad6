/* RESIZE_BILINEAR_2D: pixel i of n has its centre at (i + 1/2) / n. In the order of TensorFlow's operations. */
#include "bits.h"
#include "xlite.h"

/* The two input pixels of one axis between which an output pixel lies, and how far it is from the first. */
typedef struct between {
  int32_t low, high;
  float part;
} between;

static between between_of(int32_t out, int32_t in_extent, int32_t out_extent) {
  const float scale = (float)in_extent / (float)out_extent;
  const float at = ((float)out + 0.5f) * scale - 0.5f; /* -0.5 at least */
  const int32_t whole = (int32_t)(at + 1.0f) - 1, below = (float)whole > at ? whole - 1 : whole;
  between b;
  b.low = xl_max32(xl_min32(below, in_extent - 1), 0);
  b.high = xl_min32(below + 1, in_extent - 1);
  b.part = at - (float)below;
  return b;
}

void xl_resize_bilinear2d_f32(const xl_op *op) {
  const xl_resize_params *p = (const xl_resize_params *)op->params;
  const ptrdiff_t line = (ptrdiff_t)p->in_w * p->channels;
  const float *image = (const float *)op->in[0];
  float *out = (float *)op->out;
  for (int32_t n = 0; n < p->batch; ++n, image += line * p->in_h) {
    for (int32_t y = 0; y < p->out_h; ++y) {
      const between v = between_of(y, p->in_h, p->out_h);
      for (int32_t x = 0; x < p->out_w; ++x, out += p->channels) {
        const between h = between_of(x, p->in_w, p->out_w);
        const float *upper = image + v.low * line, *lower = image + v.high * line;
        const ptrdiff_t left = (ptrdiff_t)h.low * p->channels, right = (ptrdiff_t)h.high * p->channels;
        for (int32_t c = 0; c < p->channels; ++c) {
          const float top = upper[left + c] + (upper[right + c] - upper[left + c]) * h.part;
          const float bottom = lower[left + c] + (lower[right + c] - lower[left + c]) * h.part;
          out[c] = top + (bottom - top) * v.part;
        }
      }
    }
  }
}
