/* Inner loops and whole layers, each between two marks (tests/device/count.c): prints a line for each pair, in order,
 *
 *     NAME UNITS      units: words of 32 binary products, or float products, that it computes
 *
 * With XL_PORTABLE all of them are plain C. */
#define _GNU_SOURCE 1 /* aligned_alloc, close */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lookup.h"
#include "xor_popcount.h"

enum { MARKS = 0x786c0000, PIXELS = 196 };

static int marks;

static void mark(void) { close(MARKS + marks++); }

static void say(const char *name, double units) { printf("%s %.0f\n", name, units); }

static uint32_t *words(size_t n) {
  static uint32_t state = 1;
  uint32_t *out = malloc(n * sizeof *out);
  for (size_t i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    out[i] = state ^ (state >> 15) * 2246822519u;
  }
  return out;
}

static float *floats(size_t n) {
  float *out = malloc(n * sizeof *out);
  for (size_t i = 0; i < n; ++i) out[i] = (float)(i * 37 % 101) / 64.0f - 0.75f;
  return out;
}

/* One row of 256 * 9 bits against 64 others. */
static void count_rows(void) {
  enum { WORDS = 72, ROWS = 64 };
  uint32_t *row = words(WORDS), *weights = words(WORDS * ROWS), counts[ROWS];
  mark();
  xl_count_differing(row, weights, WORDS, ROWS, counts);
  mark();
  say("carry-save", WORDS * ROWS);
}

/* A run of a full block: its tables, then the entries for one line of pixels. */
static void look_up(void) {
  enum { FILTERS = XL_LOOKUP_UNITS * XL_LOOKUP_UNIT, BYTES = XL_LOOKUP_UNITS * XL_LOOKUP_UNIT_BYTES };
  uint32_t *x = words(PIXELS), *w = words(FILTERS);
  uint8_t *tables = aligned_alloc(64, XL_LOOKUP_ENTRIES * XL_LOOKUP_ENTRY_BYTES), *sums = aligned_alloc(64, PIXELS * 64);
  uint8_t *spread = aligned_alloc(64, PIXELS * 8);
  xl_lookup_line line = {(uint8_t *)x, 4, sums, PIXELS};
  xl_lookup_clear(sums, PIXELS * XL_LOOKUP_UNITS);
  mark();
  xl_lookup_tables((const uint8_t *)w, 4, XL_LOOKUP_UNITS, tables);
  mark();
  say("tables", (double)FILTERS * XL_LOOKUP_RUN_BITS / 32);
  if (XL_LOOKUP_X_BYTES > 0) {
    xl_lookup_spread(x, 1, 0, PIXELS, spread);
    line.x = spread;
    line.step = XL_LOOKUP_X_BYTES;
  }
  mark();
  xl_lookup_add(&line, 1, XL_LOOKUP_UNITS, 0, 0, tables);
  mark();
  say("look-ups", (double)PIXELS * FILTERS * XL_LOOKUP_RUN_BITS / 32);
}

static xl_conv2d_params square(int32_t size, int32_t channels) {
  const xl_window window = {size, size, size, size, 3, 3, 1, 1, 1, 1, 1, 1};
  xl_conv2d_params p;
  memset(&p, 0, sizeof p);
  p.window = window;
  p.batch = p.groups = p.planes = 1;
  p.in_c = p.out_c = channels;
  return p;
}

static void run(const char *name, xl_op *op, const xl_conv2d_params *p, uint64_t workspace, int products) {
  const double taps = (double)p->window.out_h * p->window.out_w * p->out_c * 9 * p->in_c;
  op->params = p;
  op->workspace = aligned_alloc(64, ((size_t)workspace + 63) / 64 * 64);
  op->out = malloc((size_t)p->window.out_h * (size_t)p->window.out_w * (size_t)p->out_c * 4);
  mark();
  op->run(op);
  mark();
  free(op->out);
  free(op->workspace);
  say(name, products ? taps : taps / 32);
}

/* 3x3, as many filters as channels, zeros around: to bits by look-up and by carry-save adders, and of floats. */
static void layer(int32_t size, int32_t channels) {
  const xl_conv2d_params p = square(size, channels);
  const size_t pixels = (size_t)size * (size_t)size, n = (size_t)channels;
  uint32_t *x = words(pixels * n / 32), *filter = words(n * 9 * n / 32);
  int32_t *threshold = calloc(n, sizeof *threshold);
  float *fx = floats(pixels * n), *weights = floats(9 * n * n), *scale = floats(n), *bias = floats(n);
  char name[60];
  xl_op op;
  memset(&op, 0, sizeof op);
  op.in[0] = x, op.in[1] = filter, op.in[4] = threshold;
  op.run = xl_lookup_conv2d_b_b_b;
  snprintf(name, sizeof name, "lookup-%dx%dx%d", (int)size, (int)size, (int)channels);
  run(name, &op, &p, xl_lookup_conv2d_b_b_workspace(&p), 0);
  op.run = xl_conv2d_b_b_b;
  snprintf(name, sizeof name, "carry-%dx%dx%d", (int)size, (int)size, (int)channels);
  run(name, &op, &p, xl_conv2d_b_b_workspace(&p), 0);
#ifndef XL_PORTABLE
  memset(&op, 0, sizeof op);
  op.in[0] = fx, op.in[1] = weights, op.in[2] = scale, op.in[3] = bias;
  op.run = xl_conv2d_f32_f32_f32;
  snprintf(name, sizeof name, "float-%dx%dx%d", (int)size, (int)size, (int)channels);
  run(name, &op, &p, xl_conv2d_f32_workspace(&p), 1);
#endif
  free(x), free(filter), free(threshold), free(fx), free(weights), free(scale), free(bias);
}

int main(void) {
  mark(), mark();
  say("mark", 1);
  count_rows();
  look_up();
  layer(14, 256);
  layer(28, 128);
  layer(56, 64);
  layer(7, 512);
  return 0;
}
