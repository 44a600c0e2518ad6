/* CONV_2D of bits with bit filters by look-up (lookup.h).
 *
 * Nothing is gathered. A tap sees one pixel of x for each output pixel, so for tap after tap and run after run the
 * tables are made once and the entries for the pixels that this tap sees are added to the sums of those that see it.
 * Where the tap lies outside the image and zeros are padded it adds nothing, and the window has fewer elements; padding
 * with +1 or -1 is a pixel of x like any other, seen again and again.
 *
 * Filters lie as in the file. A run of a filter is read where it lies if it begins where a core can read it, else it is
 * copied to the workspace. */
#include <string.h>

#include "bits.h"
#include "lookup.h"
#include "lookup_pixels.h"
#include "lookup_shape.h"
#include "lookup_store.h"
#include "window.h"
#include "xor_popcount.h"

#ifdef XL_CORE_COUNTS_APART /* counts in assembler or vectors, which tables made and read in C are slower than */
#define PAYS 0
#else
#define PAYS 1
#endif

enum { ALIGNMENT = XL_LOOKUP_ALIGNMENT };

typedef xl_lookup_shape shape;
typedef xl_lookup_layout layout;
typedef char line_has_room[sizeof(xl_lookup_line) <= XL_LOOKUP_LINE_BYTES ? 1 : -1];

/* An op, one image of it, one block of filters and one chunk of pixels. */
typedef struct conv {
  const xl_conv2d_params *p;
  shape s;
  xl_channels channels;
  xl_lookup_store store;
  const uint32_t *filters;
  uint8_t *tables, *sums;
  uint32_t *pairs, *limits, *bits;
  xl_lookup_line *inside, *outside;
  uint8_t *spread, *padding; /* the latter: x outside the image */
  const uint8_t *x;          /* of the image, as it is read */
  ptrdiff_t x_step;          /* bytes from one of its pixels to the next */
  char *out;                 /* of the image */
  int32_t group, first, n, units; /* the block's filters, from the group's filter `first` on */
  int32_t begin, pixels;          /* the chunk */
  int32_t y, x_first;             /* its first pixel */
} conv;

static conv conv_of(const xl_op *op, xl_lookup_store store) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const shape s = xl_lookup_shape_of(p);
  const layout l = xl_lookup_layout_of(p, &s);
  uint8_t *work = (uint8_t *)op->workspace;
  work += (ALIGNMENT - (uintptr_t)work % ALIGNMENT) % ALIGNMENT;
  conv c;
  memset(&c, 0, sizeof c);
  c.p = p;
  c.s = s;
  c.channels = xl_channels_of(op, &p->activation);
  c.store = store;
  c.filters = (const uint32_t *)op->in[1];
  c.tables = work + l.tables;
  c.sums = work + l.sums;
  c.pairs = (uint32_t *)(void *)(work + l.pairs);
  c.limits = (uint32_t *)(void *)(work + l.limits);
  c.inside = (xl_lookup_line *)(void *)(work + l.inside);
  c.outside = (xl_lookup_line *)(void *)(work + l.outside);
  c.padding = (uint8_t *)(c.outside + 2 * s.lines);
  c.bits = (uint32_t *)(void *)(work + l.bits);
  c.spread = work + l.spread;
  c.x_step = XL_LOOKUP_X_BYTES > 0 ? XL_LOOKUP_X_BYTES : s.pixel * 4;
  return c;
}

/* Which pixels of the chunk see tap (i, j) inside the image, line by line, and which see padding. */
typedef struct lines {
  int32_t inside, outside;
} lines;

static int32_t outputs_before(int32_t in, int32_t stride) { return in <= 0 ? 0 : xl_steps_of(in, stride); }

static void put_outside(const conv *c, lines *n, int32_t at, int32_t count) {
  if (c->p->pad_value == 0 || count <= 0) return;
  const xl_lookup_line line = {c->padding, 0, c->sums + (ptrdiff_t)at * c->units * XL_LOOKUP_UNIT_BYTES, count};
  c->outside[n->outside++] = line;
}

