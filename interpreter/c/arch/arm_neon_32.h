/* How tiles are counted on Arm of 32 bits, which has 16 registers of 128. Included once, by arm_neon.c.
 *
 * A lane is a channel and a unit 16 of its bits, counted by vcnt and added up in two bytes, which only the end of
 * a chunk adds to each other; a byte has room for 31 units. A block is 4 registers. A unit of 2 pixels, 32 words:
 *
 *   veor, vcnt, vadd              3 for each of 8 sums                          24
 *   filters                       2 loads of 2 registers                         2
 *   activations                   a load of 16 bits to all lanes for each pixel  2
 *   loop                          2 for four units                               0.5
 *
 * 28.5 are 0.89 a word, and 30 for each of up to three units left over 0.94. With lanes of 8 bits there is room
 * for sums of 5 pixels, but they take 36 for 40 words before any of the loop; 6 leave no registers to count in.
 *
 * The pixels of a tile are taken in pairs, chunk by chunk, so that all but the first pair find the filters in the
 * nearest cache: how often they come from farther off depends on the pixels of a tile, not of a pair. */
enum { PIXELS = 8, BLOCKS = 1, BLOCK_VECTORS = 4, UNIT_BYTES = 2, MAX_UNITS = 31 };

/* A unit of both pixels, in assembler, as compilers index where an instruction could move its pointer on, and copy
 * sums between registers. q8-q11 hold the filters, q12 and q13 the pixels' bits, the others the sums. The second
 * pixel's differences replace the filters. For cores that run instructions in order none waits for the one before
 * it, and what the next unit needs is loaded (low, bits0, bits1) as soon as registers are free. */
#define LOW "vld1.8 {d16-d19}, [%[filters]]!\n\t"
#define HIGH "vld1.8 {d20-d23}, [%[filters]]!\n\t"
#define BITS0 "vld1.16 {d24[], d25[]}, [%[row0]]!\n\t"
#define BITS1 "vld1.16 {d26[], d27[]}, [%[row1]]!\n\t"
#define XOR(w, x) "veor " x ", " w ", q12\n\tveor " w ", " w ", q13\n\t"
#define COUNT(a, b, c, d) \
  "vcnt.8 " a ", " a "\n\tvcnt.8 " b ", " b "\n\tvcnt.8 " c ", " c "\n\tvcnt.8 " d ", " d "\n\t"
#define ADD(sum, x) "vadd.i8 %q[" sum "], %q[" sum "], " x "\n\t"
#define UNIT(low, bits0, bits1)                                                                           \
  XOR("q8", "q14") HIGH XOR("q9", "q15") COUNT("q14", "q8", "q15", "q9")                                  \
  ADD("a0", "q14") ADD("b0", "q8") ADD("a1", "q15") ADD("b1", "q9")                                       \
  low XOR("q10", "q14") XOR("q11", "q15") bits0 COUNT("q14", "q10", "q15", "q11") bits1                   \
  ADD("a2", "q14") ADD("b2", "q10") ADD("a3", "q15") ADD("b3", "q11")

XL_INLINE void finish(uint8x16_t sum, int32_t add, int16_t *counts) {
  const uint16x8_t total = add ? vpadalq_u8(vreinterpretq_u16_s16(vld1q_s16(counts)), sum) : vpaddlq_u8(sum);
  vst1q_s16(counts, vreinterpretq_s16_u16(total));
}

