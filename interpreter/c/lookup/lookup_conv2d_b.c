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
#include "lookup_store.h"
#include "window.h"
#include "xor_popcount.h"

#ifdef XL_CORE_COUNTS_APART /* counts in assembler or vectors, which tables made and read in C are slower than */
#define PAYS 0
#else
#define PAYS 1
#endif

enum { LINES_EACH = 3, ALIGNMENT = 64, RUN_BYTES = XL_LOOKUP_RUN_BITS / 8, FEWEST_PIXELS = 16 };

/* Sizes that follow from the parameters. */
typedef struct shape {
  int32_t group_c, group_out;
  int32_t runs;             /* of a tap */
  int32_t units, blocks;    /* of the filters of a group */
  int32_t most_units;       /* of a block */
  int32_t chunk;            /* the most pixels of one */
  int32_t lines;            /* of a chunk, with some that the first and last of its lines need */
  ptrdiff_t pixel, filter;  /* words */
} shape;

static int32_t ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

static shape shape_of(const xl_conv2d_params *p) {
  const int32_t pixels = p->window.out_h * p->window.out_w;
  const int32_t room = XL_LOOKUP_CACHE_BYTES - XL_LOOKUP_ENTRIES * XL_LOOKUP_ENTRY_BYTES;
  shape s;
  s.group_c = p->in_c / p->groups;
  s.group_out = p->out_c / p->groups;
  s.runs = ceil_div(s.group_c, XL_LOOKUP_RUN_BITS);
  s.units = ceil_div(s.group_out, XL_LOOKUP_UNIT);
  s.blocks = ceil_div(s.units, XL_LOOKUP_UNITS);
  s.most_units = ceil_div(s.units, s.blocks);
  const int32_t fits = xl_max32(room / (s.most_units * XL_LOOKUP_UNIT_BYTES), FEWEST_PIXELS);
  s.chunk = ceil_div(pixels, ceil_div(pixels, fits));
  s.lines = xl_min32(s.chunk, ceil_div(s.chunk, p->window.out_w) + 1);
  s.pixel = xl_words(p->in_c);
  s.filter = xl_words(p->window.window_h * p->window.window_w * s.group_c);
  return s;
}

/* The workspace's parts; offsets from its aligned beginning. */
typedef struct layout {
  size_t tables, sums, pairs, limits, inside, outside, bits, spread, end;
} layout;

static size_t take(size_t *end, uint64_t bytes) {
  const size_t at = *end;
  *end += (size_t)((bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  return at;
}

static layout layout_of(const xl_conv2d_params *p, const shape *s) {
  const uint64_t units = (uint64_t)s->chunk * (uint64_t)s->most_units, lines = (uint64_t)s->lines;
  const uint64_t pixels = (uint64_t)p->window.in_h * (uint64_t)p->window.in_w;
  layout l;
  l.end = 0;
  l.tables = take(&l.end, XL_LOOKUP_ENTRIES * XL_LOOKUP_ENTRY_BYTES);
  l.sums = take(&l.end, units * XL_LOOKUP_UNIT_BYTES);
  l.pairs = take(&l.end, units * XL_LOOKUP_PAIRS * 4);
  l.limits = take(&l.end, (uint64_t)s->most_units * XL_LOOKUP_PAIRS * 4);
  l.inside = take(&l.end, lines * sizeof(xl_lookup_line));
  l.outside = take(&l.end, p->pad_value == 0 ? 0 : 2 * lines * sizeof(xl_lookup_line) + XL_LOOKUP_X_BYTES);
  l.bits = take(&l.end, (uint64_t)XL_LOOKUP_UNITS * XL_LOOKUP_UNIT * 4);
  l.spread = take(&l.end, pixels * XL_LOOKUP_X_BYTES * (uint64_t)s->runs * (uint64_t)p->groups);
  return l;
}

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
} conv;

static conv conv_of(const xl_op *op, xl_lookup_store store) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const shape s = shape_of(p);
  const layout l = layout_of(p, &s);
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

static int32_t outputs_before(int32_t in, int32_t stride) { return in <= 0 ? 0 : ceil_div(in, stride); }

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
  for (int32_t at = c->begin; at < end;) {
    const int32_t y = at / w->out_w, from = at % w->out_w, to = xl_min32(w->out_w, from + end - at);
    const int32_t in_y = y * w->stride_h - w->pad_top + i * w->dilation_h;
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
  int32_t added = 0;
  memset(c->pairs, 0, (size_t)units * XL_LOOKUP_PAIRS * 4);
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
        xl_lookup_widen(c->sums, units, c->pairs);
        added = 0;
      }
    }
  }
  xl_lookup_widen(c->sums, units, c->pairs);
}

