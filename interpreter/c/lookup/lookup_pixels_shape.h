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

enum {
  XL_PIXELS_TABLE_BYTES = XL_LOOKUP_ENTRIES * XL_LOOKUP_WIDE_ENTRY_BYTES,
  XL_PIXELS_ALIGNMENT = 64,
  XL_PIXELS_GATHER_COST = 8,
  XL_PIXELS_FILTER_COST = 13
};

typedef struct xl_pixels_shape {
  int32_t pixels, units, blocks, most_units; /* of all images */
  int32_t chunk;                             /* the most filters of one */
  int32_t runs;                              /* of a tap */
  ptrdiff_t filter;                          /* words */
} xl_pixels_shape;

static inline xl_pixels_shape xl_pixels_shape_of(const xl_conv2d_params *p) {
  const int32_t room = XL_LOOKUP_CACHE_BYTES - XL_PIXELS_TABLE_BYTES;
  xl_pixels_shape s;
  s.pixels = p->batch * p->window.out_h * p->window.out_w;
  s.units = xl_ceil_div(s.pixels, XL_LOOKUP_UNIT);
  s.blocks = xl_ceil_div(s.units, XL_LOOKUP_UNITS);
  s.most_units = xl_ceil_div(s.units, s.blocks);
  s.chunk = xl_ceil_div(p->out_c, xl_ceil_div(p->out_c, room / (s.most_units * XL_LOOKUP_UNIT_BYTES)));
  s.runs = p->in_c / XL_LOOKUP_RUN_BITS;
  s.filter = xl_words(p->window.window_h * p->window.window_w * p->in_c);
  return s;
}

/* Instructions, but for the outputs; INT64_MAX where it cannot be done. */
static inline int64_t xl_lookup_pixels_cost(const xl_conv2d_params *p) {
  if (p->groups != 1 || p->in_c % XL_LOOKUP_RUN_BITS != 0) return INT64_MAX;
  const xl_pixels_shape s = xl_pixels_shape_of(p);
  const int64_t chunks = xl_ceil_div(p->out_c, s.chunk), units = s.units, blocks = s.blocks;
  const int64_t gathering = (int64_t)s.pixels * XL_PIXELS_GATHER_COST;
  const int64_t tables = blocks * XL_LOOKUP_RUN_COST + units * XL_LOOKUP_UNIT_COST + gathering;
  const int64_t sums = blocks * XL_PIXELS_FILTER_COST + units * XL_LOOKUP_PIXEL_UNIT_COST;
  return (int64_t)p->window.window_h * p->window.window_w * s.runs * (chunks * tables + p->out_c * sums);
}

/* Workspace, each part a multiple of the alignment. */
typedef struct xl_pixels_parts {
  size_t tables, sums, pairs, end;
} xl_pixels_parts;

static inline size_t xl_pixels_rounded(size_t bytes) {
  return (bytes + XL_PIXELS_ALIGNMENT - 1) / XL_PIXELS_ALIGNMENT * XL_PIXELS_ALIGNMENT;
}

static inline xl_pixels_parts xl_pixels_parts_of(const xl_pixels_shape *s) {
  const size_t units = (size_t)s->chunk * (size_t)s->most_units;
  xl_pixels_parts at;
  at.tables = 0;
  at.sums = xl_pixels_rounded(XL_PIXELS_TABLE_BYTES);
  at.pairs = at.sums + xl_pixels_rounded(units * XL_LOOKUP_UNIT_BYTES);
  at.end = at.pairs + xl_pixels_rounded(units * XL_LOOKUP_PAIRS * 4);
  return at;
}

static inline uint64_t xl_lookup_pixels_workspace(const xl_conv2d_params *p) {
  const xl_pixels_shape s = xl_pixels_shape_of(p);
  return xl_pixels_parts_of(&s).end + XL_PIXELS_ALIGNMENT - 4;
}

#endif

#endif
