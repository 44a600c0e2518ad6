/* Register tiles for x86 with AVX2, which has no popcount of vectors.
 *
 * Four binary products are one table look-up. For a nibble a of an activation, table[w] = popcount(a xor w) has 16
 * entries; vpshufb looks up 32 of them at once, so with 32 channels' nibbles of weights in the 32 bytes of a
 * register, one look-up and one addition are 128 binary multiply-accumulates:
 *
 *   per 32 channels and 4 bits        vpshufb, vpaddb                                    2
 *   weights, per 32 channels, 8 bits  load, 2 vpand, vpsrlw: 3 / 2 a nibble, for all pixels of the tile
 *   activations, per pixel, 4 bits    movzx (the index), vbroadcasti128 (the table): loads, for all blocks
 *
 * With 6 pixels by 2 blocks a nibble takes 24 + 3 vector operations for 12 * 128 products. Four vector ports of
 * which two shuffle (Zen 3) need 27 / 4 cycles: 228 products a cycle. All of a nibble are 43 instructions, of which
 * six begin in a cycle: 214. The usual xor, two look-ups and five more operations for 256 bits reach 128, scalar
 * popcnt 85.
 *
 * Counts are summed in bytes: a nibble adds at most 4, so that 63 fit. They are added to 16 bit sums after
 * MAX_UNITS * 2 = 62 nibbles. */
#include "isa_f32.h"

#ifdef XL_HAS_AVX2
#define XL_TARGET "avx2,fma"
#include "target.h"
#ifndef __clang__
XL_TARGET_BEGIN
#endif
#include <immintrin.h>
#ifdef __clang__
XL_TARGET_BEGIN
#endif

#include "tile_chunks.h"

enum { PIXELS = 6, BLOCKS = 2, MAX_UNITS = 31 };

/* The low bytes of 16 bit lanes are summed apart from the high ones, so channels 0 to 15 lie in the even bytes. */
static const uint8_t LANES[XL_TILE_CHANNELS] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
                                                1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31};

#define ROW(a) \
  {P4(a, 0), P4(a, 1), P4(a, 2), P4(a, 3), P4(a, 4), P4(a, 5), P4(a, 6), P4(a, 7), \
   P4(a, 8), P4(a, 9), P4(a, 10), P4(a, 11), P4(a, 12), P4(a, 13), P4(a, 14), P4(a, 15)}
#define P4(a, w) ((((a) ^ (w)) & 1) + (((a) ^ (w)) >> 1 & 1) + (((a) ^ (w)) >> 2 & 1) + (((a) ^ (w)) >> 3 & 1))
static const uint8_t TABLES[16][16] __attribute__((aligned(64))) = {
    ROW(0), ROW(1), ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6),  ROW(7),
    ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15)};

/* An index is twice the nibble: x86 scales addresses by up to 8, and a table has 16 bytes. */
static void spread(const uint32_t *row, int32_t first, int32_t units, uint8_t *out) {
  const uint8_t *in = (const uint8_t *)row + first / 8;
  const __m128i low = _mm_set1_epi8(0x1e);
  int32_t k = 0;
  for (; k + 16 <= units; k += 16, out += 32) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(in + k));
    const __m128i even = _mm_and_si128(_mm_slli_epi16(bytes, 1), low);
    const __m128i odd = _mm_and_si128(_mm_srli_epi16(bytes, 3), low);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi8(even, odd));
    _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm_unpackhi_epi8(even, odd));
  }
  for (; k < units; ++k, out += 2) {
    out[0] = (uint8_t)(in[k] << 1 & 0x1e);
    out[1] = (uint8_t)(in[k] >> 3 & 0x1e);
  }
}

/* The compiler is to keep this order: it would hold more intermediate results than there are registers. */
#define PIN(v) __asm__ volatile("" : "+x"(v))

XL_INLINE __m256i table_of(const uint8_t *index) {
  const uint8_t *table = &TABLES[0][0] + (size_t)*index * 8;
  return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)table));
}

