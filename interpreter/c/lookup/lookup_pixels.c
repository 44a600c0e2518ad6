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

void xl_lookup_pixels(const xl_op *op, xl_store store, ptrdiff_t pixel_bytes) {
  (void)op, (void)store, (void)pixel_bytes;
}

#else

#include <string.h>

#include "window.h"

enum { LANES = XL_LOOKUP_UNITS * XL_LOOKUP_UNIT, ALIGNMENT = XL_PIXELS_ALIGNMENT };

typedef xl_pixels_shape shape;
typedef xl_pixels_parts parts;

/* One block of pixels and one chunk of filters. */
typedef struct block {
  const xl_op *op;
  const xl_conv2d_params *p;
  shape s;
  uint8_t *tables, *sums;
  uint32_t *pairs;
  int32_t first, n, units;   /* pixels */
  int32_t filter, filters;   /* of the chunk */
  const uint16_t *at[LANES]; /* what the tap sees of each pixel; NULL: padding */
  xl_lookup_lanes lanes[XL_LOOKUP_UNITS];
} block;

/* Where tap (i, j) of each pixel lies; returns whether any pixel sees something. */
static int find_tap(block *b, int32_t i, int32_t j) {
  const xl_window *w = &b->p->window;
  const ptrdiff_t pixel = xl_words(b->p->in_c);
  int any = b->p->pad_value != 0;
  for (int32_t u = 0; u < b->units; ++u) {
    uint32_t there = 0;
    for (int32_t k = 0; k < XL_LOOKUP_UNIT; ++k) {
      const int32_t lane = u * XL_LOOKUP_UNIT + k, index = b->first + lane;
      b->at[lane] = NULL;
      if (lane >= b->n) continue;
      const int32_t x = index % w->out_w, line = index / w->out_w, y = line % w->out_h, image = line / w->out_h;
      const int32_t in_y = y * w->stride_h - w->pad_top + i * w->dilation_h;
      const int32_t in_x = x * w->stride_w - w->pad_left + j * w->dilation_w;
      const int inside = in_y >= 0 && in_y < w->in_h && in_x >= 0 && in_x < w->in_w;
      if (inside) {
        const ptrdiff_t word = (((ptrdiff_t)image * w->in_h + in_y) * w->in_w + in_x) * pixel;
        b->at[lane] = (const uint16_t *)(const void *)((const uint32_t *)b->op->in[0] + word);
      }
      if (inside || b->p->pad_value != 0) there |= 1u << k;
    }
    b->lanes[u] = xl_lookup_lanes_of(there);
    any |= there != 0;
  }
  return any;
}

static void add_run(const block *b, int32_t tap, int32_t run) {
  const uint32_t *filters = (const uint32_t *)b->op->in[1] + b->filter * b->s.filter;
  const uint16_t outside = b->p->pad_value < 0 ? UINT16_MAX : 0;
  uint16_t bits[LANES];
  for (int32_t lane = 0; lane < b->units * XL_LOOKUP_UNIT; ++lane) {
    bits[lane] = b->at[lane] != NULL ? b->at[lane][run] : lane < b->n ? outside : 0;
  }
  xl_lookup_tables_of((const uint8_t *)bits, sizeof *bits, b->units, b->lanes, b->tables);
  const uint8_t *first = (const uint8_t *)filters + (tap * b->s.runs + run) * (XL_LOOKUP_RUN_BITS / 8);
  xl_lookup_add_filters(first, b->s.filter * 4, b->sums, b->filters, b->units, b->tables);
}

static void count_block(block *b) {
  const xl_window *w = &b->p->window;
  const int32_t units = b->filters * b->units;
  int32_t added = 0;
  memset(b->pairs, 0, (size_t)units * XL_LOOKUP_PAIRS * 4);
  xl_lookup_clear(b->sums, units);
  for (int32_t tap = 0; tap < w->window_h * w->window_w; ++tap) {
    if (!find_tap(b, tap / w->window_w, tap % w->window_w)) continue;
    for (int32_t run = 0; run < b->s.runs; ++run) {
      add_run(b, tap, run);
      if (++added == XL_LOOKUP_MOST_RUNS) {
        xl_lookup_widen(b->sums, units, b->pairs);
        added = 0;
      }
    }
  }
  xl_lookup_widen(b->sums, units, b->pairs);
}

/* The outputs of one pixel of the block, those of the chunk's filters. */
static void store_pixel(const block *b, int32_t lane, xl_store store, const xl_channels *channels, char *out) {
  const xl_window *w = &b->p->window;
  const int32_t index = b->first + lane, end = b->filter + b->filters;
  const int shift = lane % 2 * 16;
  const ptrdiff_t step = b->units * XL_LOOKUP_PAIRS;
  const uint32_t *pairs = b->pairs + lane / 2;
  int32_t taps = w->window_h * w->window_w;
  if (b->p->pad_value == 0) {
    taps = xl_span_count(xl_span_h(w, index / w->out_w % w->out_h)) * xl_span_count(xl_span_w(w, index % w->out_w));
  }
  uint32_t counts[XL_BLOCK];
  for (int32_t f = b->filter; f < end;) {
    const int32_t n = xl_min32(end - f, XL_BLOCK - f % XL_BLOCK);
    for (int32_t i = 0; i < n; ++i, pairs += step) counts[i] = *pairs >> shift & 0xffffu;
    store(channels, f, n, taps * b->p->in_c, counts, out);
    f += n;
  }
}

void xl_lookup_pixels(const xl_op *op, xl_store store, ptrdiff_t pixel_bytes) {
  block b;
  b.op = op;
  b.p = (const xl_conv2d_params *)op->params;
  b.s = xl_pixels_shape_of(b.p);
  const parts at = xl_pixels_parts_of(&b.s);
  const xl_channels channels = xl_channels_of(op, &b.p->activation);
  uint8_t *work = (uint8_t *)op->workspace;
  work += (ALIGNMENT - (uintptr_t)work % ALIGNMENT) % ALIGNMENT;
  b.tables = work + at.tables;
  b.sums = work + at.sums;
  b.pairs = (uint32_t *)(void *)(work + at.pairs);
  for (b.filter = 0; b.filter < b.p->out_c; b.filter += b.filters) {
    b.filters = xl_min32(b.s.chunk, b.p->out_c - b.filter);
    for (int32_t i = 0; i < b.s.blocks; ++i) {
      const int32_t before = (int32_t)((int64_t)b.s.units * i / b.s.blocks);
      b.units = (int32_t)((int64_t)b.s.units * (i + 1) / b.s.blocks) - before;
      b.first = before * XL_LOOKUP_UNIT;
      b.n = xl_min32(b.units * XL_LOOKUP_UNIT, b.s.pixels - b.first);
      count_block(&b);
      for (int32_t lane = 0; lane < b.n; ++lane) {
        store_pixel(&b, lane, store, &channels, (char *)op->out + (b.first + lane) * pixel_bytes);
      }
    }
  }
}

#endif
