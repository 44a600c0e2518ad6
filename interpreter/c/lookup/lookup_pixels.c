/* CONV_2D of bits with bit filters by look-up in tables of pixels.
 *
 * Where an image is small its tables of filters are used by too few pixels. A dot product is the same with its sides
 * exchanged: here a block of up to 36 output pixels has the tables, lane by lane, and all filters use them. The lane of
 * a pixel whose tap lies in the padding of zeros is empty: it differs from nothing. Pixels of all images of a batch are
 * one row of pixels. For cores whose tables can have empty lanes. */
#include "lookup_pixels.h"

#include "lookup.h"
#include "lookup_pixels_shape.h"

#ifndef XL_CORE_ARMV6_VFP

void xl_lookup_pixels(const xl_op *op, xl_lookup_store store) { (void)op, (void)store; }

#else

#include <string.h>

#include "core.h"
#include "window.h"

enum { LANES = XL_LOOKUP_UNITS * XL_LOOKUP_UNIT, ALIGNMENT = XL_PIXELS_ALIGNMENT };

typedef xl_pixels_shape shape;
typedef xl_pixels_parts parts;

/* Where the window of a lane's pixel begins. */
typedef struct origin {
  const uint8_t *image;
  int32_t y, x;
} origin;

/* One block of pixels and one chunk of filters. */
typedef struct block {
  const xl_op *op;
  const xl_conv2d_params *p;
  shape s;
  uint8_t *tables, *sums, *outside;
  uint32_t *pairs, *turned;
  int32_t first, n, units; /* pixels */
  int32_t seeing, last;    /* units from the first one that sees a tap to behind the last one */
  int32_t filter, filters; /* of the chunk, and the filters counted: one more where that is odd */
  origin from[LANES];
  const uint8_t *at[LANES]; /* what the tap sees of each lane, or `outside` */
  xl_lookup_lanes lanes[XL_LOOKUP_UNITS];
} block;

static void find_origins(block *b) {
  const xl_window *w = &b->p->window;
  const size_t image = (size_t)w->in_h * (size_t)w->in_w * (size_t)xl_words(b->p->in_c) * 4;
  int32_t line = b->first / w->out_w, x = b->first % w->out_w, n = line / w->out_h, y = line % w->out_h;
  for (int32_t lane = 0; lane < b->n; ++lane) {
    const origin from = {(const uint8_t *)b->op->in[0] + (size_t)n * image, y * w->stride_h - w->pad_top,
                         x * w->stride_w - w->pad_left};
    b->from[lane] = from;
    if (++x < w->out_w) continue;
    x = 0;
    if (++y < w->out_h) continue;
    y = 0;
    ++n;
  }
}

/* Where tap (i, j) of each pixel lies; returns whether any pixel sees something. Units before the first one and behind
 * the last one that do are left out, if tables are not wide. */
static int find_tap(block *b, int32_t i, int32_t j) {
  const xl_window *w = &b->p->window;
  const int32_t down = i * w->dilation_h, right = j * w->dilation_w, padded = b->p->pad_value != 0;
  const ptrdiff_t pixel = xl_words(b->p->in_c) * 4;
  b->seeing = b->units;
  b->last = 0;
  for (int32_t u = 0; u < b->units; ++u) {
    uint32_t there = 0;
    for (int32_t k = 0; k < XL_LOOKUP_UNIT; ++k) {
      const int32_t lane = u * XL_LOOKUP_UNIT + k;
      b->at[lane] = b->outside;
      if (lane >= b->n) continue;
      const origin *from = &b->from[lane];
      const int32_t y = from->y + down, x = from->x + right;
      if ((uint32_t)y < (uint32_t)w->in_h && (uint32_t)x < (uint32_t)w->in_w) {
        b->at[lane] = from->image + (y * w->in_w + x) * pixel;
        there |= 1u << k;
      }
    }
    if (!padded) b->lanes[u] = xl_lookup_lanes_of(there);
    if (!padded && there == 0) continue;
    b->seeing = xl_min32(b->seeing, u);
    b->last = u + 1;
  }
  const int any = b->last > 0;
  if (any && b->s.wide) {
    b->seeing = 0;
    b->last = b->units;
  }
  return any;
}