static __attribute__((noinline)) void add_two_pixels(const xl_chunk *chunk, int m, const uint8_t *filters,
                                                     int32_t add, int16_t *counts) {
  const uint8x16_t zero = vdupq_n_u8(0);
  uint8x16_t a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
  const uint8_t *first = chunk->rows[m] + chunk->at, *second = chunk->rows[m + 1] + chunk->at;
  for (int32_t line = chunk->lines; line > 0; --line, first += chunk->step, second += chunk->step) {
    const uint8_t *row0 = first, *row1 = second;
    int32_t n = chunk->n;
    __asm__ volatile(
        "subs %[n], %[n], #4\n\tblt 2f\n"
        "1:\n\t"
        LOW BITS0 BITS1 UNIT(LOW, BITS0, BITS1) UNIT(LOW, BITS0, BITS1) UNIT(LOW, BITS0, BITS1) UNIT("", "", "")
        "subs %[n], %[n], #4\n\tbge 1b\n"
        "2:\n\t"
        "adds %[n], %[n], #4\n\tbeq 4f\n"
        "3:\n\t"
        LOW BITS0 BITS1 UNIT("", "", "")
        "subs %[n], %[n], #1\n\tbne 3b\n"
        "4:\n\t"
        : [a0] "+w"(a0), [a1] "+w"(a1), [a2] "+w"(a2), [a3] "+w"(a3), [b0] "+w"(b0), [b1] "+w"(b1), [b2] "+w"(b2),
          [b3] "+w"(b3), [row0] "+r"(row0), [row1] "+r"(row1), [filters] "+r"(filters), [n] "+r"(n)
        :
        : "memory", "cc", "q8", "q9", "q10", "q11", "q12", "q13", "q14", "q15");
  }
  const uint8x16_t sums[2 * BLOCK_VECTORS] = {a0, a1, a2, a3, b0, b1, b2, b3};
  for (int i = 0; i < 2 * BLOCK_VECTORS; ++i) finish(sums[i], add, counts + 8 * i);
}

XL_INLINE uint8x16_t count_add(uint8x16_t sum, uint8x16_t x, const uint8_t *filters) {
  return vaddq_u8(sum, vcntq_u8(veorq_u8(x, vld1q_u8(filters))));
}

static __attribute__((noinline)) void add_pixel(const xl_chunk *chunk, int m, const uint8_t *filters, int32_t add,
                                                int16_t *counts) {
  const uint8_t *row = chunk->rows[m] + chunk->at;
  uint8x16_t a = vdupq_n_u8(0), b = a, c = a, d = a;
  for (int32_t line = chunk->lines; line > 0; --line, row += chunk->step) {
    const uint16_t *bits = (const uint16_t *)(const void *)row;
    for (int32_t k = 0; k < chunk->n; ++k, filters += XL_TILE_CHANNELS * UNIT_BYTES) {
      const uint8x16_t x = vreinterpretq_u8_u16(vld1q_dup_u16(bits + k));
      a = count_add(a, x, filters);
      b = count_add(b, x, filters + 16);
      c = count_add(c, x, filters + 32);
      d = count_add(d, x, filters + 48);
    }
  }
  finish(a, add, counts);
  finish(b, add, counts + 8);
  finish(c, add, counts + 16);
  finish(d, add, counts + 24);
}

XL_INLINE void add_chunk(const xl_chunk *chunk, const uint8_t *filters, ptrdiff_t block_bytes, int32_t add,
                         int16_t *counts, const int pixels, const int blocks) {
  (void)block_bytes, (void)blocks;
  for (int m = 0; m + 2 <= pixels; m += 2) add_two_pixels(chunk, m, filters, add, counts + m * XL_TILE_CHANNELS);
  if (pixels % 2) add_pixel(chunk, pixels - 1, filters, add, counts + (pixels - 1) * XL_TILE_CHANNELS);
}

XL_CHUNK_SHAPE(1, 1) XL_CHUNK_SHAPE(2, 1) XL_CHUNK_SHAPE(3, 1) XL_CHUNK_SHAPE(4, 1)
XL_CHUNK_SHAPE(5, 1) XL_CHUNK_SHAPE(6, 1) XL_CHUNK_SHAPE(7, 1) XL_CHUNK_SHAPE(8, 1)
static const xl_chunk_fn ADD_CHUNK[BLOCKS][PIXELS] = {
    {add_chunk_1x1, add_chunk_2x1, add_chunk_3x1, add_chunk_4x1, add_chunk_5x1, add_chunk_6x1, add_chunk_7x1,
     add_chunk_8x1}};
