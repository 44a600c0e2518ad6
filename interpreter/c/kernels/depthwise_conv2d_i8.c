/* DEPTHWISE_CONV_2D with int8 filters, or of integers with bit filters (see integers.h): tap by tap, a block of
 * output channels at a time. Output channel c * m + i sees input channel c. */
#include <string.h>

#include "integers.h"
#include "window.h"

/* dots[i] += numbers[channel of first + i] * weights[i], where the numbers begin at the channel of `first`. */
static void add_tap(const int16_t *numbers, const int16_t *weights, int32_t first, int32_t n, int32_t m,
                    int32_t *dots) {
  if (m == 1) {
    for (int32_t i = 0; i < n; ++i) dots[i] += numbers[i] * weights[i];
    return;
  }
  int32_t c = 0, left = m - first % m;
  for (int32_t i = 0; i < n; ++i) {
    dots[i] += numbers[c] * weights[i];
    if (--left == 0) {
      ++c;
      left = m;
    }
  }
}

/* Output channels first to first + n - 1 of one pixel. image: pixels of x before this image. */
static void dot_block(const xl_conv2d_params *p, const xl_integers *kind, const xl_numbers *x, const xl_weights *w,
                      ptrdiff_t image, xl_span h, xl_span v, int32_t first, int32_t n, int32_t *dots) {
  const xl_window *win = &p->window;
  const int32_t m = p->out_c / p->in_c, channel = first / m, channels = (first + n - 1) / m - channel + 1;
  int16_t numbers[XL_BLOCK], weights[XL_BLOCK];
  memset(dots, 0, (size_t)n * sizeof *dots);
  for (int32_t i = 0; i < win->window_h; ++i) {
    for (int32_t j = 0; j < win->window_w; ++j) {
      const int inside = i >= h.begin && i < h.end && j >= v.begin && j < v.end;
      if (inside) {
        const ptrdiff_t line = h.start + (ptrdiff_t)i * win->dilation_h;
        const ptrdiff_t at = image + line * win->in_w + v.start + (ptrdiff_t)j * win->dilation_w;
        kind->widen(x, at, channel, channels, numbers);
      } else if (p->pad_value != 0) {
        for (int32_t c = 0; c < channels; ++c) numbers[c] = (int16_t)p->pad_value;
      } else {
        continue;
      }
      kind->weigh(w, (ptrdiff_t)i * win->window_w + j, first, n, weights);
      add_tap(numbers, weights, first, n, m, dots);
    }
  }
}

static void run(const xl_op *op, const xl_integers *kind) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_window *win = &p->window;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const xl_numbers x = xl_numbers_of(op, p);
  const xl_weights w = xl_weights_of(op, p->masked, p->out_c);
  char *out = (char *)op->out;
  int32_t dots[XL_BLOCK];
  for (int32_t b = 0; b < p->batch; ++b) {
    const ptrdiff_t image = (ptrdiff_t)b * win->in_h * win->in_w;
    for (int32_t y = 0; y < win->out_h; ++y) {
      const xl_span h = xl_span_h(win, y);
      for (int32_t column = 0; column < win->out_w; ++column, out += 4 * xl_output_words(kind, p->out_c)) {
        const xl_span v = xl_span_w(win, column);
        for (int32_t first = 0; first < p->out_c; first += XL_BLOCK) {
          const int32_t n = xl_min32(p->out_c - first, XL_BLOCK);
          dot_block(p, kind, &x, &w, image, h, v, first, n, dots);
          kind->store(&channels, first, n, dots, out);
        }
      }
    }
  }
}

XL_INTEGER_OP(xl_depthwise_conv2d);

/* y[c * m + i] += x[c] * w[c * m + i], i < m. */
static void add_float_tap(const float *x, const int8_t *w, int32_t in_c, int32_t m, float *y) {
  if (m == 1) {
    for (int32_t c = 0; c < in_c; ++c) y[c] += x[c] * (float)w[c];
    return;
  }
  for (int32_t c = 0; c < in_c; ++c, y += m, w += m) {
    for (int32_t i = 0; i < m; ++i) y[i] += x[c] * (float)w[i];
  }
}

void xl_depthwise_conv2d_f32_i8_f32(const xl_op *op) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_window *win = &p->window;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const int8_t *filter = (const int8_t *)op->in[1];
  float *y = (float *)op->out;
  for (int32_t pixel = 0; pixel < p->batch * win->out_h * win->out_w; ++pixel, y += p->out_c) {
    const int32_t b = pixel / (win->out_h * win->out_w);
    const xl_span h = xl_span_h(win, pixel / win->out_w % win->out_h), v = xl_span_w(win, pixel % win->out_w);
    const float *image = (const float *)op->in[0] + (ptrdiff_t)b * win->in_h * win->in_w * p->in_c;
    memset(y, 0, (size_t)p->out_c * sizeof *y);
    for (int32_t i = h.begin; i < h.end; ++i) {
      const ptrdiff_t line = (h.start + (ptrdiff_t)i * win->dilation_h) * win->in_w;
      for (int32_t j = v.begin; j < v.end; ++j) {
        const float *x = image + (line + v.start + (ptrdiff_t)j * win->dilation_w) * p->in_c;
        add_float_tap(x, filter + ((ptrdiff_t)i * win->window_w + j) * p->out_c, p->in_c, p->out_c / p->in_c, y);
      }
    }
    xl_finish_f32(&channels, 0, p->out_c, y);
  }
}
