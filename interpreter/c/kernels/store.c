/* Epilogues: thresholds and bit packing, integers, scale and bias and activation. */
#include "store.h"

#include <string.h>

#include "bits.h"
#include "core.h"

/* (bits - d) - d cannot overflow: 0 <= d <= bits. */
static inline int32_t dot_of(int32_t bits, uint32_t differing) {
  return bits - (int32_t)differing - (int32_t)differing;
}

/* shift: not 0 only where groups do not begin at a word. */
static inline void put_word(uint32_t *word, uint32_t packed, int32_t shift) {
  if (shift == 0) {
    *word = packed;
  } else {
    *word |= packed << shift;
  }
}

/* 1 in bit i where channel i of a whole block has the sign -1. */
static uint32_t signs_of_block(const int32_t *threshold, int32_t bits, const uint32_t *counts) {
  uint32_t packed = 0;
#ifdef XL_CORE_COUNTS_APART /* no vectors: bits of four at a time have constant places */
  for (int32_t i = 0; i < XL_BLOCK; i += 4) {
    uint32_t four = dot_of(bits, counts[i]) < threshold[i];
    four |= (uint32_t)(dot_of(bits, counts[i + 1]) < threshold[i + 1]) << 1;
    four |= (uint32_t)(dot_of(bits, counts[i + 2]) < threshold[i + 2]) << 2;
    four |= (uint32_t)(dot_of(bits, counts[i + 3]) < threshold[i + 3]) << 3;
    packed |= four << i;
  }
#else /* a constant number, which vectorises */
  for (int32_t i = 0; i < XL_BLOCK; ++i) packed |= dot_of(bits, counts[i]) < threshold[i] ? xl_lane_bit[i] : 0;
#endif
  return packed;
}

void xl_store_b(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts, void *row) {
  const int32_t *threshold = c->threshold + first;
  uint32_t *word = (uint32_t *)row + first / XL_BLOCK;
  uint32_t packed = 0;
  if (n == XL_BLOCK) {
    packed = signs_of_block(threshold, bits, counts);
  } else {
    for (int32_t i = 0; i < n; ++i) packed |= dot_of(bits, counts[i]) < threshold[i] ? xl_lane_bit[i] : 0;
  }
  put_word(word, packed, first % XL_BLOCK);
}

void xl_store_dots_b(const xl_channels *c, int32_t first, int32_t n, const int32_t *dots, void *row) {
  const int32_t *threshold = c->threshold + first;
  uint32_t packed = 0;
#ifdef XL_CORE_PAIRS
  if (n == XL_BLOCK) {
    *((uint32_t *)row + first / XL_BLOCK) = xl_core_signs_of_dots(dots, threshold);
    return;
  }
#endif
  for (int32_t i = 0; i < n; ++i) packed |= dots[i] < threshold[i] ? xl_lane_bit[i] : 0;
  put_word((uint32_t *)row + first / XL_BLOCK, packed, first % XL_BLOCK);
}

void xl_store_i32(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts, void *row) {
  int32_t *y = (int32_t *)row + first;
  (void)c;
  for (int32_t i = 0; i < n; ++i) y[i] = dot_of(bits, counts[i]);
}

void xl_store_dots_i32(const xl_channels *c, int32_t first, int32_t n, const int32_t *dots, void *row) {
  (void)c;
  memcpy((int32_t *)row + first, dots, (size_t)n * sizeof *dots);
}

void xl_store_f32(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts, void *row) {
  float *y = (float *)row + first;
#if defined(XL_CORE_PAIRS) && defined(XL_CORE_FLOATS)
  if (n % 4 == 0 && c->scale != NULL && c->bias != NULL) {
    int32_t dots[XL_BLOCK];
    for (int32_t i = 0; i < n; ++i) dots[i] = dot_of(bits, counts[i]);
    xl_store_dots_f32(c, first, n, dots, row);
    return;
  }
#endif
  for (int32_t i = 0; i < n; ++i) y[i] = (float)dot_of(bits, counts[i]);
  xl_finish_f32(c, first, n, y);
}

void xl_store_dots_f32(const xl_channels *c, int32_t first, int32_t n, const int32_t *dots, void *row) {
  float *y = (float *)row + first;
#if defined(XL_CORE_PAIRS) && defined(XL_CORE_FLOATS)
  if (n % 4 == 0 && c->scale != NULL && c->bias != NULL) {
    xl_core_store_dots_f32(dots, n / 4, c->scale + first, c->bias + first, y);
    if (c->activation->apply != NULL) c->activation->apply(c->activation, y, y, (size_t)n);
    return;
  }
#endif
  for (int32_t i = 0; i < n; ++i) y[i] = (float)dots[i];
  xl_finish_f32(c, first, n, y);
}

/* One pass a step: each product and sum is rounded by itself, and every pass vectorises. */
void xl_finish_f32(const xl_channels *c, int32_t first, int32_t n, float *y) {
  if (c->scale != NULL) {
    const float *scale = c->scale + first;
    for (int32_t i = 0; i < n; ++i) y[i] *= scale[i];
  }
  if (c->bias != NULL) {
    const float *bias = c->bias + first;
    for (int32_t i = 0; i < n; ++i) y[i] += bias[i];
  }
  if (c->activation->apply != NULL) c->activation->apply(c->activation, y, y, (size_t)n);
}
