/* Register tiles for x86 with AVX-512 and its vpopcntd.
 *
 * A lane is a channel and a unit 32 of its bits, so that lanes are never added up:
 *
 *   per 16 channels and 32 bits of a pixel    vpxord, vpopcntd, vpaddd                   3
 *   filters, per 16 channels, 32 bits         a load, for all pixels of the tile
 *   activations, per pixel, 32 bits           vpbroadcastd from memory: a load, for all blocks
 *
 * 7 pixels by one block of 32 channels have 14 sums: 42 operations and 9 loads for 14 * 512 products, on two vector
 * ports 21 cycles: 341 products a cycle. Carry-save adders do not help: for eight words they replace 8 of 24
 * operations by 14 ternary ones and 2. 7 divides the pixels of images of 7, 14, 28 and 56 lines. Sums have 32 bits. */
#include "isa_f32.h"

#ifdef XL_HAS_AVX512
#define XL_TARGET "avx512f,avx512bw,avx512vpopcntdq"
#include "target.h"
#ifndef __clang__
XL_TARGET_BEGIN
#endif
#include <immintrin.h>
#ifdef __clang__
XL_TARGET_BEGIN
#endif

#include "tile_store.h"

enum { PIXELS = 7, BLOCKS = 1, BLOCK_VECTORS = 2, UNIT_BYTES = 4, MAX_UNITS = 1 << 15 };
#define EACH_PIXEL(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6)

typedef __m512i vector;
XL_INLINE vector zero(void) { return _mm512_setzero_si512(); }
XL_INLINE vector load(const uint8_t *at) { return _mm512_load_si512((const void *)at); }

XL_INLINE vector broadcast(const uint8_t *at) {
  int32_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return _mm512_set1_epi32(word);
}

XL_INLINE vector count_add(vector sum, vector x, vector w) {
  return _mm512_add_epi32(sum, _mm512_popcnt_epi32(_mm512_xor_si512(x, w)));
}

struct block;
XL_INLINE void finish(const struct block *b, int16_t *counts, int32_t add);
#include "tile_count.h"

XL_INLINE void finish(const block *b, int16_t *counts, int32_t add) {
  for (int i = 0; i < 2; ++i) {
    __m256i *to = (__m256i *)(void *)(counts + 16 * i);
    const __m256i counted = _mm512_cvtepi32_epi16(b->of[i]);
    _mm256_store_si256(to, add ? _mm256_add_epi16(_mm256_load_si256(to), counted) : counted);
  }
}

#define SHAPES(b)                                                                               \
  XL_CHUNK_SHAPE(1, b) XL_CHUNK_SHAPE(2, b) XL_CHUNK_SHAPE(3, b) XL_CHUNK_SHAPE(4, b) \
  XL_CHUNK_SHAPE(5, b) XL_CHUNK_SHAPE(6, b) XL_CHUNK_SHAPE(7, b)
SHAPES(1)
#define NAMES(b)                                                                                            \
  {add_chunk_1x##b, add_chunk_2x##b, add_chunk_3x##b, add_chunk_4x##b, add_chunk_5x##b, add_chunk_6x##b, \
   add_chunk_7x##b}
static const xl_chunk_fn ADD_CHUNK[BLOCKS][PIXELS] = {NAMES(1)};

static void count(const xl_tile_rows *r, int32_t pixels, const uint8_t *filters, ptrdiff_t block_bytes,
                  int32_t blocks, int32_t add, int16_t *counts) {
  xl_add_chunks(ADD_CHUNK[blocks - 1][pixels - 1], r, filters, block_bytes, add, counts, MAX_UNITS,
                XL_TILE_CHANNELS * UNIT_BYTES, UNIT_BYTES);
}

static uint32_t store_b(const int16_t *counts, const int16_t *limits) {
  return _mm512_cmpgt_epi16_mask(_mm512_load_si512((const void *)counts), _mm512_load_si512((const void *)limits));
}

static void store_f32(const int16_t *counts, const int16_t *dots, int32_t factor, const float *scale,
                      const float *bias, const xl_activation *activation, float *out) {
  xl_tile_store_f32(counts, dots, factor, scale, bias, activation, out);
}

static const uint8_t LANES[XL_TILE_CHANNELS] = {XL_NATURAL_LANES};
const xl_isa xl_avx512 = {"avx512", 32, 4, PIXELS, BLOCKS, LANES, NULL, count, store_b, store_f32, &xl_avx512_f32};

XL_TARGET_END
#endif
