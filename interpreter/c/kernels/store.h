/* What becomes of binary dot products: one block of output channels of one pixel or row. Internal. */
#ifndef XL_STORE_H
#define XL_STORE_H

#include "xlite.h"

/* A block never crosses a word of output bits, so it has at most 32 channels. */
#define XL_BLOCK 32

/* Per-channel constants; the optional ones are NULL. */
typedef struct xl_channels {
  const float *scale;
  const float *bias;
  const int32_t *threshold; /* of bit outputs, where it is not */
  const xl_activation *activation;
} xl_channels;

static inline xl_channels xl_channels_of(const xl_op *op, const xl_activation *activation) {
  xl_channels c;
  c.scale = (const float *)op->in[2];
  c.bias = (const float *)op->in[3];
  c.threshold = (const int32_t *)op->in[4];
  c.activation = activation;
  return c;
}

/* Stores channels first to first + n - 1 into the output row `row` (of one pixel). counts: in how many of `bits`
 * elements x and weights differ. Blocks of a row come in ascending order. */
typedef void (*xl_store)(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts,
                         void *row);
void xl_store_b(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts, void *row);
void xl_store_i32(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts, void *row);
void xl_store_f32(const xl_channels *c, int32_t first, int32_t n, int32_t bits, const uint32_t *counts, void *row);

/* The same of dot products themselves, where weights that are 0 or bit planes make them more than `bits` and counts
 * can say. */
typedef void (*xl_store_dots)(const xl_channels *c, int32_t first, int32_t n, const int32_t *dots, void *row);
void xl_store_dots_b(const xl_channels *c, int32_t first, int32_t n, const int32_t *dots, void *row);
void xl_store_dots_i32(const xl_channels *c, int32_t first, int32_t n, const int32_t *dots, void *row);
void xl_store_dots_f32(const xl_channels *c, int32_t first, int32_t n, const int32_t *dots, void *row);

/* Finishes float dot products in place: activation(y * scale + bias) for channels first to first + n - 1. */
void xl_finish_f32(const xl_channels *c, int32_t first, int32_t n, float *y);

#endif
