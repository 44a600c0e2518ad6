/* Ops with a filter whose products are of integers: x of uint8, int8 or bits, filters of int8 or bits. Internal.
 *
 * Whatever they come from, numbers and weights are widened to int16 before they are multiplied: that is what vector
 * units (PMADDWD), and the SIMD32 instructions of ARMv6 and Cortex-M4 (SMLAD), multiply two or more of at a time and
 * add up in 32 bits. A filter is widened once for several windows. Sums are exact in any order, since the sum of all
 * magnitudes is below 2^31. */
#ifndef XL_INTEGERS_H
#define XL_INTEGERS_H

#include "bits.h"
#include "store.h"
#include "xlite.h"

#define XL_TILE_I16 4 /* filters that go over a window together */

/* Rows of numbers and chunks of weights are filled with zeros to whole vectors: so their loops need no remainder. */
#define XL_VECTOR_I16 16
static inline ptrdiff_t xl_filled_i16(ptrdiff_t n) {
  return (n + XL_VECTOR_I16 - 1) / XL_VECTOR_I16 * XL_VECTOR_I16;
}

/* Elements that are widened at a time, on the stack: a multiple of 32. */
#if UINTPTR_MAX > 0xffffffffu
#define XL_CHUNK_I16 128
#else
#define XL_CHUNK_I16 32
#endif

/* What the elements of x count as: multiplier * x - zero_point; bits as +1 and -1. */
typedef struct xl_numbers {
  const void *data;
  int32_t channels; /* of a pixel */
  int32_t multiplier, zero_point;
} xl_numbers;

/* Widens channels first to first + n - 1 of a pixel. Of u8 and i8, they may go on into the next pixels. */
typedef void (*xl_widen)(const xl_numbers *x, ptrdiff_t pixel, int32_t first, ptrdiff_t n, int16_t *out);
void xl_widen_u8(const xl_numbers *x, ptrdiff_t pixel, int32_t first, ptrdiff_t n, int16_t *out);
void xl_widen_i8(const xl_numbers *x, ptrdiff_t pixel, int32_t first, ptrdiff_t n, int16_t *out);
void xl_widen_b(const xl_numbers *x, ptrdiff_t pixel, int32_t first, ptrdiff_t n, int16_t *out);

/* Rows of weights, k a row. */
typedef struct xl_weights {
  const void *rows;
  const uint32_t *zeros; /* beside bits: 1 where a weight is 0; NULL where none is */
  ptrdiff_t k;
} xl_weights;

/* What a convolution reads: its input, and filters of k elements. */
static inline xl_numbers xl_numbers_of(const xl_op *op, const xl_conv2d_params *p) {
  const xl_numbers x = {op->in[0], p->in_c, p->input_multiplier, p->input_zero_point};
  return x;
}

static inline xl_weights xl_weights_of(const xl_op *op, int masked, ptrdiff_t k) {
  const xl_weights w = {op->in[1], masked ? (const uint32_t *)op->in[5] : NULL, k};
  return w;
}

/* Widens elements at to at + n - 1 of a row; `at` is a multiple of 32, and `out` has room for the next one above n. */
typedef void (*xl_weigh)(const xl_weights *w, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n, int16_t *out);
void xl_weigh_i8(const xl_weights *w, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n, int16_t *out);
void xl_weigh_b(const xl_weights *w, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n, int16_t *out);

/* What one kernel of the family is made of. words: 4-byte words of so many output channels of a pixel. */
typedef struct xl_integers {
  xl_widen widen;
  xl_weigh weigh;
  xl_store_dots store;
  int output_bits; /* whether a channel of the output is one bit, else 4 bytes */
  int input_bits;  /* whether x is bits */
} xl_integers;

static inline ptrdiff_t xl_output_words(const xl_integers *kind, int32_t channels) {
  return kind->output_bits ? xl_words(channels) : channels;
}

static inline void xl_fill_i16(int16_t *out, int16_t value, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; ++i) out[i] = value;
}

/* Widens a chunk of up to XL_TILE_I16 filters, row `row` and on; those behind `last` are `last` again. */
static inline void xl_weigh_tile(xl_weigh weigh, const xl_weights *w, ptrdiff_t row, ptrdiff_t last, ptrdiff_t at,
                                 ptrdiff_t n, int16_t tile[XL_TILE_I16][XL_CHUNK_I16]) {
  for (int f = 0; f < XL_TILE_I16; ++f) {
    weigh(w, row + f <= last ? row + f : last, at, n, tile[f]);
    xl_fill_i16(tile[f] + n, 0, xl_filled_i16(n) - n);
  }
}

/* Line y of image n of a convolution's input, which may lie outside the image, from what is `left` of it on: so many columns
 * as numbers, of u8 or i8. */
void xl_widen_line(const xl_conv2d_params *p, xl_widen widen, const xl_numbers *x, int32_t n, int32_t y, int32_t columns,
                   int16_t *out);

/* Adds the dot products of n numbers, filled with zeros, with each filter of a tile to sums. */
void xl_dot_tile_i16(const int16_t *x, const int16_t tile[XL_TILE_I16][XL_CHUNK_I16], ptrdiff_t n, int32_t *sums);

/* The kernels of an op by `run(op, kind)`, which its file defines before. A kind is static, so that the linker drops
 * those that no program uses, and what they point to. */
#define XL_INTEGER_KERNEL(name, x, w, out, bits_in, bits_out)                                            \
  void name##_##x##_##w##_##out(const xl_op *op) {                                                       \
    static const xl_integers kind = {xl_widen_##x, xl_weigh_##w, xl_store_dots_##out, bits_out, bits_in}; \
    run(op, &kind);                                                                                      \
  }
#define XL_INTEGER_OUTPUTS(name, x, w, bits_in)   \
  XL_INTEGER_KERNEL(name, x, w, b, bits_in, 1)    \
  XL_INTEGER_KERNEL(name, x, w, i32, bits_in, 0)  \
  XL_INTEGER_KERNEL(name, x, w, f32, bits_in, 0)
#define XL_INTEGER_OP(name)           \
  XL_INTEGER_OUTPUTS(name, u8, i8, 0) \
  XL_INTEGER_OUTPUTS(name, u8, b, 0)  \
  XL_INTEGER_OUTPUTS(name, i8, i8, 0) \
  XL_INTEGER_OUTPUTS(name, i8, b, 0)  \
  XL_INTEGER_OUTPUTS(name, b, i8, 1)  \
  typedef int name##_takes_a_semicolon

#endif
