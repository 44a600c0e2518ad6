/* Tiles for instruction sets that count the bits of every lane of a register. Included once by the file of each,
 * after it has defined
 *
 *   PIXELS, BLOCKS      of a tile
 *   MAX_UNITS           that a lane's sum has room for
 *   UNIT_BYTES          of a lane
 *   vector              a register; a block of XL_TILE_CHANNELS channels is BLOCK_VECTORS (1 or 2) of them
 *   zero()
 *   load(at), broadcast(at), count_add(sum, x, w)    sum + popcount(x xor w), lane by lane
 *   finish(sum, counts, add)                                 a block's lanes to 16 bit counts
 *
 * Per unit of a tile: BLOCKS * BLOCK_VECTORS loads of filters, PIXELS broadcasts of activations, and an xor, a count
 * and an addition for each of the PIXELS * BLOCKS * BLOCK_VECTORS sums. */
#include "tile_chunks.h"

typedef struct block {
  vector of[2];
} block;

/* Sums are variables of their own, not an array, which compilers would leave in memory. */
#define BEGIN(m)                                     \
  vector a##m = zero(), b##m = zero(), c##m = zero(), d##m = zero(); \
  const uint8_t *row##m = m < pixels ? chunk->rows[m] + chunk->at : NULL;
#define UNIT(m)                                                          \
  if (m < pixels) {                                                      \
    const vector x = broadcast(row##m + k * UNIT_BYTES);                 \
    a##m = count_add(a##m, x, w0);                                       \
    if (BLOCK_VECTORS > 1) b##m = count_add(b##m, x, w1);                \
    if (blocks > 1) c##m = count_add(c##m, x, w2);                       \
    if (blocks > 1 && BLOCK_VECTORS > 1) d##m = count_add(d##m, x, w3);  \
  }
#define NEXT_LINE(m) \
  if (m < pixels) row##m += chunk->step;
#define END(m)                                                                   \
  if (m < pixels) {                                                              \
    const block first = {{a##m, b##m}}, second = {{c##m, d##m}};                 \
    finish(&first, counts + m * blocks * XL_TILE_CHANNELS, add);                 \
    if (blocks > 1) finish(&second, counts + (m * 2 + 1) * XL_TILE_CHANNELS, add); \
  }

XL_INLINE void add_chunk(const xl_chunk *chunk, const uint8_t *filters, ptrdiff_t block_bytes, int32_t add,
                         int16_t *counts, const int pixels, const int blocks) {
  enum { VECTOR_BYTES = (int)sizeof(vector), BLOCK_BYTES = XL_TILE_CHANNELS * UNIT_BYTES };
  EACH_PIXEL(BEGIN)
  for (int32_t line = chunk->lines; line > 0; --line) {
    for (ptrdiff_t k = 0; k < chunk->n; ++k, filters += BLOCK_BYTES) {
      const uint8_t *other = filters + block_bytes;
      const vector w0 = load(filters), w1 = BLOCK_VECTORS > 1 ? load(filters + VECTOR_BYTES) : w0;
      const vector w2 = blocks > 1 ? load(other) : w0;
      const vector w3 = blocks > 1 && BLOCK_VECTORS > 1 ? load(other + VECTOR_BYTES) : w0;
      EACH_PIXEL(UNIT)
    }
    EACH_PIXEL(NEXT_LINE)
  }
  EACH_PIXEL(END)
}