static lines lines_of(const conv *c, int32_t i, int32_t j) {
  const xl_window *w = &c->p->window;
  const int32_t left = w->pad_left - j * w->dilation_w, end = c->begin + c->pixels;
  /* outputs first to last - 1 of a line see the tap inside */
  const int32_t first = outputs_before(left, w->stride_w), last = outputs_before(w->in_w + left, w->stride_w);
  lines n = {0, 0};
  int32_t from = c->x_first, in_y = c->y * w->stride_h - w->pad_top + i * w->dilation_h;
  for (int32_t at = c->begin; at < end; from = 0, in_y += w->stride_h) {
    const int32_t to = xl_min32(w->out_w, from + end - at);
    const int32_t a = xl_min32(xl_max32(first, from), to), b = xl_max32(xl_min32(last, to), a);
    const int32_t to_begin = at - c->begin - from; /* from a line's pixels to the chunk's */
    at += to - from;
    if (in_y < 0 || in_y >= w->in_h) {
      put_outside(c, &n, to_begin + from, to - from);
      continue;
    }
    put_outside(c, &n, to_begin + from, a - from);
    put_outside(c, &n, to_begin + b, to - b);
    if (a == b) continue;
    xl_lookup_line *line = &c->inside[n.inside++];
    line->x = c->x + ((ptrdiff_t)in_y * w->in_w + a * w->stride_w - left) * c->x_step;
    line->step = c->x_step * w->stride_w;
    line->sums = c->sums + (ptrdiff_t)(to_begin + a) * c->units * XL_LOOKUP_UNIT_BYTES;
    line->n = b - a;
  }
  return n;
}

/* The tables of a run: bits first to first + n - 1 of the block's filters. */
static void make_tables(const conv *c, int32_t first, int32_t n) {
  const uint32_t *rows = c->filters + (ptrdiff_t)(c->group * c->s.group_out + c->first) * c->s.filter;
  if (n == XL_LOOKUP_RUN_BITS && first % XL_LOOKUP_RUN_BITS == 0 && c->n == c->units * XL_LOOKUP_UNIT) {
    xl_lookup_tables((const uint8_t *)rows + first / 8, c->s.filter * 4, c->units, c->tables);
    return;
  }
  for (int32_t f = 0; f < c->units * XL_LOOKUP_UNIT; ++f) {
    c->bits[f] = f < c->n ? xl_bits_at(rows + f * c->s.filter, first, n) : 0;
  }
  xl_lookup_tables((const uint8_t *)c->bits, sizeof *c->bits, c->units, c->tables);
}

static void add_padding(const conv *c, int32_t outside, int32_t n) {
  const uint32_t value = c->p->pad_value < 0 ? xl_low_bits(n) : 0;
  if (XL_LOOKUP_X_BYTES > 0) {
    xl_lookup_spread(&value, 1, 0, 1, c->padding);
  } else {
    memcpy(c->padding, &value, sizeof value);
  }
  xl_lookup_add(c->outside, outside, c->units, 0, 0, c->tables);
}

/* Where run `run` of the group is, behind the beginning of a pixel; shift: in the word there. */
static ptrdiff_t run_offset(const conv *c, int32_t run, int32_t *shift) {
  const int32_t bit = c->group * c->s.group_c + run * XL_LOOKUP_RUN_BITS;
  const ptrdiff_t plane = (ptrdiff_t)c->p->window.in_h * c->p->window.in_w * XL_LOOKUP_X_BYTES;
  *shift = bit % XL_WORD_BITS;
  return XL_LOOKUP_X_BYTES > 0 ? (c->group * c->s.runs + run) * plane : bit / XL_WORD_BITS * 4;
}

/* The counts of a block of filters for a chunk of pixels. */
static void count_chunk(const conv *c) {
  const xl_window *w = &c->p->window;
  const int32_t units = c->pixels * c->units;
  int32_t added = 0, first = 1;
  xl_lookup_clear(c->sums, units);
  for (int32_t tap = 0; tap < w->window_h * w->window_w; ++tap) {
    const lines n = lines_of(c, tap / w->window_w, tap % w->window_w);
    if (n.inside + n.outside == 0) continue;
    for (int32_t run = 0; run < c->s.runs; ++run) {
      const int32_t done = run * XL_LOOKUP_RUN_BITS, bits = xl_min32(c->s.group_c - done, XL_LOOKUP_RUN_BITS);
      int32_t shift;
      const ptrdiff_t offset = run_offset(c, run, &shift);
      make_tables(c, tap * c->s.group_c + done, bits);
      xl_lookup_add(c->inside, n.inside, c->units, offset, shift, c->tables);
      if (n.outside > 0) add_padding(c, n.outside, bits);
      if (++added == XL_LOOKUP_MOST_RUNS) {
        xl_lookup_widen(c->sums, units, first, c->pairs);
        added = first = 0;
      }
    }
  }
  if (added > 0 || first) xl_lookup_widen(c->sums, units, first, c->pairs);
}

/* How many elements the windows from x on have in a line with so many taps inside the image, and how many pixels alike
 * there are: all that see every column, or one. */
static int32_t elements_of(const conv *c, int32_t taps_h, int32_t x, int32_t *pixels) {
  const xl_window *w = &c->p->window;
  /* before it the last tap is inside */
  const int32_t last = w->in_w + w->pad_left - (w->window_w - 1) * w->dilation_w;
  const int32_t end = outputs_before(last, w->stride_w);
  const int whole = x * w->stride_w >= w->pad_left && x < end;
  *pixels = whole ? xl_min32(end, w->out_w) - x : 1;
  return taps_h * (whole ? w->window_w : xl_span_count(xl_span_w(w, x))) * c->s.group_c;
}

