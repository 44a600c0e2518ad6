/* The same as lookup_shape.h for tables of pixels. Internal. */
#ifndef XL_LOOKUP_PIXELS_SHAPE_H
#define XL_LOOKUP_PIXELS_SHAPE_H

#include "bits.h"
#include "lookup.h"

static inline int32_t xl_ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

#ifndef XL_CORE_ARMV6_VFP

static inline int64_t xl_lookup_pixels_cost(const xl_conv2d_params *p) {
  (void)p;
  return INT64_MAX;
}

static inline uint64_t xl_lookup_pixels_workspace(const xl_conv2d_params *p) {
  (void)p;
  return 0;
}

#else

/* Instructions: gathering a lane's bits, looking up a filter's bits, and each unit of it; 16 bits, and 32. */
enum {
  XL_PIXELS_ALIGNMENT = 64,
  XL_PIXELS_LANE_COST = 3,
  XL_PIXELS_FILTER_COST = 13,
  XL_PIXELS_WIDE_COST = 19,
  XL_PIXELS_WIDE_UNIT_COST = 5,
  XL_PIXELS_WIDE_ENTRIES_COST = 900
};

typedef struct xl_pixels_shape {
  int32_t pixels, units, blocks, most_units; /* of all images */
  int32_t wide;                              /* whether runs are of 32 bits */
  int32_t table_bytes;
  int32_t chunk, sums;                       /* the most filters of a chunk; the most sums of one, units times filters */
  int32_t run_bits, runs;                    /* of a tap */
  ptrdiff_t filter;                          /* words */
} xl_pixels_shape;

/* Of so many units: a power of two of bytes. */
static inline int32_t xl_pixels_entry_bytes(int32_t units) {
  return XL_LOOKUP_UNIT_BYTES * (units > 4 ? 8 : units > 2 ? 4 : units);
}

static inline int32_t xl_pixels_table_bytes(int32_t wide, int32_t units) {
  return (wide ? XL_LOOKUP_WIDE_ENTRIES : XL_LOOKUP_ENTRIES) * xl_pixels_entry_bytes(units);
}

/* Filters of a chunk, for blocks of so many units: an even number. */
static inline int32_t xl_pixels_chunk(int32_t out_c, int32_t wide, int32_t units) {
  const int32_t room = XL_LOOKUP_CACHE_BYTES - xl_pixels_table_bytes(wide, units);
  const int32_t fits = room / (units * XL_LOOKUP_UNIT_BYTES) / 2 * 2;
  const int32_t chunk = xl_ceil_div(out_c, xl_ceil_div(out_c, fits));
  return chunk + chunk % 2;
}

static inline xl_pixels_shape xl_pixels_shape_of(const xl_conv2d_params *p) {
  xl_pixels_shape s;
  s.pixels = p->batch * p->window.out_h * p->window.out_w;
  s.units = xl_ceil_div(s.pixels, XL_LOOKUP_UNIT);
  s.blocks = xl_ceil_div(s.units, XL_LOOKUP_UNITS);
  s.most_units = xl_ceil_div(s.units, s.blocks);
  s.wide = s.units <= XL_LOOKUP_WIDE_UNITS && p->in_c % XL_WORD_BITS == 0;
  s.table_bytes = xl_pixels_table_bytes(s.wide, s.most_units);
  const int32_t fewest = s.units / s.blocks; /* of a block */
  const int32_t chunk = xl_pixels_chunk(p->out_c, s.wide, s.most_units);
  s.chunk = xl_pixels_chunk(p->out_c, s.wide, fewest);
  s.sums = xl_max32(chunk * s.most_units, s.chunk * fewest);
  s.run_bits = s.wide ? XL_WORD_BITS : XL_LOOKUP_RUN_BITS;
  s.runs = p->in_c / s.run_bits;
  s.filter = xl_words(p->window.window_h * p->window.window_w * p->in_c);
  return s;
}

/* Instructions, but for the outputs; INT64_MAX where it cannot be done. */
static inline int64_t xl_lookup_pixels_cost(const xl_conv2d_params *p) {
  if (p->groups != 1 || p->in_c % XL_LOOKUP_RUN_BITS != 0) return INT64_MAX;
  const xl_pixels_shape s = xl_pixels_shape_of(p);
  const int64_t chunks = xl_ceil_div(p->out_c, xl_pixels_chunk(p->out_c, s.wide, s.most_units));
  const int64_t units = s.units, blocks = s.blocks;
  const int64_t unit = XL_LOOKUP_UNIT_COST + XL_PIXELS_LANE_COST * XL_LOOKUP_UNIT;
  int64_t tables = blocks * XL_LOOKUP_RUN_COST + units * unit;
  int64_t sums = blocks * XL_PIXELS_FILTER_COST + units * XL_LOOKUP_PIXEL_UNIT_COST;
  if (s.wide) {
    tables = 2 * tables + XL_PIXELS_WIDE_ENTRIES_COST;
    sums = XL_PIXELS_WIDE_COST + units * XL_PIXELS_WIDE_UNIT_COST;
  }
  return (int64_t)p->window.window_h * p->window.window_w * s.runs * (chunks * tables + p->out_c * sums);
}

/* Workspace, each part a multiple of the alignment. outside: what lanes see of the padding; turned: the counts of two
 * pixels. */
typedef struct xl_pixels_parts {
  size_t tables, sums, pairs, outside, turned, limits, end;
} xl_pixels_parts;

static inline size_t xl_pixels_take(size_t *end, size_t bytes) {
  const size_t at = *end;
  *end += (bytes + XL_PIXELS_ALIGNMENT - 1) / XL_PIXELS_ALIGNMENT * XL_PIXELS_ALIGNMENT;
  return at;
}

static inline xl_pixels_parts xl_pixels_parts_of(const xl_conv2d_params *p, const xl_pixels_shape *s) {
  const size_t sums = (size_t)s->sums;
  xl_pixels_parts at;
  at.end = 0;
  at.tables = xl_pixels_take(&at.end, (size_t)s->table_bytes);
  at.sums = xl_pixels_take(&at.end, sums * XL_LOOKUP_UNIT_BYTES);
  at.pairs = xl_pixels_take(&at.end, sums * XL_LOOKUP_PAIRS * 4);
  at.outside = xl_pixels_take(&at.end, (size_t)xl_words(p->in_c) * 4);
  at.turned = xl_pixels_take(&at.end, (size_t)s->chunk * 4);
  at.limits = xl_pixels_take(&at.end, (size_t)s->chunk * 2);
  return at;
}

static inline uint64_t xl_lookup_pixels_workspace(const xl_conv2d_params *p) {
  const xl_pixels_shape s = xl_pixels_shape_of(p);
  return xl_pixels_parts_of(p, &s).end + XL_PIXELS_ALIGNMENT - 4;
}

#endif

#endif
