/* CONV_2D of bits with bit filters.
 *
 * The window of one output pixel is gathered as one row of KH * KW * I bits, in the order in which a filter is
 * packed, and compared with every filter of the group. Where zeros are padded, which no bit can hold, a second row
 * masks what is real: pixels whose window is wholly inside do without it. Filters with masks and bit planes go by
 * volume.h. */
#include <string.h>

#include "bits.h"
#include "core.h"
#include "gather.h"
#include "store.h"
#include "trim.h"
#include "volume.h"
#include "window.h"
#include "xor_popcount.h"

typedef struct conv {
  const xl_conv2d_params *p;
  int32_t group_c;      /* input channels of a group */
  ptrdiff_t pixel;      /* words of an input pixel */
  ptrdiff_t row_words;  /* of a gathered window, and of a filter */
  int32_t row_bits;
  uint32_t outside;     /* the bits of the padding */
  uint32_t *row, *mask; /* workspace */
} conv;

static conv conv_of(const xl_conv2d_params *p, void *workspace) {
  conv c;
  c.p = p;
  c.group_c = p->in_c / p->groups;
  c.pixel = xl_words(p->in_c);
  c.row_bits = p->window.window_h * p->window.window_w * c.group_c;
  c.row_words = xl_words(c.row_bits);
  c.outside = p->pad_value < 0 ? UINT32_MAX : 0;
  c.row = (uint32_t *)workspace;
  c.mask = c.row == NULL ? NULL : c.row + c.row_words;
  return c;
}

static int is_plain(const xl_conv2d_params *p) { return p->planes == 1 && !p->masked; }

uint64_t xl_conv2d_b_b_workspace(const xl_conv2d_params *p) {
  if (XL_WITH_VOLUMES && !is_plain(p)) {
    const xl_volume v = xl_volume_of_2d(p, 0);
    return xl_volume_b_workspace(&v);
  }
  return (uint64_t)conv_of(p, NULL).row_words * sizeof(uint32_t) * 2; /* the row and its mask */
}

/* The window where a group's channels are whole words: words are copied, and where neighbouring taps are neighbours
 * in memory a whole line of the window at once. */
static void gather_words(const conv *c, const uint32_t *x, int32_t first, xl_span h, xl_span w) {
  const xl_window *win = &c->p->window;
  const ptrdiff_t tap = c->group_c / XL_WORD_BITS, line = tap * win->window_w;
  const ptrdiff_t step = c->pixel * win->dilation_w;
  const ptrdiff_t run = step == tap ? tap * xl_span_count(w) : tap, runs = step == tap ? 1 : xl_span_count(w);
  uint32_t *out = c->row;
  if (xl_span_count(h) * xl_span_count(w) < win->window_h * win->window_w) {
    memset(out, (int)(c->outside & 0xff), (size_t)c->row_words * sizeof *out);
  }
  if (xl_span_count(w) == 0) return;
  for (int32_t i = h.begin; i < h.end; ++i) {
    const ptrdiff_t y = h.start + i * win->dilation_h, left = w.start + w.begin * win->dilation_w;
    const uint32_t *from = x + (y * win->in_w + left) * c->pixel + first / XL_WORD_BITS;
    uint32_t *to = out + i * line + w.begin * tap;
    for (ptrdiff_t j = 0; j < runs; ++j) {
      for (ptrdiff_t k = 0; k < run; ++k) to[k] = from[k];
      from += step;
      to += tap;
    }
  }
}

/* 1 in every bit that lies inside the image; returns their number. */
static int32_t gather_mask(const conv *c, xl_span h, xl_span w) {
  const xl_window *win = &c->p->window;
  const int32_t before = w.begin * c->group_c, inside = xl_span_count(w) * c->group_c;
  const int32_t line = win->window_w * c->group_c;
  xl_bit_writer out = xl_write_bits(c->mask);
  xl_put_same(&out, 0, h.begin * line);
  for (int32_t i = h.begin; i < h.end; ++i) {
    xl_put_same(&out, 0, before);
    xl_put_same(&out, UINT32_MAX, inside);
    xl_put_same(&out, 0, line - before - inside);
  }
  xl_put_same(&out, 0, (win->window_h - h.end) * line);
  xl_end_row(&out);
  return inside * xl_span_count(h);
}

/* What filters are compared with. mask: 1 where the row is inside the image; NULL where it counts as a whole. parts:
 * or the whole words that are inside, so many pieces of `part` words, the first `at` words behind the row's beginning
 * and each a line of the window behind the one before; 0 where the row counts as a whole. bits: that are inside. */
typedef struct seen {
  const uint32_t *row, *mask;
  ptrdiff_t at, part, line;
  int32_t parts, bits;
} seen;

static void count_parts(const conv *c, const seen *s, const uint32_t *filters, int32_t n, uint32_t *counts) {
#ifdef XL_CORE_COUNTS_APART
  uint32_t more[XL_BLOCK];
  for (int32_t i = 0; i < s->parts; ++i) {
    const ptrdiff_t at = s->at + i * s->line;
    xl_core_count_differing_apart(s->row + at, filters + at, s->part, c->row_words, n, i == 0 ? counts : more);
    for (int32_t f = 0; i > 0 && f < n; ++f) counts[f] += more[f];
  }
#else
  (void)c, (void)s, (void)filters, (void)n, (void)counts;
#endif
}

