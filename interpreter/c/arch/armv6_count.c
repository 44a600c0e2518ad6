/* Counting differing bits on ARMv6: Harley and Seal's carry-save adders (carry_save.h) in assembler.
 *
 * Eight words of both rows:
 *
 *   ldm                  1 of four and 6 of two words                  7
 *   eor                                                                8
 *   carry-save adders    7 of 5 operations                            35
 *   the bits of the eights, and adding them up                        10
 *   pld, subs, bne                                                     3
 *
 * are 63 instructions, 7.88 a word. The weights, of which a block is a cache line, are prefetched two of them ahead; the
 * other row is the same for all of them. There are 14 registers, since the compiler gets none but sp and pc: two pointers,
 * the number of blocks, ones, twos, fours, a sum and one mask, and six for words and carries. Of the three masks that
 * counting the bits of a word needs, two are made from the third, 0x0f0f0f0f: 0x33333333 is it xor itself shifted by
 * two, 0x55555555 that xor itself shifted by one. The sum is of bytes, of up to 8 each a block, so there is room for 31
 * blocks until it is added up. What is left of ones, twos and fours at the end is counted together: in bytes, fours
 * count four times and twos twice, 8 * (4 + 2 + 1) at most. */
#include "core.h"

#ifdef XL_CORE_ARMV6
#include "bits.h"

enum { BLOCK = 8, HALF = 4, MOST_BLOCKS = 31 };

/* What is carried from one run of blocks to the next. The assembler knows the order. */
typedef struct carries {
  uint32_t ones, twos, fours, sum;
} carries;

/* carry = the carry of sum + a + b, and sum the sum. a and b are lost; carry may be one of them, or t. */
#define CARRY_SAVE(carry, sum, a, b, t) \
  "eor " t ", " sum ", " a "\n\t"       \
  "and " a ", " sum ", " a "\n\t"       \
  "eor " sum ", " t ", " b "\n\t"       \
  "and " t ", " t ", " b "\n\t"         \
  "orr " carry ", " t ", " a "\n\t"

/* r8 = the two of the next words differ in r8, r9; w in r10, r11. */
#define NEXT_TWO                   \
  "ldmia r0!, {r8, r9}\n\t"        \
  "ldmia r1!, {r10, r11}\n\t"      \
  "eor r8, r8, r10\n\t"            \
  "eor r9, r9, r11\n\t"

/* The bits of `word` in bytes, added to the sum in r6; mask 0x0f0f0f0f in r7. */
#define COUNT_BYTES(word, t, u)                                            \
  "eor " t ", r7, r7, lsl #2\n\t"                                          \
  "eor " u ", " t ", " t ", lsl #1\n\t"                                    \
  "and " u ", " u ", " word ", lsr #1\n\t"                                 \
  "sub " word ", " word ", " u "\n\t"                                      \
  "and " u ", " t ", " word ", lsr #2\n\t"                                 \
  "and " word ", " word ", " t "\n\t"                                      \
  "add " word ", " word ", " u "\n\t"                                      \
  "add " word ", " word ", " word ", lsr #4\n\t"                           \
  "and " word ", " word ", r7\n\t"                                         \
  "add r6, r6, " word "\n\t"

/* `blocks` (1 to 31) blocks of eight words. r0, r1: the rows; r2: blocks; r3, r4, r5: ones, twos, fours; r6: the sum;
 * r7: the mask. Returns nothing: the caller knows how far the rows have moved. */
