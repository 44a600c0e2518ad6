/* AVERAGE_POOL_2D: the sum over the window divided by the number of elements inside the image. */
#include <string.h>

#include "core.h"
#include "parallel.h"
#include "variant.h"
#include "window.h"

/* Lines of the output, of all images. */
static void average_lines(void *context, int32_t begin, int32_t end, int32_t worker) {
  const xl_op *op = *(const xl_op **)context;
  const xl_pool2d_params *p = (const xl_pool2d_params *)op->params;
  const xl_window *win = &p->window;
  const int32_t channels = p->channels;
  const ptrdiff_t line = (ptrdiff_t)win->in_w * channels;
  float *out = (float *)op->out + (ptrdiff_t)begin * win->out_w * channels;
  (void)worker;
  for (int32_t l = begin; l < end; ++l) {
    const float *image = (const float *)op->in[0] + l / win->out_h * (line * win->in_h);
    const xl_span h = xl_span_h(win, l % win->out_h);
    for (int32_t x = 0; x < win->out_w; ++x, out += channels) {
      const xl_span w = xl_span_w(win, x);
      const float *first = image + (h.start + h.begin) * line + (ptrdiff_t)(w.start + w.begin) * channels;
      const float elements = (float)xl_span_count(h) * (float)xl_span_count(w);
      memset(out, 0, (size_t)channels * sizeof *out);
      for (int32_t i = 0; i < xl_span_count(h); ++i) {
        for (int32_t j = 0; j < xl_span_count(w); ++j) {
          const float *from = first + i * line + (ptrdiff_t)j * channels;
#ifdef XL_CORE_FLOATS
          xl_core_add_f32(out, from, channels, out);
#else
          for (int32_t c = 0; c < channels; ++c) out[c] += from[c];
#endif
        }
      }
      for (int32_t c = 0; c < channels; ++c) out[c] /= elements;
    }
  }
}

void XL_KERNEL(average_pool2d_f32)(const xl_op *op) {
  const xl_pool2d_params *p = (const xl_pool2d_params *)op->params;
  const xl_window *win = &p->window;
  const ptrdiff_t bytes = (ptrdiff_t)win->in_w * win->stride_h * p->channels * (ptrdiff_t)sizeof(float);
  xl_parallel(op, average_lines, &op, p->batch * win->out_h, xl_grain(bytes));
}
