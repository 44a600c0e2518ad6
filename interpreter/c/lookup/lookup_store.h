/* What becomes of counts that lie in pairs: one block of filters of some output pixels. Internal. */
#ifndef XL_LOOKUP_STORE_H
#define XL_LOOKUP_STORE_H

#include "store.h"

/* Filters first to first + n - 1 of the output, in `pairs` words of counts a pixel. bits: the elements of a whole window;
 * tap: those that a tap has which may lie outside, 0 if none does. pixel_bytes: from a pixel of the output to the next.
 * limits: workspace, as many words as pairs. */
typedef struct xl_lookup_block {
  const xl_channels *channels;
  int32_t first, n, pairs, bits, tap;
  ptrdiff_t pixel_bytes;
  uint32_t *limits;
} xl_lookup_block;

/* n pixels, one after the other; bits: how many elements the window of each has. out: the first pixel's. Blocks of a
 * pixel come in ascending order. */
typedef void (*xl_store_pixels)(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, int32_t n, void *out);

/* A kind of output. begin: makes a block ready; what then stores its pixels. */
typedef struct xl_lookup_store {
  xl_store_pixels (*begin)(xl_lookup_block *b);
  ptrdiff_t pixel_bytes;
} xl_lookup_store;

xl_store_pixels xl_lookup_begin_b(xl_lookup_block *b);
xl_store_pixels xl_lookup_begin_i32(xl_lookup_block *b);
xl_store_pixels xl_lookup_begin_f32(xl_lookup_block *b);

#endif