/* Where zeros are padded: what is inside. */
static void see_inside(const conv *c, xl_span h, xl_span w, seen *s) {
#ifdef XL_CORE_COUNTS_APART
  const ptrdiff_t tap = c->group_c / XL_WORD_BITS;
  if (c->group_c % XL_WORD_BITS == 0 && xl_span_count(h) * xl_span_count(w) > 0) {
    const int whole = xl_span_count(w) == c->p->window.window_w;
    s->line = tap * c->p->window.window_w;
    s->at = h.begin * s->line + w.begin * tap;
    s->part = (whole ? xl_span_count(h) : 1) * tap * xl_span_count(w);
    s->parts = whole ? 1 : xl_span_count(h);
    s->bits = xl_span_count(h) * xl_span_count(w) * c->group_c;
    return;
  }
#endif
  s->bits = gather_mask(c, h, w);
  s->mask = c->mask;
}

/* All filters of one group over one window. filters: the group's first; first: its output channel. */
static void filter_window(const conv *c, const seen *s, const uint32_t *filters, int32_t first, xl_store store,
                          const xl_channels *channels, void *out) {
  const int32_t end = first + c->p->out_c / c->p->groups;
  uint32_t counts[XL_BLOCK];
  for (int32_t f = first; f < end;) {
    const int32_t n = xl_min32(end - f, XL_BLOCK - f % XL_BLOCK);
    if (XL_WITH_ZERO_PADDING && s->parts > 0) {
      count_parts(c, s, filters, n, counts);
    } else if (!XL_WITH_ZERO_PADDING || s->mask == NULL) {
      xl_count_differing(s->row, filters, c->row_words, n, counts);
    } else {
      xl_count_differing_masked(s->row, s->mask, filters, c->row_words, n, counts);
    }
    store(channels, f, n, s->bits, counts, out);
    filters += n * c->row_words;
    f += n;
  }
}

/* One output pixel, all groups. image: x of this batch element. */
static void convolve_pixel(const conv *c, const uint32_t *image, const uint32_t *filters, xl_span h, xl_span w,
                           xl_store store, const xl_channels *channels, void *out) {
  const xl_window *win = &c->p->window;
  const int32_t group_out = c->p->out_c / c->p->groups, taps = win->window_h * win->window_w;
  const int inside = xl_span_count(h) * xl_span_count(w) == taps;
  seen s = {NULL, NULL, 0, 0, 0, 0, c->row_bits};
  if (XL_WITH_ZERO_PADDING && !inside && c->p->pad_value == 0) see_inside(c, h, w, &s);
  for (int32_t g = 0; g < c->p->groups; ++g) {
    s.row = c->row;
    if (inside && taps == 1 && c->p->groups == 1) {
      s.row = image + ((ptrdiff_t)h.start * win->in_w + w.start) * c->pixel; /* the window is the pixel */
    } else if (c->group_c % XL_WORD_BITS == 0) {
      gather_words(c, image, g * c->group_c, h, w);
    } else {
      const xl_gather window_bits = {win, c->pixel, g * c->group_c, c->group_c, c->outside};
      xl_gather_bits(&window_bits, image, h, w, c->row);
    }
    filter_window(c, &s, filters + (ptrdiff_t)g * group_out * c->row_words, g * group_out, store, channels, out);
  }
}

/* out_words: 4-byte words of an output pixel. */
XL_APART void convolve_plain(const xl_op *op, xl_store store, ptrdiff_t out_words) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_window *win = &p->window;
  const conv c = conv_of(p, op->workspace);
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const uint32_t *image = (const uint32_t *)op->in[0];
  char *out = (char *)op->out;
  for (int32_t n = 0; n < p->batch; ++n) {
    for (int32_t y = 0; y < win->out_h; ++y) {
      const xl_span h = xl_span_h(win, y);
      for (int32_t x = 0; x < win->out_w; ++x) {
        convolve_pixel(&c, image, (const uint32_t *)op->in[1], h, xl_span_w(win, x), store, &channels, out);
        out += out_words * 4;
      }
    }
    image += (ptrdiff_t)win->in_h * win->in_w * c.pixel;
  }
}

XL_APART void convolve_volume(const xl_op *op, xl_store_dots store, ptrdiff_t out_words) {
  if (XL_WITH_VOLUMES) {
    const xl_volume v = xl_volume_of_2d((const xl_conv2d_params *)op->params, 0);
    xl_volume_b(op, &v, store, out_words);
  }
}

/* store_dots: what `store` does with counts. */
static void convolve(const xl_op *op, xl_store store, xl_store_dots store_dots, ptrdiff_t out_words) {
  if (XL_WITH_VOLUMES && !is_plain((const xl_conv2d_params *)op->params)) {
    convolve_volume(op, store_dots, out_words);
  } else {
    convolve_plain(op, store, out_words);
  }
}

void xl_conv2d_b_b_b(const xl_op *op) {
  convolve(op, xl_store_b, xl_store_dots_b, xl_words(((const xl_conv2d_params *)op->params)->out_c));
}

void xl_conv2d_b_b_i32(const xl_op *op) {
  convolve(op, xl_store_i32, xl_store_dots_i32, ((const xl_conv2d_params *)op->params)->out_c);
}

void xl_conv2d_b_b_f32(const xl_op *op) {
  convolve(op, xl_store_f32, xl_store_dots_f32, ((const xl_conv2d_params *)op->params)->out_c);
}
