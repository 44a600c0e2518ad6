/* Register tiles for WebAssembly with its 128 bit vectors: as on Arm (arm_neon.c), with i8x16.popcnt. Engines have
 * 16 registers on x86-64 and 32 on AArch64, so a tile is 3 pixels by one block. */
#include "isa_f32.h"

#ifdef XL_HAS_WASM
#include <wasm_simd128.h>

#include "tile_store.h"

enum { PIXELS = 3, BLOCKS = 1, BLOCK_VECTORS = 2, UNIT_BYTES = 1, MAX_UNITS = 31 };
#define EACH_PIXEL(DO) DO(0) DO(1) DO(2)

typedef v128_t vector;
XL_INLINE vector zero(void) { return wasm_i8x16_splat(0); }
XL_INLINE vector load(const uint8_t *at) { return wasm_v128_load(at); }
XL_INLINE vector broadcast(const uint8_t *at) { return wasm_v128_load8_splat(at); }
XL_INLINE vector count_add(vector sum, vector x, vector w) {
  return wasm_i8x16_add(sum, wasm_i8x16_popcnt(wasm_v128_xor(x, w)));
}

struct block;
XL_INLINE void finish(const struct block *b, int16_t *counts, int32_t add);
#include "tile_count.h"

XL_INLINE void finish(const block *b, int16_t *counts, int32_t add) {
  for (int i = 0; i < 2; ++i) {
    int16_t *to = counts + 16 * i;
    v128_t low = wasm_u16x8_extend_low_u8x16(b->of[i]), high = wasm_u16x8_extend_high_u8x16(b->of[i]);
    if (add) {
      low = wasm_i16x8_add(low, wasm_v128_load(to));
      high = wasm_i16x8_add(high, wasm_v128_load(to + 8));
    }
    wasm_v128_store(to, low);
    wasm_v128_store(to + 8, high);
  }
}

XL_CHUNK_SHAPE(1, 1)
XL_CHUNK_SHAPE(2, 1)
XL_CHUNK_SHAPE(3, 1)
static const xl_chunk_fn ADD_CHUNK[PIXELS] = {add_chunk_1x1, add_chunk_2x1, add_chunk_3x1};

static void count(const xl_tile_rows *r, int32_t pixels, const uint8_t *filters, ptrdiff_t block_bytes,
                  int32_t blocks, int32_t add, int16_t *counts) {
  (void)blocks;
  xl_add_chunks(ADD_CHUNK[pixels - 1], r, filters, block_bytes, add, counts, MAX_UNITS,
                XL_TILE_CHANNELS * UNIT_BYTES, UNIT_BYTES);
}

static uint32_t store_b(const int16_t *counts, const int16_t *limits) {
  uint32_t word = 0;
  for (int i = 0; i < 4; ++i) {
    const v128_t above = wasm_i16x8_gt(wasm_v128_load(counts + 8 * i), wasm_v128_load(limits + 8 * i));
    word |= (uint32_t)wasm_i16x8_bitmask(above) << (8 * i);
  }
  return word;
}

static void store_f32(const int16_t *counts, const int16_t *dots, int32_t factor, const float *scale,
                      const float *bias, const xl_activation *activation, float *out) {
  xl_tile_store_f32(counts, dots, factor, scale, bias, activation, out);
}

static const uint8_t LANES[XL_TILE_CHANNELS] = {XL_NATURAL_LANES};
const xl_isa xl_wasm_simd128 = {"wasm_simd128", 8, 1, PIXELS, BLOCKS, LANES, NULL, count, store_b, store_f32,
                                &xl_wasm_simd128_f32};

#endif