static void count_block(block *b) {
  const xl_window *w = &b->p->window;
  const uint8_t *filters = (const uint8_t *)((const uint32_t *)b->op->in[1] + b->filter * b->s.filter);
  const ptrdiff_t run_bytes = b->s.run_bits / 8;
  const int32_t units = b->filters * b->units, odd = xl_max32(b->filter + b->filters - b->p->out_c, 0);
  int32_t added = 0, first = 1;
  xl_lookup_clear(b->sums, units);
  for (int32_t tap = 0; tap < w->window_h * w->window_w; ++tap) {
    if (!find_tap(b, tap / w->window_w, tap % w->window_w)) continue;
    const int32_t n = b->last - b->seeing;
    const ptrdiff_t skip = (b->units - n) * (ptrdiff_t)XL_LOOKUP_UNIT_BYTES;
    const uint8_t *const *rows = b->at + b->seeing * XL_LOOKUP_UNIT;
    for (int32_t run = 0; run < b->s.runs; ++run) {
      const xl_lookup_bits bits = {filters + (tap * b->s.runs + run) * run_bytes, b->s.filter * 4, b->filters - odd};
      xl_lookup_tables_of(rows, run * run_bytes, n, b->s.wide, b->lanes + b->seeing, b->tables);
      xl_lookup_add_filters(&bits, b->sums + b->seeing * XL_LOOKUP_UNIT_BYTES, skip, n, b->s.wide, b->tables);
      if (++added == 255 / b->s.run_bits) {
        xl_lookup_widen(b->sums, units, first, b->pairs);
        added = first = 0;
      }
    }
  }
  if (added > 0 || first) xl_lookup_widen(b->sums, units, first, b->pairs);
}

/* The outputs of all pixels of the block, those of the chunk's filters: pairs of pixels become pairs of filters. */
static void store_block(const block *b, const xl_lookup_block *to, xl_store_pixels store) {
  const xl_window *w = &b->p->window;
  const int32_t half = b->filters / 2;
  char *out = (char *)b->op->out + b->first * to->pixel_bytes;
  for (int32_t lane = 0; lane < b->n; ++lane, out += to->pixel_bytes) {
    if (lane % 2 == 0) {
      xl_core_turn_pairs(b->pairs + lane / 2, b->units * (ptrdiff_t)(XL_LOOKUP_PAIRS * 4), half, b->turned,
                         b->turned + half);
    }
    int32_t taps = w->window_h * w->window_w;
    if (b->p->pad_value == 0) {
      const origin *from = &b->from[lane];
      taps = xl_span_count(xl_span_at(0, 1, -from->y, w->window_h, w->dilation_h, w->in_h)) *
             xl_span_count(xl_span_at(0, 1, -from->x, w->window_w, w->dilation_w, w->in_w));
    }
    store(to, taps * b->p->in_c, b->turned + lane % 2 * half, 1, out);
  }
}

static block block_of(const xl_op *op, const shape *s, const parts *at, uint8_t *work) {
  block b;
  memset(&b, 0, sizeof b);
  b.op = op;
  b.p = (const xl_conv2d_params *)op->params;
  b.s = *s;
  b.tables = work + at->tables;
  b.sums = work + at->sums;
  b.outside = work + at->outside;
  b.pairs = (uint32_t *)(void *)(work + at->pairs);
  b.turned = (uint32_t *)(void *)(work + at->turned);
  memset(b.outside, b.p->pad_value < 0 ? 0xff : 0, (size_t)xl_words(b.p->in_c) * 4);
  for (int32_t u = 0; u < XL_LOOKUP_UNITS; ++u) b.lanes[u] = xl_lookup_lanes_of(63);
  return b;
}

void xl_lookup_pixels(const xl_op *op, xl_lookup_store store) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const shape s = xl_pixels_shape_of(p);
  const parts at = xl_pixels_parts_of(p, &s);
  const xl_channels channels = xl_channels_of(op, &p->activation);
  uint8_t *work = (uint8_t *)op->workspace;
  work += (ALIGNMENT - (uintptr_t)work % ALIGNMENT) % ALIGNMENT;
  block b = block_of(op, &s, &at, work);
  xl_lookup_block to = {&channels, 0, 0, 0, p->window.window_h * p->window.window_w * p->in_c, 0, store.pixel_bytes,
                        (uint32_t *)(void *)(work + at.limits)};
  if (p->pad_value == 0) to.tap = p->in_c;
  xl_store_pixels store_pixels = NULL;
  for (int32_t i = 0; i < s.blocks; ++i) {
    const int32_t before = (int32_t)((int64_t)s.units * i / s.blocks);
    b.units = (int32_t)((int64_t)s.units * (i + 1) / s.blocks) - before;
    b.first = before * XL_LOOKUP_UNIT;
    b.n = xl_min32(b.units * XL_LOOKUP_UNIT, s.pixels - b.first);
    find_origins(&b);
    const int32_t chunk = xl_pixels_chunk(p->out_c, s.wide, b.units);
    for (b.filter = 0; b.filter < p->out_c; b.filter += b.filters) {
      const int32_t n = xl_min32(chunk, p->out_c - b.filter);
      b.filters = n + n % 2;
      if (to.first != b.filter || to.n != n) { /* else it is ready for them, from the block before */
        to.first = b.filter;
        to.n = n;
        to.pairs = b.filters / 2;
        store_pixels = store.begin(&to);
      }
      count_block(&b);
      store_block(&b, &to, store_pixels);
    }
  }
}

#endif