__attribute__((naked, noinline)) static void add_blocks(__attribute__((unused)) const uint32_t *a,
                                                        __attribute__((unused)) const uint32_t *w,
                                                        __attribute__((unused)) uint32_t blocks,
                                                        __attribute__((unused)) carries *kept) {
  __asm__ volatile(
      "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "mov lr, r3\n\t"
      "ldmia lr, {r3, r4, r5, r6}\n\t"
      "mov r7, #0x0f\n\t"
      "orr r7, r7, r7, lsl #8\n\t"
      "orr r7, r7, r7, lsl #16\n"
      "1:\n\t"
      "pld [r1, #64]\n\t"
      "ldmia r0!, {r8, r9, r12, lr}\n\t" /* four words of a; first with two of w */
      "ldmia r1!, {r10, r11}\n\t"
      "eor r8, r8, r10\n\t"
      "eor r9, r9, r11\n\t"
      CARRY_SAVE("r8", "r3", "r8", "r9", "r10")
      "ldmia r1!, {r10, r11}\n\t"
      "eor r12, r12, r10\n\t"
      "eor lr, lr, r11\n\t"
      CARRY_SAVE("r9", "r3", "r12", "lr", "r10")
      CARRY_SAVE("lr", "r4", "r8", "r9", "r10") /* lr: the first carry of weight four */
      NEXT_TWO
      CARRY_SAVE("r12", "r3", "r8", "r9", "r10")
      NEXT_TWO
      CARRY_SAVE("r8", "r3", "r8", "r9", "r10")
      CARRY_SAVE("r8", "r4", "r8", "r12", "r10")
      CARRY_SAVE("r8", "r5", "r8", "lr", "r10")
      COUNT_BYTES("r8", "r10", "r11")
      "subs r2, r2, #1\n\t"
      "bne 1b\n\t"
      "pop {r7}\n\t"
      "stmia r7, {r3, r4, r5, r6}\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

static inline uint32_t sum_of_bytes(uint32_t bytes, uint32_t sum) {
  __asm__("usada8 %0, %1, %2, %3" : "=r"(sum) : "r"(bytes), "r"(0), "r"(sum));
  return sum;
}

static inline uint32_t bits_in_bytes(uint32_t w) {
  w -= (w >> 1) & 0x55555555u;
  w = (w & 0x33333333u) + ((w >> 2) & 0x33333333u);
  return (w + (w >> 4)) & 0x0f0f0f0fu;
}

static inline uint32_t carry_save(uint32_t *sum, uint32_t a, uint32_t b) {
  const uint32_t half = *sum ^ a, carry = (*sum & a) | (half & b);
  *sum = half ^ b;
  return carry;
}

/* The last words, fewer than a block; the eights in bytes. */
static inline uint32_t add_rest(const uint32_t *a, const uint32_t *w, ptrdiff_t words, carries *c) {
  uint32_t eights = 0;
  for (; words >= HALF; words -= HALF, a += HALF, w += HALF) {
    const uint32_t two_a = carry_save(&c->ones, a[0] ^ w[0], a[1] ^ w[1]);
    const uint32_t two_b = carry_save(&c->ones, a[2] ^ w[2], a[3] ^ w[3]);
    const uint32_t four = carry_save(&c->twos, two_a, two_b);
    eights += bits_in_bytes(c->fours & four);
    c->fours ^= four;
  }
  uint32_t two = 0, four = 0, odd = 0;
  if (words >= 2) two = carry_save(&c->ones, a[0] ^ w[0], a[1] ^ w[1]);
  if (words & 1) {
    odd = c->ones & (a[words - 1] ^ w[words - 1]);
    c->ones ^= a[words - 1] ^ w[words - 1];
  }
  four = carry_save(&c->twos, two, odd);
  eights += bits_in_bytes(c->fours & four);
  c->fours ^= four;
  return eights;
}

static uint32_t count_row(const uint32_t *a, const uint32_t *w, ptrdiff_t words) {
  carries c = {0, 0, 0, 0};
  uint32_t eights = 0;
  ptrdiff_t blocks = words / BLOCK;
  for (; blocks > 0; blocks -= MOST_BLOCKS) {
    const uint32_t n = (uint32_t)(blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS);
    add_blocks(a, w, n, &c);
    eights = sum_of_bytes(c.sum, eights);
    c.sum = 0;
    a += n * BLOCK;
    w += n * BLOCK;
  }
  if (words % BLOCK > 0) eights = sum_of_bytes(add_rest(a, w, words % BLOCK, &c), eights);
  const uint32_t rest = bits_in_bytes(c.ones) + 2 * bits_in_bytes(c.twos) + 4 * bits_in_bytes(c.fours);
  return sum_of_bytes(rest, 8 * eights);
}

void xl_core_count_differing(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, int32_t n,
                             uint32_t *counts) {
  for (int32_t i = 0; i < n; ++i) counts[i] = count_row(row, weights + i * words, words);
}

#endif
