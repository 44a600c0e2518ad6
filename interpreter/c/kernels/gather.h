/* The bits of one window of an image as one row. Internal. */
#ifndef XL_GATHER_H
#define XL_GATHER_H

#include "bits.h"
#include "window.h"

typedef struct xl_gather {
  const xl_window *window;
  ptrdiff_t pixel;  /* words of an input pixel */
  int32_t first, n; /* the channels */
  uint32_t outside; /* the bits of the padding, 0 or UINT32_MAX */
} xl_gather;

/* Tap by tap, each appended to the bits of the one before. */
static inline void xl_gather_bits(const xl_gather *g, const uint32_t *x, xl_span h, xl_span w, uint32_t *row) {
  const xl_window *win = g->window;
  const int32_t before = w.begin * g->n, after = (win->window_w - w.end) * g->n;
  xl_bit_writer out = xl_write_bits(row);
  for (int32_t i = 0; i < win->window_h; ++i) {
    if (i < h.begin || i >= h.end) {
      xl_put_same(&out, g->outside, win->window_w * g->n);
      continue;
    }
    const uint32_t *line = x + (ptrdiff_t)(h.start + i * win->dilation_h) * win->in_w * g->pixel;
    xl_put_same(&out, g->outside, before);
    for (int32_t j = w.begin; j < w.end; ++j) {
      xl_put_row(&out, line + (w.start + j * win->dilation_w) * g->pixel, g->first, g->n);
    }
    xl_put_same(&out, g->outside, after);
  }
  xl_end_row(&out);
}

#endif
