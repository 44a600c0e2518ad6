/* Epilogues: thresholds and bit packing, integers, scale and bias and activation. */
#include "store.h"

#include "bits.h"

/* (bits - d) - d cannot overflow: 0 <= d <= bits. */
static inline int32_t dot_of(int32_t bits, uint32_t differing) {
  return bits - (int32_t)differing - (int32_t)differing;
}

void xl_store_b(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts, void *row) {
  const int32_t *threshold = c->threshold + first;
  uint32_t *word = (uint32_t *)row + first / XL_BLOCK;
  uint32_t packed = 0;
  if (n == XL_BLOCK) { /* a constant number, which vectorises */
    for (int32_t i = 0; i < XL_BLOCK; ++i) packed |= dot_of(bits, counts[i]) < threshold[i] ? xl_lane_bit[i] : 0;
  } else {
    for (int32_t i = 0; i < n; ++i) packed |= dot_of(bits, counts[i]) < threshold[i] ? xl_lane_bit[i] : 0;
  }
  const int32_t shift = first % XL_BLOCK; /* not 0 only where groups do not begin at a word */
  if (shift == 0) {
    *word = packed;
  } else {
    *word |= packed << shift;
  }
}

void xl_store_i32(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts,
                  void *row) {
  int32_t *y = (int32_t *)row + first;
  (void)c;
  for (int32_t i = 0; i < n; ++i) y[i] = dot_of(bits, counts[i]);
}

void xl_store_f32(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts,
                  void *row) {
  float *y = (float *)row + first;
  for (int32_t i = 0; i < n; ++i) y[i] = (float)dot_of(bits, counts[i]);
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
