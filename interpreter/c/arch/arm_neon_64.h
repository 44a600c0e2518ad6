/* How tiles are counted on Arm of 64 bits, which has 32 registers of 128. Included once, by arm_neon.c.
 *
 * A lane is a channel and a unit 8 of its bits, counted by cnt and added up in bytes: lanes are never added to each
 * other, and a byte has room for 31 units. For a 32-bit word of one pixel and channel, a quarter of a register,
 *
 *   eor, cnt, add                 3 for 128 bits                                0.75
 *   filters                       a load of 2 registers for all pixels of a tile
 *   activations                   ld1r of a byte for all blocks
 *
 * 5 pixels by 2 blocks have 20 sums; 60 + 2 + 5 instructions and 2 of the loop for 80 words are 0.86 a word. */
enum { PIXELS = 5, BLOCKS = 2, BLOCK_VECTORS = 2, UNIT_BYTES = 1, MAX_UNITS = 31 };
#define EACH_PIXEL(DO) DO(0) DO(1) DO(2) DO(3) DO(4)

typedef uint8x16_t vector;
XL_INLINE vector zero(void) { return vdupq_n_u8(0); }
XL_INLINE vector load(const uint8_t *at) { return vld1q_u8(at); }
XL_INLINE vector broadcast(const uint8_t *at) { return vld1q_dup_u8(at); }
XL_INLINE vector count_add(vector sum, vector x, vector w) { return vaddq_u8(sum, vcntq_u8(veorq_u8(x, w))); }

struct block;
XL_INLINE void finish(const struct block *b, int16_t *counts, int32_t add);
#include "tile_count.h"

XL_INLINE void finish(const block *b, int16_t *counts, int32_t add) {
  for (int i = 0; i < 2; ++i) {
    int16_t *to = counts + 16 * i;
    uint16x8_t low = vmovl_u8(vget_low_u8(b->of[i])), high = vmovl_u8(vget_high_u8(b->of[i]));
    if (add) {
      low = vaddq_u16(low, vreinterpretq_u16_s16(vld1q_s16(to)));
      high = vaddq_u16(high, vreinterpretq_u16_s16(vld1q_s16(to + 8)));
    }
    vst1q_s16(to, vreinterpretq_s16_u16(low));
    vst1q_s16(to + 8, vreinterpretq_s16_u16(high));
  }
}

/* The whole tile, which nearly all work is, in assembler: compilers index where an instruction could move its pointer
 * on, and copy sums between registers or to memory. For cores that run instructions in order neighbours do not wait
 * for each other: a pixel's differences are taken before the counts of the one before it are added, and its bits
 * loaded before the differences of that one are counted. The registers of two pixels take turns; the load is to the
 * last of its pixel's.
 *
 * sums += n units of one line. rows: one a pixel. */
#define LOAD(x, row) "ld1r {" x ".16b}, [" row "], #1\n\t"
#define XOR(a, b, c, x)                                                        \
  "eor " a ".16b, v20.16b, " x ".16b\n\teor " b ".16b, v21.16b, " x ".16b\n\t" \
  "eor " c ".16b, v22.16b, " x ".16b\n\teor " x ".16b, v23.16b, " x ".16b\n\t"
#define COUNT(a, b, c, d)                                    \
  "cnt " a ".16b, " a ".16b\n\tcnt " b ".16b, " b ".16b\n\t" \
  "cnt " c ".16b, " c ".16b\n\tcnt " d ".16b, " d ".16b\n\t"
#define ADD(s0, s1, s2, s3, a, b, c, d)                                                \
  "add " s0 ".16b, " s0 ".16b, " a ".16b\n\tadd " s1 ".16b, " s1 ".16b, " b ".16b\n\t" \
  "add " s2 ".16b, " s2 ".16b, " c ".16b\n\tadd " s3 ".16b, " s3 ".16b, " d ".16b\n\t"
#define EVEN "v24", "v25", "v26", "v27"
#define ODD "v28", "v29", "v30", "v31"
#define EXPANDED(macro, ...) macro(__VA_ARGS__)

