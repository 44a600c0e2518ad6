/* Layout of what is made ready for tiles when a network is loaded. Internal.
 *
 * The filters of a group are cut into blocks of XL_TILE_CHANNELS channels, the last one filled up with filters of
 * zeros that nobody reads. Filters with weights that are 0 are stored twice, once with +1 in their place and once
 * with -1: half the sum of the two dot products is the ternary one. */
#ifndef XL_TILES_H
#define XL_TILES_H

#include "bits.h"
#include "isa.h"

typedef struct xl_tiles {
  int32_t group_c, group_out; /* channels of a group, of one plane of x */
  int32_t row_bits;           /* of a filter */
  int32_t units;              /* of a filter's row of bits */
  int32_t blocks;             /* of a group */
  int32_t copies;             /* 2 where weights can be 0, else 1 */
  int32_t planes_weight;      /* 2^planes - 1: what a bit that is set in every plane counts for */
  ptrdiff_t block_bytes;      /* of one copy of a block */
  ptrdiff_t copy_bytes;       /* of one copy of all blocks of a group */
} xl_tiles;

static inline int32_t xl_ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

/* unit_bits: of an instruction set; any where only channels are asked for. */
static inline xl_tiles xl_tiles_of(int32_t unit_bits, const xl_conv2d_params *p) {
  xl_tiles t;
  t.group_c = p->in_c / p->planes / p->groups;
  t.group_out = p->out_c / p->groups;
  t.row_bits = p->window.window_h * p->window.window_w * t.group_c;
  t.units = xl_ceil_div(t.row_bits, unit_bits);
  t.blocks = xl_ceil_div(t.group_out, XL_TILE_CHANNELS);
  t.copies = p->masked ? 2 : 1;
  t.planes_weight = (1 << p->planes) - 1;
  t.block_bytes = (ptrdiff_t)t.units * XL_TILE_CHANNELS * unit_bits / 8;
  t.copy_bytes = t.block_bytes * t.blocks;
  return t;
}

/* Outputs along an axis by what part of their window lies outside: `before` ones reach over its beginning, `after`
 * over its end, and those between see none of the padding. Each of the former is a class of its own, all of the
 * latter are one. Where every output is outside in some way, each is a class. */
typedef struct xl_classes {
  int32_t out, before, after, n;
} xl_classes;

static inline xl_classes xl_classes_of(int32_t in, int32_t out, int32_t taps, int32_t stride, int32_t dilation,
                                       int32_t pad) {
  const int32_t room = in + pad - (taps - 1) * dilation - 1;
  const int32_t beyond = room < 0 ? 0 : room / stride + 1; /* the first that reaches over the end */
  const int32_t before = xl_ceil_div(pad, stride);
  xl_classes c = {out, before, out - beyond, before + 1 + out - beyond};
  if (c.after < 0) c.after = 0;
  if (before >= xl_min32(beyond, out)) {
    c.before = c.n = out;
    c.after = 0;
  } else {
    c.n = before + 1 + c.after;
  }
  return c;
}

static inline int32_t xl_class_of(const xl_classes *c, int32_t out) {
  if (out < c->before) return out;
  return out >= c->out - c->after ? c->n - (c->out - out) : c->before;
}

/* An output of a class. */
static inline int32_t xl_class_member(const xl_classes *c, int32_t index) {
  return index <= c->before ? index : c->out - (c->n - index);
}

/* Pixels all of one class where nothing is padded, or with +1 or -1, which are as good as any other bit. */
static inline void xl_classes_of_window(const xl_conv2d_params *p, xl_classes *y, xl_classes *x) {
  const xl_window *w = &p->window;
  *y = xl_classes_of(w->in_h, w->out_h, w->window_h, w->stride_h, w->dilation_h, w->pad_top);
  *x = xl_classes_of(w->in_w, w->out_w, w->window_w, w->stride_w, w->dilation_w, w->pad_left);
  if (p->pad_value != 0) {
    const xl_classes all_y = {w->out_h, 0, 0, 1}, all_x = {w->out_w, 0, 0, 1};
    *y = all_y;
    *x = all_x;
  }
}

#endif
