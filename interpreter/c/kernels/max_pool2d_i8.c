/* MAX_POOL_2D of bytes. The first element under the window is copied, the others are compared. */
#include <string.h>

#include "bits.h"
#include "window.h"

#define MAX_POOL(letter, type)                                                                           \
  static void join_##letter(const type *x, int32_t n, type *y) {                                         \
    for (int32_t c = 0; c < n; ++c) y[c] = x[c] > y[c] ? x[c] : y[c];                                    \
  }                                                                                                      \
  static void pool_##letter(const xl_pool2d_params *p, const type *image, xl_span h, xl_span w, type *y) { \
    const ptrdiff_t pixel = p->channels, line = pixel * p->window.in_w;                                  \
    const type *first = image + (h.start + h.begin) * line + (w.start + w.begin) * pixel;                \
    memcpy(y, first, (size_t)pixel);                                                                     \
    for (int32_t i = 0; i < xl_span_count(h); ++i) {                                                     \
      for (int32_t j = i == 0; j < xl_span_count(w); ++j) {                                              \
        join_##letter(first + i * line + j * pixel, p->channels, y);                                     \
      }                                                                                                  \
    }                                                                                                    \
  }                                                                                                      \
  void xl_max_pool2d_##letter(const xl_op *op) {                                                         \
    const xl_pool2d_params *p = (const xl_pool2d_params *)op->params;                                    \
    const xl_window *win = &p->window;                                                                   \
    const type *image = (const type *)op->in[0];                                                         \
    type *y = (type *)op->out;                                                                           \
    for (int32_t b = 0; b < p->batch; ++b, image += (ptrdiff_t)win->in_h * win->in_w * p->channels) {    \
      for (int32_t row = 0; row < win->out_h; ++row) {                                                   \
        for (int32_t column = 0; column < win->out_w; ++column, y += p->channels) {                      \
          pool_##letter(p, image, xl_span_h(win, row), xl_span_w(win, column), y);                       \
        }                                                                                                \
      }                                                                                                  \
    }                                                                                                    \
  }                                                                                                      \
  typedef int max_pool_##letter##_takes_a_semicolon

MAX_POOL(i8, int8_t);
MAX_POOL(u8, uint8_t);
