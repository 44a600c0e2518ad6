/* CONV_2D and DENSE of floats with int8 filters: a chunk of a filter is made floats once for a strip of windows, or of
 * rows. */
#include <string.h>

#include "bits.h"
#include "dots_f32.h"
#include "store.h"
#include "window.h"

#define STRIP 8
#define CHUNK 64 /* weights that are made floats at a time, on the stack */

/* Dot products of `count` rows, up to STRIP, with `filters` filters of k weights: y[row * step + filter]. */
static void dot_rows(const float *rows, int32_t count, const int8_t *w, int32_t filters, ptrdiff_t k, float *y,
                     ptrdiff_t step) {
  float weights[CHUNK];
  for (int32_t f = 0; f < filters; ++f, w += k) {
    float sums[STRIP] = {0};
    for (ptrdiff_t at = 0; at < k; at += CHUNK) {
      const ptrdiff_t n = k - at < CHUNK ? k - at : CHUNK;
      for (ptrdiff_t i = 0; i < n; ++i) weights[i] = (float)w[at + i];
      for (int32_t r = 0; r < count; ++r) sums[r] += xl_dot_f32(rows + r * k + at, weights, n);
    }
    for (int32_t r = 0; r < count; ++r) y[r * step + f] = sums[r];
  }
}

static ptrdiff_t window_elements(const xl_conv2d_params *p) {
  return (ptrdiff_t)p->window.window_h * p->window.window_w * (p->in_c / p->groups);
}

uint64_t xl_conv2d_f32_i8_workspace(const xl_conv2d_params *p) {
  return STRIP * (uint64_t)window_elements(p) * sizeof(float);
}

/* The window of output pixel `index` of the whole batch, with 0 outside. x: at the group's first channel. */
static void gather(const xl_conv2d_params *p, const float *x, int32_t index, float *to) {
  const xl_window *win = &p->window;
  const int32_t column = index % win->out_w, row = index / win->out_w % win->out_h;
  const int32_t n = index / win->out_w / win->out_h, group_c = p->in_c / p->groups;
  const xl_span h = xl_span_h(win, row), w = xl_span_w(win, column);
  memset(to, 0, (size_t)window_elements(p) * sizeof *to);
  for (int32_t i = h.begin; i < h.end; ++i) {
    const ptrdiff_t line = ((ptrdiff_t)n * win->in_h + h.start + (ptrdiff_t)i * win->dilation_h) * win->in_w;
    for (int32_t j = w.begin; j < w.end; ++j) {
      const float *from = x + (line + w.start + (ptrdiff_t)j * win->dilation_w) * p->in_c;
      memcpy(to + ((ptrdiff_t)i * win->window_w + j) * group_c, from, (size_t)group_c * sizeof *to);
    }
  }
}

void xl_conv2d_f32_i8_f32(const xl_op *op) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const int32_t pixels = p->batch * p->window.out_h * p->window.out_w, group_out = p->out_c / p->groups;
  const ptrdiff_t k = window_elements(p);
  float *rows = (float *)op->workspace, *y = (float *)op->out;
  for (int32_t index = 0; index < pixels; index += STRIP) {
    const int32_t some = xl_min32(STRIP, pixels - index);
    for (int32_t g = 0; g < p->groups; ++g) {
      const float *x = (const float *)op->in[0] + (ptrdiff_t)g * (p->in_c / p->groups);
      for (int32_t s = 0; s < some; ++s) gather(p, x, index + s, rows + s * k);
      dot_rows(rows, some, (const int8_t *)op->in[1] + g * group_out * k, group_out, k, y + g * group_out, p->out_c);
    }
    for (int32_t s = 0; s < some; ++s, y += p->out_c) xl_finish_f32(&channels, 0, p->out_c, y);
  }
}

uint64_t xl_dense_f32_i8_workspace(const xl_dense_params *p) {
  (void)p;
  return 0;
}

void xl_dense_f32_i8_f32(const xl_op *op) {
  const xl_dense_params *p = (const xl_dense_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const float *x = (const float *)op->in[0];
  float *y = (float *)op->out;
  for (int32_t r = 0; r < p->rows; r += STRIP, x += STRIP * (ptrdiff_t)p->features) {
    const int32_t some = xl_min32(STRIP, p->rows - r);
    dot_rows(x, some, (const int8_t *)op->in[1], p->units, p->features, y, p->units);
    for (int32_t s = 0; s < some; ++s, y += p->units) xl_finish_f32(&channels, 0, p->units, y);
  }
}