static void add_line(const uint8_t *const rows[PIXELS], const uint8_t *filters, const uint8_t *other, ptrdiff_t n,
                     uint8x16_t *sums) {
  const uint8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4];
  __asm__ volatile(
      "ldp q0, q1, [%8]\n\tldp q2, q3, [%8, #32]\n\tldp q4, q5, [%8, #64]\n\tldp q6, q7, [%8, #96]\n\t"
      "ldp q8, q9, [%8, #128]\n\tldp q10, q11, [%8, #160]\n\tldp q12, q13, [%8, #192]\n\t"
      "ldp q14, q15, [%8, #224]\n\tldp q16, q17, [%8, #256]\n\tldp q18, q19, [%8, #288]\n"
      "1:\n\t"
      "ldp q20, q21, [%5], #32\n\tldp q22, q23, [%6], #32\n\t"
      LOAD("v27", "%0") LOAD("v31", "%1")
      EXPANDED(XOR, EVEN) EXPANDED(COUNT, EVEN)
      EXPANDED(XOR, ODD) EXPANDED(ADD, "v0", "v1", "v2", "v3", EVEN) LOAD("v27", "%2") EXPANDED(COUNT, ODD)
      EXPANDED(XOR, EVEN) EXPANDED(ADD, "v4", "v5", "v6", "v7", ODD) LOAD("v31", "%3") EXPANDED(COUNT, EVEN)
      EXPANDED(XOR, ODD) EXPANDED(ADD, "v8", "v9", "v10", "v11", EVEN) LOAD("v27", "%4") EXPANDED(COUNT, ODD)
      EXPANDED(XOR, EVEN) EXPANDED(ADD, "v12", "v13", "v14", "v15", ODD) EXPANDED(COUNT, EVEN)
      EXPANDED(ADD, "v16", "v17", "v18", "v19", EVEN)
      "subs %7, %7, #1\n\tb.ne 1b\n\t"
      "stp q0, q1, [%8]\n\tstp q2, q3, [%8, #32]\n\tstp q4, q5, [%8, #64]\n\tstp q6, q7, [%8, #96]\n\t"
      "stp q8, q9, [%8, #128]\n\tstp q10, q11, [%8, #160]\n\tstp q12, q13, [%8, #192]\n\t"
      "stp q14, q15, [%8, #224]\n\tstp q16, q17, [%8, #256]\n\tstp q18, q19, [%8, #288]"
      : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r4), "+r"(filters), "+r"(other), "+r"(n)
      : "r"(sums)
      : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
        "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
        "v29", "v30", "v31");
}

static void add_whole_chunk(const xl_chunk *chunk, const uint8_t *filters, ptrdiff_t block_bytes, int32_t add,
                            int16_t *counts) {
  vector sums[PIXELS * BLOCKS * 2];
  const uint8_t *rows[PIXELS];
  for (int i = 0; i < PIXELS * BLOCKS * 2; ++i) sums[i] = zero();
  for (int m = 0; m < PIXELS; ++m) rows[m] = chunk->rows[m] + chunk->at;
  for (int32_t line = 0; line < chunk->lines; ++line) {
    add_line(rows, filters, filters + block_bytes, chunk->n, sums);
    filters += (ptrdiff_t)chunk->n * XL_TILE_CHANNELS;
    for (int m = 0; m < PIXELS; ++m) rows[m] += chunk->step;
  }
  for (int i = 0; i < PIXELS * BLOCKS; ++i) {
    const block b = {{sums[2 * i], sums[2 * i + 1]}};
    finish(&b, counts + i * XL_TILE_CHANNELS, add);
  }
}

#define SHAPES(b) XL_CHUNK_SHAPE(1, b) XL_CHUNK_SHAPE(2, b) XL_CHUNK_SHAPE(3, b) XL_CHUNK_SHAPE(4, b)
#define NAMES(b) add_chunk_1x##b, add_chunk_2x##b, add_chunk_3x##b, add_chunk_4x##b
SHAPES(1)
SHAPES(2)
XL_CHUNK_SHAPE(5, 1)
static const xl_chunk_fn ADD_CHUNK[BLOCKS][PIXELS] = {{NAMES(1), add_chunk_5x1}, {NAMES(2), add_whole_chunk}};
