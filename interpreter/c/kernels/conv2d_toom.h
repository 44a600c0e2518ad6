/* CONV_2D of integers with windows of seven columns and a stride of two, where XL_CORE_PAIRS is set. Internal. */
#ifndef XL_CONV2D_TOOM_H
#define XL_CONV2D_TOOM_H

#include "integers.h"

/* The op, of u8 or i8, where its workspace is as large as it asks for. */
void xl_conv2d_toom(const xl_op *op, const xl_integers *kind);

enum {
  XL_TOOM_WIDTH = 7, XL_TOOM_STRIDE = 2,
  XL_TOOM_OUTPUTS = 4,                               /* of a tile, */
  XL_TOOM_STEP = XL_TOOM_STRIDE * XL_TOOM_OUTPUTS,   /* columns from a tile to the next, */
  XL_TOOM_BEHIND = XL_TOOM_WIDTH - XL_TOOM_STRIDE,   /* and those that it sees of the next */
  XL_TOOM_POINTS = 7, XL_TOOM_SCALE = 120, XL_TOOM_MOST_MAGNITUDE = 819,
  XL_TOOM_TILES = 12 /* of a strip */
};

/* What it takes is arithmetic of the parameters alone, as with conv2d_pairs.h. */
typedef struct xl_toom_shape {
  int32_t lines;          /* of a window, in each channel: pairs at each point but the last */
  int32_t last;           /* pairs at the last point */
  ptrdiff_t words;        /* of a tile or filter at all points */
  int32_t columns, tiles; /* of a line of outputs */
  ptrdiff_t numbers;      /* int16 of a line of the image, an even number */
  ptrdiff_t ring_line;    /* words of a line at the points */
  int32_t chunk;          /* the most filters whose pairs are in the workspace: whole blocks */
} xl_toom_shape;

static inline xl_toom_shape xl_toom_shape_of(const xl_conv2d_params *p) {
  enum { FILTER_BYTES = 40960 };
  xl_toom_shape s;
  s.lines = p->window.window_h * p->in_c;
  s.last = (s.lines + 1) / 2;
  s.words = (ptrdiff_t)(XL_TOOM_POINTS - 1) * s.lines + s.last;
  s.tiles = (p->window.out_w + XL_TOOM_OUTPUTS - 1) / XL_TOOM_OUTPUTS;
  s.columns = s.tiles * XL_TOOM_STEP + XL_TOOM_BEHIND;
  s.numbers = ((ptrdiff_t)s.columns * p->in_c + 1) / 2 * 2;
  s.ring_line = (ptrdiff_t)s.tiles * XL_TOOM_POINTS * p->in_c;
  const ptrdiff_t blocks = FILTER_BYTES / (XL_BLOCK * 4 * s.words), most = (p->out_c + XL_BLOCK - 1) / XL_BLOCK;
  s.chunk = XL_BLOCK * (int32_t)(blocks < 1 ? 1 : blocks > most ? most : blocks);
  return s;
}

static inline uint64_t xl_conv2d_toom_workspace(const xl_conv2d_params *p) {
  const xl_toom_shape s = xl_toom_shape_of(p);
  const uint64_t rows = (uint64_t)s.chunk + XL_TOOM_TILES;
  const uint64_t words = rows * (uint64_t)s.words + (uint64_t)p->window.window_h * (uint64_t)s.ring_line;
  return 4 * (words + XL_TOOM_TILES * XL_TOOM_OUTPUTS * XL_BLOCK) + 2 * (uint64_t)s.numbers;
}

/* Whether no number, made of a byte of either type or of the padding, is too large, and no sum. */
static inline int xl_toom_is_exact(const xl_conv2d_params *p) {
  const int64_t multiplier = p->input_multiplier, zero_point = p->input_zero_point;
  const int64_t numbers[3] = {p->pad_value, 255 * multiplier - zero_point, -128 * multiplier - zero_point};
  int64_t most = 0;
  for (int i = 0; i < 3; ++i) {
    const int64_t magnitude = numbers[i] < 0 ? -numbers[i] : numbers[i];
    if (magnitude > most) most = magnitude;
  }
  const int64_t products = (int64_t)p->window.window_h * XL_TOOM_WIDTH * p->in_c;
  return most <= XL_TOOM_MOST_MAGNITUDE && products <= INT32_MAX / (128 * XL_TOOM_MOST_MAGNITUDE) &&
         products * 128 * most * XL_TOOM_SCALE <= INT32_MAX;
}

/* Whether it serves an op but for inputs of bits, and is worth it: the core asks for a few lines, and making the points of
 * filters for some tiles that share them. */
static inline int xl_conv2d_by_toom(const xl_conv2d_params *p) {
  enum { FEWEST_LINES = 4, FEWEST_TILES = 16, MOST_BYTES = 96 * 1024 };
  const xl_window *w = &p->window;
  if (w->window_w != XL_TOOM_WIDTH || w->stride_w != XL_TOOM_STRIDE) return 0;
  if (w->dilation_w != 1 || w->dilation_h != 1 || p->groups != 1) return 0;
  if (w->out_w < XL_TOOM_OUTPUTS || !xl_toom_is_exact(p)) return 0;
  const xl_toom_shape s = xl_toom_shape_of(p);
  if (s.lines < FEWEST_LINES || (int64_t)p->batch * w->out_h * s.tiles < FEWEST_TILES) return 0;
  return xl_conv2d_toom_workspace(p) <= MOST_BYTES;
}

#endif