static void store_chunk(const conv *c) {
  const xl_window *w = &c->p->window;
  const int32_t begin = c->group * c->s.group_out + c->first, taps = w->window_h * w->window_w;
  xl_lookup_block b = {&c->channels, begin,   c->n, c->units * XL_LOOKUP_PAIRS, taps * c->s.group_c, 0,
                       c->store.pixel_bytes, c->limits};
  if (c->p->pad_value == 0) b.tap = c->s.group_c;
  const xl_store_pixels store = c->store.begin(&b);
  char *out = c->out + c->begin * b.pixel_bytes;
  if (c->p->pad_value != 0) {
    store(&b, b.bits, c->pairs, c->pixels, out);
    return;
  }
  int32_t y = c->y, x = c->x_first;
  for (int32_t i = 0, n; i < c->pixels; i += n) {
    const int32_t bits = elements_of(c, xl_span_count(xl_span_h(w, y)), x, &n);
    n = xl_min32(n, c->pixels - i);
    store(&b, bits, c->pairs + (ptrdiff_t)i * b.pairs, n, out + i * b.pixel_bytes);
    x += n;
    if (x == w->out_w) {
      x = 0;
      ++y;
    }
  }
}

/* One image: x is made ready, then all chunks go by each block of filters. */
static void convolve_image(conv *c, const uint32_t *image) {
  const int32_t pixels = c->p->window.out_h * c->p->window.out_w, in_pixels = c->p->window.in_h * c->p->window.in_w;
  c->x = (const uint8_t *)image;
  if (XL_LOOKUP_X_BYTES > 0) {
    for (int32_t run = 0; run < c->s.runs * c->p->groups; ++run) {
      xl_lookup_spread(image, c->s.pixel, run, in_pixels, c->spread + (ptrdiff_t)run * in_pixels * XL_LOOKUP_X_BYTES);
    }
    c->x = c->spread;
  }
  for (c->group = 0; c->group < c->p->groups; ++c->group) {
    for (int32_t b = 0; b < c->s.blocks; ++b) {
      const int32_t before = (int32_t)((int64_t)c->s.units * b / c->s.blocks);
      c->units = (int32_t)((int64_t)c->s.units * (b + 1) / c->s.blocks) - before;
      c->n = xl_min32(c->units * XL_LOOKUP_UNIT, c->s.group_out);
      c->first = xl_min32(before * XL_LOOKUP_UNIT, c->s.group_out - c->n); /* the last one may do some again */
      for (c->begin = 0; c->begin < pixels; c->begin += c->pixels) {
        c->pixels = xl_min32(c->s.chunk, pixels - c->begin);
        c->y = c->begin / c->p->window.out_w;
        c->x_first = c->begin % c->p->window.out_w;
        count_chunk(c);
        store_chunk(c);
      }
    }
  }
}

static void convolve(const xl_op *op, xl_lookup_store store) {
  conv c = conv_of(op, store);
  if (xl_lookup_by_pixels(c.p, &c.s)) {
    xl_lookup_pixels(op, store);
    return;
  }
  const xl_window *w = &c.p->window;
  const uint32_t *image = (const uint32_t *)op->in[0];
  c.out = (char *)op->out;
  for (int32_t n = 0; n < c.p->batch; ++n) {
    convolve_image(&c, image);
    image += (ptrdiff_t)w->in_h * w->in_w * c.s.pixel;
    c.out += (ptrdiff_t)w->out_h * w->out_w * store.pixel_bytes;
  }
}

uint64_t xl_lookup_conv2d_b_b_workspace(const xl_conv2d_params *p) { return xl_lookup_workspace(p); }

int32_t xl_lookup_conv2d_b_b_takes(const xl_conv2d_params *p) { return xl_lookup_takes(p); }

int32_t xl_lookup_conv2d_b_b_pays(const xl_conv2d_params *p) {
  return PAYS && !xl_has_popcount() && xl_lookup_saves(p);
}

void xl_lookup_conv2d_b_b_b(const xl_op *op) {
  const ptrdiff_t words = xl_words(((const xl_conv2d_params *)op->params)->out_c);
  const xl_lookup_store store = {xl_lookup_begin_b, words * 4};
  convolve(op, store);
}

void xl_lookup_conv2d_b_b_i32(const xl_op *op) {
  const xl_lookup_store store = {xl_lookup_begin_i32, ((const xl_conv2d_params *)op->params)->out_c * (ptrdiff_t)4};
  convolve(op, store);
}

void xl_lookup_conv2d_b_b_f32(const xl_op *op) {
  const xl_lookup_store store = {xl_lookup_begin_f32, ((const xl_conv2d_params *)op->params)->out_c * (ptrdiff_t)4};
  convolve(op, store);
}
