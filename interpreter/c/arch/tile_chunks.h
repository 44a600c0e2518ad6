/* How a tile walks over the windows of its pixels, for the instruction sets' files. Internal.
 *
 * Sums of bytes are full after MAX_UNITS units, so the units of a window are added up in chunks of as many at most:
 * short lines several at a time, long ones in equal parts. */
#ifndef XL_TILE_CHUNKS_H
#define XL_TILE_CHUNKS_H

#include "bits.h"
#include "isa.h"

/* Some lines of n units each, `step` bytes behind one another. at: where they begin, from rows[m] on. */
typedef struct xl_chunk {
  const uint8_t *const *rows;
  ptrdiff_t at, step;
  int32_t lines, n;
} xl_chunk;

/* Adds up one chunk of the tile that the function is for: to the counts, or as the first of them where add is 0. */
typedef void (*xl_chunk_fn)(const xl_chunk *c, const uint8_t *filters, ptrdiff_t block_bytes, int32_t add,
                            int16_t *counts);

static inline int32_t xl_parts(int32_t a, int32_t b) { return (a + b - 1) / b; }

/* filter_bytes: of one unit of a block. row_bytes: of one unit of a row. */
XL_INLINE void xl_add_chunks(xl_chunk_fn add_chunk, const xl_tile_rows *r, const uint8_t *filters,
                             ptrdiff_t block_bytes, int32_t add, int16_t *counts, const int32_t max_units,
                             const int32_t filter_bytes, const int32_t row_bytes) {
  const int32_t part = xl_parts(r->units, xl_parts(r->units, max_units));
  const int nested = r->runs > 1;
  const int32_t outer = nested ? r->lines : 1, inner = nested ? r->runs : r->lines;
  const int32_t most = part < r->units ? 1 : max_units / part; /* lines a chunk */
  const int32_t lines = xl_parts(inner, xl_parts(inner, most));
  xl_chunk c = {r->rows, 0, nested ? r->run_bytes : r->line_bytes, 1, part};
  for (int32_t i = 0; i < outer; ++i) {
    for (int32_t j = 0; j < inner; j += c.lines) {
      c.lines = xl_min32(lines, inner - j);
      for (int32_t k = 0; k < r->units; k += part) {
        c.n = xl_min32(part, r->units - k);
        c.at = i * r->line_bytes + j * c.step + (ptrdiff_t)k * row_bytes;
        add_chunk(&c, filters, block_bytes, add, counts);
        filters += (ptrdiff_t)c.n * c.lines * filter_bytes;
        add = 1;
      }
    }
  }
}

/* One function a shape of tile, and not a part of any other, so that its sums stay in registers.
 * NAME(m, b): add_chunk with constant m and b. */
#define XL_CHUNK_SHAPE(m, b)                                                                                       \
  static __attribute__((noinline)) void add_chunk_##m##x##b(const xl_chunk *c, const uint8_t *filters,             \
                                                            ptrdiff_t block_bytes, int32_t add, int16_t *counts) { \
    add_chunk(c, filters, block_bytes, add, counts, m, b);                                                         \
  }

#endif
