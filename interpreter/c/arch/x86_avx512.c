/* Register tiles for x86 with AVX-512 and its vpopcntd.
 *
 * A lane is a channel and a unit 32 of its bits, so that lanes are never added up. Units come in pairs and are
 * counted with carries: of `ones`, the bits that are still to be counted, and of x ^ w and y ^ v
 *
 *   half = ones ^ x ^ w      parity = half ^ y ^ v      carry = half ? ~parity : ones
 *
 * each is one vpternlogd. The parity is the next ones; the carry, bits worth two, is counted by vpopcntd and
 * vpaddd: 5 operations for 1024 products where xor, count and add for each unit are 6. Carries of carries would
 * replace a count and an addition by two ternary operations, which is no less.
 *
 *   filters, per 32 channels, a pair         4 loads, for all pixels of the tile
 *   activations, per pixel, a pair           2 vpbroadcastd from memory: loads, for all channels
 *
 * 6 pixels by one block of 32 channels have 12 sums and 12 ones: 60 operations and 16 loads for 12 * 1024 products,
 * on two vector ports 30 cycles: 410 products a cycle, where xor, count and add are bound by 341. Sums have 32
 * bits. */
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

#include "tile_chunks.h"
#include "tile_store.h"

enum { PIXELS = 6, BLOCKS = 1, UNIT_BYTES = 4, BLOCK_BYTES = XL_TILE_CHANNELS * UNIT_BYTES, MAX_UNITS = 1 << 14 };
#define EACH_PIXEL(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/* Tables of three bits' functions; the first operand's bit counts 4, the second's 2, the third's 1. */
enum { PARITY = 0x96, CARRY = 0x3a /* a ? ~b : c */ };
#define TERNARY(table, a, b, c) _mm512_ternarylogic_epi32(a, b, c, table)

typedef __m512i vector;
XL_INLINE vector load(const uint8_t *at) { return _mm512_load_si512((const void *)at); }

XL_INLINE vector broadcast(const uint8_t *at) {
  int32_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return _mm512_set1_epi32(word);
}

XL_INLINE vector count_add(vector sum, vector bits) { return _mm512_add_epi32(sum, _mm512_popcnt_epi32(bits)); }

XL_INLINE void finish(vector twos, vector ones, int16_t *counts, int32_t add) {
  __m256i *to = (__m256i *)(void *)counts;
  const __m256i counted = _mm512_cvtepi32_epi16(count_add(_mm512_add_epi32(twos, twos), ones));
  _mm256_store_si256(to, add ? _mm256_add_epi16(_mm256_load_si256(to), counted) : counted);
}

/* The compiler is to keep this order: it would hold more intermediate results than there are registers. */
#ifdef XL_NO_TARGETS
#define PIN(v) (void)(v)
#else
#define PIN(v) __asm__ volatile("" : "+v"(v))
#endif

/* Sums are variables of their own, not an array, which compilers would leave in memory. a, b: halves of a block. */
#define BEGIN(m)                                                    \
  vector twos_a##m = _mm512_setzero_si512(), twos_b##m = twos_a##m; \
  vector ones_a##m = twos_a##m, ones_b##m = twos_a##m;              \
  const uint8_t *row##m = m < pixels ? chunk->rows[m] + chunk->at : NULL;
#define ADD_PAIR(twos, ones, w, v)                              \
  {                                                             \
    const vector half = TERNARY(PARITY, x, ones, w);            \
    const vector parity = TERNARY(PARITY, y, half, v);          \
    twos = count_add(twos, TERNARY(CARRY, half, parity, ones)); \
    ones = parity;                                              \
    PIN(twos);                                                  \
    PIN(ones);                                                  \
  }
#define PAIR(m)                                                                                        \
  if (m < pixels) {                                                                                    \
    const vector x = broadcast(row##m + k * UNIT_BYTES), y = broadcast(row##m + (k + 1) * UNIT_BYTES); \
    ADD_PAIR(twos_a##m, ones_a##m, wa, va)                                                             \
    ADD_PAIR(twos_b##m, ones_b##m, wb, vb)                                                             \
  }
#define ADD_LAST(twos, ones, w)                                \
  {                                                            \
    const vector parity = TERNARY(PARITY, x, ones, w);         \
    twos = count_add(twos, _mm512_andnot_si512(parity, ones)); \
    ones = parity;                                             \
    PIN(twos);                                                 \
    PIN(ones);                                                 \
  }
#define LAST(m)                                          \
  if (m < pixels) {                                      \
    const vector x = broadcast(row##m + k * UNIT_BYTES); \
    ADD_LAST(twos_a##m, ones_a##m, wa)                   \
    ADD_LAST(twos_b##m, ones_b##m, wb)                   \
  }
#define NEXT_LINE(m) \
  if (m < pixels) row##m += chunk->step;
#define END(m)                                                             \
  if (m < pixels) {                                                        \
    finish(twos_a##m, ones_a##m, counts + m * XL_TILE_CHANNELS, add);      \
    finish(twos_b##m, ones_b##m, counts + m * XL_TILE_CHANNELS + 16, add); \
  }

XL_INLINE void add_chunk(const xl_chunk *chunk, const uint8_t *filters, ptrdiff_t block_bytes, int32_t add,
                         int16_t *counts, const int pixels, const int blocks) {
  (void)block_bytes;
  (void)blocks;
  EACH_PIXEL(BEGIN)
  for (int32_t line = chunk->lines; line > 0; --line) {
    ptrdiff_t k = 0;
    for (; k < chunk->n - 1; k += 2, filters += 2 * BLOCK_BYTES) {
      const vector wa = load(filters), wb = load(filters + 64), va = load(filters + 128), vb = load(filters + 192);
      EACH_PIXEL(PAIR)
    }
    if (k < chunk->n) {
      const vector wa = load(filters), wb = load(filters + 64);
      EACH_PIXEL(LAST)
      filters += BLOCK_BYTES;
    }
    EACH_PIXEL(NEXT_LINE)
  }
  EACH_PIXEL(END)
}

XL_CHUNK_SHAPE(1, 1)
XL_CHUNK_SHAPE(2, 1)
XL_CHUNK_SHAPE(3, 1)
XL_CHUNK_SHAPE(4, 1)
XL_CHUNK_SHAPE(5, 1)
XL_CHUNK_SHAPE(6, 1)
static const xl_chunk_fn ADD_CHUNK[PIXELS] = {add_chunk_1x1, add_chunk_2x1, add_chunk_3x1,
                                              add_chunk_4x1, add_chunk_5x1, add_chunk_6x1};

static void count(const xl_tile_rows *r, int32_t pixels, const uint8_t *filters, ptrdiff_t block_bytes,
                  int32_t blocks, int32_t add, int16_t *counts) {
  (void)blocks;
  xl_add_chunks(ADD_CHUNK[pixels - 1], r, filters, block_bytes, add, counts, MAX_UNITS,
                BLOCK_BYTES, UNIT_BYTES);
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