static void store_chunk(const conv *c) {
  const xl_window *w = &c->p->window;
  const int32_t begin = c->group * c->s.group_out + c->first, taps = w->window_h * w->window_w;
  xl_lookup_block b = {&c->channels, begin, c->n, c->units * XL_LOOKUP_PAIRS, taps * c->s.group_c, 0, c->limits};
  if (c->p->pad_value == 0) b.tap = c->s.group_c;
  const xl_store_pixel store = c->store.begin(&b);
  const uint32_t *pairs = c->pairs;
  char *out = c->out + c->begin * c->store.pixel_bytes;
  int32_t y = c->begin / w->out_w, x = c->begin % w->out_w;
  xl_span h = xl_span_h(w, y);
  for (int32_t i = 0; i < c->pixels; ++i, pairs += b.pairs, out += c->store.pixel_bytes) {
    int32_t bits = b.bits;
    if (c->p->pad_value == 0) bits = xl_span_count(h) * xl_span_count(xl_span_w(w, x)) * c->s.group_c;
    store(&b, bits, pairs, out);
    if (++x == w->out_w) {
      x = 0;
      h = xl_span_h(w, ++y);
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
        count_chunk(c);
        store_chunk(c);
      }
    }
  }
}

/* Instructions, but for the outputs. */
static int64_t cost_of(const xl_conv2d_params *p, const shape *s) {
  const int64_t pixels = (int64_t)p->window.out_h * p->window.out_w, chunks = (pixels + s->chunk - 1) / s->chunk;
  const int64_t runs = (int64_t)p->window.window_h * p->window.window_w * s->runs * p->groups * p->batch;
  const int64_t tables = (int64_t)s->blocks * XL_LOOKUP_RUN_COST + (int64_t)s->units * XL_LOOKUP_UNIT_COST;
  const int64_t sums = (int64_t)s->blocks * XL_LOOKUP_PIXEL_COST + (int64_t)s->units * XL_LOOKUP_PIXEL_UNIT_COST;
  return runs * (chunks * tables + pixels * sums);
}

/* Whether tables of pixels, which all filters use, are cheaper. */
static int by_pixels(const xl_conv2d_params *p, const shape *s) {
  return xl_lookup_pixels_cost(p) < cost_of(p, s);
}

/* each: the same kind of output, of one pixel's counts. */
static void convolve(const xl_op *op, xl_lookup_store store, xl_store each) {
  conv c = conv_of(op, store);
  if (by_pixels(c.p, &c.s)) {
    xl_lookup_pixels(op, each, store.pixel_bytes);
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

uint64_t xl_lookup_conv2d_b_b_workspace(const xl_conv2d_params *p) {
  const shape s = shape_of(p);
  return by_pixels(p, &s) ? xl_lookup_pixels_workspace(p) : layout_of(p, &s).end + ALIGNMENT - 4;
}

int32_t xl_lookup_conv2d_b_b_takes(const xl_conv2d_params *p) {
  const int64_t row = (int64_t)p->window.window_h * p->window.window_w * (p->in_c / p->groups);
  const int whole = p->groups == 1 || p->in_c / p->groups % XL_WORD_BITS == 0;
  return p->planes == 1 && !p->masked && whole && row < UINT16_MAX;
}

/* Carry-save adders take about 10 instructions a word and 30 a row. */
int32_t xl_lookup_conv2d_b_b_pays(const xl_conv2d_params *p) {
  if (!xl_lookup_conv2d_b_b_takes(p) || xl_has_popcount() || !PAYS) return 0;
  const shape s = shape_of(p);
  const int64_t rows = (int64_t)p->batch * p->window.out_h * p->window.out_w * p->out_c;
  const int64_t adders = rows * (10 * (int64_t)s.filter + 30);
  return cost_of(p, &s) < adders || by_pixels(p, &s);
}

void xl_lookup_conv2d_b_b_b(const xl_op *op) {
  const ptrdiff_t words = xl_words(((const xl_conv2d_params *)op->params)->out_c);
  const xl_lookup_store store = {xl_lookup_begin_b, words * 4};
  convolve(op, store, xl_store_b);
}

void xl_lookup_conv2d_b_b_i32(const xl_op *op) {
  const xl_lookup_store store = {xl_lookup_begin_i32, ((const xl_conv2d_params *)op->params)->out_c * (ptrdiff_t)4};
  convolve(op, store, xl_store_i32);
}

void xl_lookup_conv2d_b_b_f32(const xl_op *op) {
  const xl_lookup_store store = {xl_lookup_begin_f32, ((const xl_conv2d_params *)op->params)->out_c * (ptrdiff_t)4};
  convolve(op, store, xl_store_f32);
}
