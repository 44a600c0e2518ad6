/* CONV_2D of integers in pairs of int16, where XL_CORE_PAIRS is set. Internal. */
#ifndef XL_CONV2D_PAIRS_H
#define XL_CONV2D_PAIRS_H

#include "conv2d_toom.h"
#include "integers.h"

/* The op, where its workspace is as large as it asks for. */
void xl_conv2d_pairs(const xl_op *op, const xl_integers *kind);

enum { XL_PAIRS_MOST_BYTES = 96 * 1024, XL_PAIRS_MOST_LINE = 16384 };

/* What it takes is arithmetic of the parameters alone, which a library for another core can do as well:
 * host/needs_on_armv6.c.
 *
 * A strip is a few triples of pixels, that fit a first-level cache with two filters and their dot products; a chunk
 * whole blocks of XL_BLOCK filters, whose pairs lie in the workspace. */
typedef struct xl_pairs_shape {
  int32_t group_c, group_out; /* input and output channels of a group */
  ptrdiff_t k, pairs;         /* of a window */
  int32_t triples;            /* of a strip */
  int32_t chunk;              /* the most filters of one */
  ptrdiff_t ring_line;        /* int16 of a line of the image with what is around it, 0 where none is kept */
} xl_pairs_shape;

/* Lines of the image are widened before windows are gathered, where they are in one piece there and most elements are in
 * two windows at least. The number of int16 is even. */
static inline ptrdiff_t xl_pairs_ring_line(const xl_conv2d_params *p) {
  const xl_window *w = &p->window;
  const int64_t columns = (int64_t)(w->out_w - 1) * w->stride_w + w->window_w, elements = columns * p->in_c;
  if (w->dilation_h != 1 || w->dilation_w != 1 || p->groups != 1 || elements > XL_PAIRS_MOST_LINE) return 0;
  const int64_t taps = (int64_t)w->window_h * w->window_w;
  return taps < 2 * (int64_t)w->stride_h * w->stride_w ? 0 : (ptrdiff_t)(elements + 1) / 2 * 2;
}

/* Of words: dot products, filters, a strip, where lines of the ring begin; of int16: the ring. */
static inline uint64_t xl_pairs_bytes(const xl_pairs_shape *s, int32_t window_h) {
  const uint64_t pixels = 3 * (uint64_t)s->triples, lines = (uint64_t)window_h;
  const uint64_t words = pixels * XL_BLOCK + ((uint64_t)s->chunk + pixels) * (uint64_t)s->pairs;
  return 4 * words + (s->ring_line > 0 ? lines * (4 + 2 * (uint64_t)s->ring_line) : 0);
}

static inline xl_pairs_shape xl_pairs_shape_of(const xl_conv2d_params *p) {
  enum { MOST_TRIPLES = 16, STRIP_BYTES = 7680, FILTER_BYTES = 32768 };
  xl_pairs_shape s;
  s.group_c = p->in_c / p->groups;
  s.group_out = p->out_c / p->groups;
  s.k = (ptrdiff_t)p->window.window_h * p->window.window_w * s.group_c;
  s.pairs = (s.k + 1) / 2;
  const ptrdiff_t triples = STRIP_BYTES / (3 * 4 * s.pairs), blocks = FILTER_BYTES / (XL_BLOCK * 4 * s.pairs);
  s.triples = triples < 1 ? 1 : triples > MOST_TRIPLES ? MOST_TRIPLES : (int32_t)triples;
  const int32_t most = (s.group_out + XL_BLOCK - 1) / XL_BLOCK + 1; /* a group may begin within a block */
  s.chunk = XL_BLOCK * (blocks < 1 ? 1 : blocks > most ? most : (int32_t)blocks);
  s.ring_line = xl_pairs_ring_line(p);
  if (xl_pairs_bytes(&s, p->window.window_h) > XL_PAIRS_MOST_BYTES) s.ring_line = 0;
  return s;
}

static inline uint64_t xl_conv2d_pairs_workspace(const xl_conv2d_params *p) {
  const xl_pairs_shape s = xl_pairs_shape_of(p);
  return xl_pairs_bytes(&s, p->window.window_h);
}

/* Widening filters whose windows are long takes hundreds of KiB: a model's limit would refuse it for that. */
static inline int xl_conv2d_in_pairs(const xl_conv2d_params *p) {
  return xl_conv2d_pairs_workspace(p) <= XL_PAIRS_MOST_BYTES;
}

/* Of a core that multiplies pairs; bytes: what the other way takes. */
static inline uint64_t xl_conv2d_workspace_of_pairs(const xl_conv2d_params *p, uint64_t bytes) {
  if (xl_conv2d_in_pairs(p) && xl_conv2d_pairs_workspace(p) > bytes) bytes = xl_conv2d_pairs_workspace(p);
  if (xl_conv2d_by_toom(p) && xl_conv2d_toom_workspace(p) > bytes) bytes = xl_conv2d_toom_workspace(p);
  return bytes;
}

#endif
