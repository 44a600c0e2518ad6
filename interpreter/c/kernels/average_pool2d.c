/* AVERAGE_POOL_2D: the sum over the window divided by the number of elements inside the image. */
#include <string.h>

#include "window.h"

void xl_average_pool2d_f32(const xl_op *op) {
  const xl_pool2d_params *p = (const xl_pool2d_params *)op->params;
  const xl_window *win = &p->window;
  const int32_t channels = p->channels;
  const ptrdiff_t line = (ptrdiff_t)win->in_w * channels;
  const float *image = (const float *)op->in[0];
  float *out = (float *)op->out;
  for (int32_t b = 0; b < p->batch; ++b, image += line * win->in_h) {
    for (int32_t y = 0; y < win->out_h; ++y) {
      const xl_span h = xl_span_h(win, y);
      for (int32_t x = 0; x < win->out_w; ++x, out += channels) {
        const xl_span w = xl_span_w(win, x);
        const float *first = image + (h.start + h.begin) * line + (ptrdiff_t)(w.start + w.begin) * channels;
        const float elements = (float)xl_span_count(h) * (float)xl_span_count(w);
        memset(out, 0, (size_t)channels * sizeof *out);
        for (int32_t i = 0; i < xl_span_count(h); ++i) {
          for (int32_t j = 0; j < xl_span_count(w); ++j) {
            const float *from = first + i * line + (ptrdiff_t)j * channels;
            for (int32_t c = 0; c < channels; ++c) out[c] += from[c];
          }
        }
        for (int32_t c = 0; c < channels; ++c) out[c] /= elements;
      }
    }
  }
}