/* Sums are variables of their own, not an array, which compilers would leave in memory. */
#define EACH_PIXEL(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define BEGIN(m)                                                                       \
  __m256i sum##m##a = _mm256_setzero_si256(), sum##m##b = _mm256_setzero_si256();      \
  const uint8_t *row##m = m < pixels ? chunk->rows[m] + chunk->at : NULL;
#define LOOK_UP(sum, nibbles)                                        \
  sum = _mm256_add_epi8(sum, _mm256_shuffle_epi8(table, (nibbles))); \
  PIN(sum);
#define LOW(m)                                      \
  if (m < pixels) {                                 \
    __m256i table = table_of(row##m + 2 * k);       \
    PIN(table);                                     \
    LOOK_UP(sum##m##a, low_a)                       \
    if (blocks > 1) { LOOK_UP(sum##m##b, low_b) }   \
  }
#define HIGH(m)                                     \
  if (m < pixels) {                                 \
    __m256i table = table_of(row##m + 2 * k + 1);   \
    PIN(table);                                     \
    LOOK_UP(sum##m##a, high_a)                      \
    if (blocks > 1) { LOOK_UP(sum##m##b, high_b) }  \
  }
#define NEXT_LINE(m) \
  if (m < pixels) row##m += chunk->step;
#define END(m)                                                        \
  if (m < pixels) {                                                   \
    widen(sum##m##a, counts + m * blocks * 32, add);                  \
    if (blocks > 1) widen(sum##m##b, counts + (m * 2 + 1) * 32, add); \
  }

XL_INLINE __m256i load_filters(const uint8_t *at) {
  return _mm256_load_si256((const __m256i *)(const void *)at);
}

/* Bytes to 16 bit counts: the even ones are those of the first 16 channels. */
XL_INLINE void widen(__m256i bytes, int16_t *counts, int32_t add) {
  __m256i *to = (__m256i *)(void *)counts;
  __m256i even = _mm256_and_si256(bytes, _mm256_set1_epi16(0xff)), odd = _mm256_srli_epi16(bytes, 8);
  if (add) {
    even = _mm256_add_epi16(_mm256_load_si256(to), even);
    odd = _mm256_add_epi16(_mm256_load_si256(to + 1), odd);
  }
  _mm256_store_si256(to, even);
  _mm256_store_si256(to + 1, odd);
}

XL_INLINE void add_chunk(const xl_chunk *chunk, const uint8_t *filters, ptrdiff_t block_bytes, int32_t add,
                         int16_t *counts, const int pixels, const int blocks) {
  const __m256i mask = _mm256_set1_epi8(15);
  EACH_PIXEL(BEGIN)
  for (int32_t line = chunk->lines; line > 0; --line) {
    for (ptrdiff_t k = 0; k < chunk->n; ++k, filters += XL_TILE_CHANNELS) {
      const __m256i a = load_filters(filters), b = blocks > 1 ? load_filters(filters + block_bytes) : a;
      const __m256i low_a = _mm256_and_si256(a, mask), low_b = _mm256_and_si256(b, mask);
      EACH_PIXEL(LOW)
      const __m256i high_a = _mm256_and_si256(_mm256_srli_epi16(a, 4), mask);
      const __m256i high_b = _mm256_and_si256(_mm256_srli_epi16(b, 4), mask);
      EACH_PIXEL(HIGH)
    }
    EACH_PIXEL(NEXT_LINE)
  }
  EACH_PIXEL(END)
}

/* The full tile, which nearly all work is, in assembler: it takes all 16 registers, 12 of sums, two of weights, a table
 * and what was looked up, and the second look-up's place is the table's. Compilers keep two of the sums in
 * memory. k runs from -n to 0, rows end where it does. */
#define MACROS                                                                                                    \
  ".macro xl_look_up row, half, a, b\n\t"                                                                         \
  "movzbl \\half(\\row,%[k],2), %%eax\n\tvbroadcasti128 (%[tables],%%rax,8), %%ymm14\n\t"                        \
  "vpshufb %%ymm12, %%ymm14, %%ymm15\n\tvpshufb %%ymm13, %%ymm14, %%ymm14\n\t"                                   \
  "vpaddb %%ymm15, %%ymm\\a, %%ymm\\a\n\tvpaddb %%ymm14, %%ymm\\b, %%ymm\\b\n.endm\n"                            \
  ".macro xl_nibbles half\n\t"                                                                                    \
  "xl_look_up %[r0], \\half, 0, 1\n\txl_look_up %[r1], \\half, 2, 3\n\txl_look_up %[r2], \\half, 4, 5\n\t"        \
  "xl_look_up %[r3], \\half, 6, 7\n\txl_look_up %[r4], \\half, 8, 9\n\txl_look_up %[r5], \\half, 10, 11\n.endm\n" \
  ".macro xl_widen r, add\n\tvpand %%ymm14, %%ymm\\r, %%ymm15\n\tvpsrlw $8, %%ymm\\r, %%ymm\\r\n"                \
  ".if \\add\n\tvpaddw 64*\\r(%[counts]), %%ymm15, %%ymm15\n\t"                                                 \
  "vpaddw 64*\\r+32(%[counts]), %%ymm\\r, %%ymm\\r\n.endif\n\t"                                                  \
  "vmovdqa %%ymm15, 64*\\r(%[counts])\n\tvmovdqa %%ymm\\r, 64*\\r+32(%[counts])\n.endm\n"
#define EACH_SUM(what) ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t" what "\n.endr\n"
#define NO_MACROS ".purgem xl_look_up\n.purgem xl_nibbles\n.purgem xl_widen"

#define FIFTEENS 15, 15, 15, 15, 15, 15, 15, 15
static const uint8_t LOW_BITS[32] __attribute__((aligned(32))) = {FIFTEENS, FIFTEENS, FIFTEENS, FIFTEENS};

static __attribute__((noinline)) void add_chunk_6x2(const xl_chunk *chunk, const uint8_t *filters,
                                                    ptrdiff_t block_bytes, int32_t add, int16_t *counts) {
  const ptrdiff_t n = chunk->n, step = chunk->step;
  ptrdiff_t k = -n, lines = chunk->lines;
  const uint8_t *r[PIXELS];
  for (int m = 0; m < PIXELS; ++m) r[m] = chunk->rows[m] + chunk->at + 2 * n;
  __asm__ volatile(
      MACROS
      EACH_SUM("vpxor %%xmm\\r, %%xmm\\r, %%xmm\\r")
      ".p2align 6\n1:\n\t"
      "vmovdqa %[low], %%ymm12\n\tvmovdqa %%ymm12, %%ymm13\n\t"
      "vpand (%[filters]), %%ymm12, %%ymm12\n\tvpand (%[filters],%[block]), %%ymm13, %%ymm13\n\t"
      "xl_nibbles 0\n\t"
      "vmovdqa (%[filters]), %%ymm12\n\tvmovdqa (%[filters],%[block]), %%ymm13\n\t"
      "vpsrlw $4, %%ymm12, %%ymm12\n\tvpsrlw $4, %%ymm13, %%ymm13\n\t"
      "vpand %[low], %%ymm12, %%ymm12\n\tvpand %[low], %%ymm13, %%ymm13\n\t"
      "add $32, %[filters]\n\t"
      "xl_nibbles 1\n\t"
      "add $1, %[k]\n\tjne 1b\n\t"
      "mov %[step], %%rax\n\tadd %%rax, %[r0]\n\tadd %%rax, %[r1]\n\tadd %%rax, %[r2]\n\t"
      "add %%rax, %[r3]\n\tadd %%rax, %[r4]\n\tadd %%rax, %[r5]\n\t"
      "sub %[n], %[k]\n\tsubq $1, %[lines]\n\tjne 1b\n\t"
      "vpcmpeqw %%ymm14, %%ymm14, %%ymm14\n\tvpsrlw $8, %%ymm14, %%ymm14\n\t"
      "testl %[add], %[add]\n\tje 2f\n\t"
      EACH_SUM("xl_widen \\r, 1")
      "jmp 3f\n2:\n\t"
      EACH_SUM("xl_widen \\r, 0")
      "3:\n\tvzeroupper\n" NO_MACROS
      : [r0] "+r"(r[0]), [r1] "+r"(r[1]), [r2] "+r"(r[2]), [r3] "+r"(r[3]), [r4] "+r"(r[4]), [r5] "+r"(r[5]),
        [k] "+r"(k), [filters] "+r"(filters), [lines] "+m"(lines)
      : [n] "m"(n), [step] "m"(step), [block] "r"(block_bytes), [tables] "r"(&TABLES[0][0]), [low] "m"(LOW_BITS),
        [add] "r"(add), [counts] "r"(counts)
      : "memory", "cc", "rax", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#define SHAPES(b) \
  XL_CHUNK_SHAPE(1, b) XL_CHUNK_SHAPE(2, b) XL_CHUNK_SHAPE(3, b) XL_CHUNK_SHAPE(4, b) XL_CHUNK_SHAPE(5, b)
SHAPES(1)
XL_CHUNK_SHAPE(6, 1)
SHAPES(2)
#define NAMES(b) \
  {add_chunk_1x##b, add_chunk_2x##b, add_chunk_3x##b, add_chunk_4x##b, add_chunk_5x##b, add_chunk_6x##b}
static const xl_chunk_fn ADD_CHUNK[BLOCKS][PIXELS] = {NAMES(1), NAMES(2)};

static void count(const xl_tile_rows *r, int32_t pixels, const uint8_t *filters, ptrdiff_t block_bytes,
                  int32_t blocks, int32_t add, int16_t *counts) {
  xl_add_chunks(ADD_CHUNK[blocks - 1][pixels - 1], r, filters, block_bytes, add, counts, MAX_UNITS,
                XL_TILE_CHANNELS, 2);
}

static uint32_t store_b(const int16_t *counts, const int16_t *limits) {
  const __m256i *c = (const __m256i *)(const void *)counts, *t = (const __m256i *)(const void *)limits;
  const __m256i first = _mm256_cmpgt_epi16(_mm256_load_si256(c), _mm256_load_si256(t));
  const __m256i second = _mm256_cmpgt_epi16(_mm256_load_si256(c + 1), _mm256_load_si256(t + 1));
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(first, second), 0xd8); /* packs by halves */
  return (uint32_t)_mm256_movemask_epi8(bytes);
}

/* As xl_relu. */
XL_INLINE __m256 relu(const xl_activation *a, __m256 x) {
  const __m256 threshold = _mm256_set1_ps(a->threshold), most = _mm256_set1_ps(a->max_value);
  const __m256 below = _mm256_mul_ps(_mm256_set1_ps(a->alpha), _mm256_sub_ps(x, threshold));
  const __m256 y = _mm256_blendv_ps(below, x, _mm256_cmp_ps(x, threshold, _CMP_GE_OQ));
  return _mm256_blendv_ps(y, most, _mm256_cmp_ps(x, most, _CMP_GE_OQ));
}

/* The activation that nearly every network has is computed while the values are in registers. */
static void store_f32(const int16_t *counts, const int16_t *dots, int32_t factor, const float *scale,
                      const float *bias, const xl_activation *activation, float *out) {
  const int is_relu = activation->apply == xl_relu;
  for (int i = 0; i < XL_TILE_CHANNELS; i += 8) {
    const __m128i count_of = _mm_load_si128((const __m128i *)(const void *)(counts + i));
    const __m128i taken = factor == 2 ? _mm_add_epi16(count_of, count_of) : count_of;
    const __m128i dot = _mm_sub_epi16(_mm_load_si128((const __m128i *)(const void *)(dots + i)), taken);
    __m256 y = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(dot));
    if (scale != NULL) y = _mm256_mul_ps(y, _mm256_loadu_ps(scale + i));
    if (bias != NULL) y = _mm256_add_ps(y, _mm256_loadu_ps(bias + i));
    _mm256_storeu_ps(out + i, is_relu ? relu(activation, y) : y);
  }
  if (!is_relu && activation->apply != NULL) activation->apply(activation, out, out, XL_TILE_CHANNELS);
}

const xl_isa xl_avx2 = {"avx2", 8, 2, PIXELS, BLOCKS, LANES, spread, count, store_b, store_f32, &xl_avx2_f32};

XL_TARGET_END
#endif
