/* What a convolution by look-up is cut into, and what it takes. Internal.
 *
 * Arithmetic of the parameters and of the constants in lookup.h alone, so that it can be compiled for another core than
 * the library's as well: host/needs_on_armv6.c does, for who asks on another computer what a Raspberry Pi will need. */
#ifndef XL_LOOKUP_SHAPE_H
#define XL_LOOKUP_SHAPE_H

#include "bits.h"
#include "lookup.h"
#include "lookup_pixels_shape.h"
#include "window.h"

#define XL_LOOKUP_ALIGNMENT 64

/* Sizes that follow from the parameters. */
typedef struct xl_lookup_shape {
  int32_t group_c, group_out;
  int32_t runs;             /* of a tap */
  int32_t units, blocks;    /* of the filters of a group */
  int32_t most_units;       /* of a block */
  int32_t chunk;            /* the most pixels of one */
  int32_t lines;            /* of a chunk, with some that the first and last of its lines need */
  ptrdiff_t pixel, filter;  /* words */
} xl_lookup_shape;

static inline xl_lookup_shape xl_lookup_shape_of(const xl_conv2d_params *p) {
  enum { FEWEST_PIXELS = 16 };
  const int32_t pixels = p->window.out_h * p->window.out_w;
  const int32_t room = XL_LOOKUP_CACHE_BYTES - XL_LOOKUP_ENTRIES * XL_LOOKUP_ENTRY_BYTES;
  xl_lookup_shape s;
  s.group_c = p->in_c / p->groups;
  s.group_out = p->out_c / p->groups;
  s.runs = xl_ceil_div(s.group_c, XL_LOOKUP_RUN_BITS);
  s.units = xl_ceil_div(s.group_out, XL_LOOKUP_UNIT);
  s.blocks = xl_ceil_div(s.units, XL_LOOKUP_UNITS);
  s.most_units = xl_ceil_div(s.units, s.blocks);
  const int32_t fits = xl_max32(room / (s.most_units * XL_LOOKUP_UNIT_BYTES), FEWEST_PIXELS);
  s.chunk = xl_ceil_div(pixels, xl_ceil_div(pixels, fits));
  s.lines = xl_min32(s.chunk, xl_ceil_div(s.chunk, p->window.out_w) + 1);
  s.pixel = xl_words(p->in_c);
  s.filter = xl_words(p->window.window_h * p->window.window_w * s.group_c);
  return s;
}

/* The workspace's parts; offsets from its aligned beginning. */
typedef struct xl_lookup_layout {
  size_t tables, sums, pairs, limits, inside, outside, bits, spread, end;
} xl_lookup_layout;

static inline size_t xl_lookup_take(size_t *end, uint64_t bytes) {
  const size_t at = *end;
  *end += (size_t)((bytes + XL_LOOKUP_ALIGNMENT - 1) / XL_LOOKUP_ALIGNMENT * XL_LOOKUP_ALIGNMENT);
  return at;
}

static inline xl_lookup_layout xl_lookup_layout_of(const xl_conv2d_params *p, const xl_lookup_shape *s) {
  const uint64_t units = (uint64_t)s->chunk * (uint64_t)s->most_units;
  const uint64_t lines = (uint64_t)s->lines * XL_LOOKUP_LINE_BYTES;
  const uint64_t pixels = (uint64_t)p->window.in_h * (uint64_t)p->window.in_w;
  xl_lookup_layout l;
  l.end = 0;
  l.tables = xl_lookup_take(&l.end, XL_LOOKUP_ENTRIES * XL_LOOKUP_ENTRY_BYTES);
  l.sums = xl_lookup_take(&l.end, units * XL_LOOKUP_UNIT_BYTES);
  l.pairs = xl_lookup_take(&l.end, units * XL_LOOKUP_PAIRS * 4);
  l.limits = xl_lookup_take(&l.end, (uint64_t)s->most_units * XL_LOOKUP_PAIRS * 4);
  l.inside = xl_lookup_take(&l.end, lines);
  l.outside = xl_lookup_take(&l.end, p->pad_value == 0 ? 0 : 2 * lines + XL_LOOKUP_X_BYTES);
  l.bits = xl_lookup_take(&l.end, (uint64_t)XL_LOOKUP_UNITS * XL_LOOKUP_UNIT * 4);
  l.spread = xl_lookup_take(&l.end, pixels * XL_LOOKUP_X_BYTES * (uint64_t)s->runs * (uint64_t)p->groups);
  return l;
}

/* Instructions, but for the outputs. */
static inline int64_t xl_lookup_cost(const xl_conv2d_params *p, const xl_lookup_shape *s) {
  const int64_t pixels = (int64_t)p->window.out_h * p->window.out_w, chunks = (pixels + s->chunk - 1) / s->chunk;
  const int64_t runs = (int64_t)p->window.window_h * p->window.window_w * s->runs * p->groups * p->batch;
  const int64_t tables = (int64_t)s->blocks * XL_LOOKUP_RUN_COST + (int64_t)s->units * XL_LOOKUP_UNIT_COST;
  const int64_t sums = (int64_t)s->blocks * XL_LOOKUP_PIXEL_COST + (int64_t)s->units * XL_LOOKUP_PIXEL_UNIT_COST;
  return runs * (chunks * tables + pixels * sums);
}

/* Whether tables of pixels, which all filters use, are cheaper. */
static inline int xl_lookup_by_pixels(const xl_conv2d_params *p, const xl_lookup_shape *s) {
  return xl_lookup_pixels_cost(p) < xl_lookup_cost(p, s);
}

static inline uint64_t xl_lookup_workspace(const xl_conv2d_params *p) {
  const xl_lookup_shape s = xl_lookup_shape_of(p);
  if (xl_lookup_by_pixels(p, &s)) return xl_lookup_pixels_workspace(p);
  return xl_lookup_layout_of(p, &s).end + XL_LOOKUP_ALIGNMENT - 4;
}

static inline int32_t xl_lookup_takes(const xl_conv2d_params *p) {
  const int64_t row = (int64_t)p->window.window_h * p->window.window_w * (p->in_c / p->groups);
  const int whole = p->groups == 1 || p->in_c / p->groups % XL_WORD_BITS == 0;
  return p->planes == 1 && !p->masked && whole && row < UINT16_MAX;
}

/* Whether it is faster than carry-save adders, which take about 10 instructions a word and 30 a row. */
static inline int32_t xl_lookup_saves(const xl_conv2d_params *p) {
  if (!xl_lookup_takes(p)) return 0;
  const xl_lookup_shape s = xl_lookup_shape_of(p);
  const int64_t rows = (int64_t)p->batch * p->window.out_h * p->window.out_w * p->out_c;
  const int64_t adders = rows * (10 * (int64_t)s.filter + 30);
  return xl_lookup_cost(p, &s) < adders || xl_lookup_by_pixels(p, &s);
}

#endif
