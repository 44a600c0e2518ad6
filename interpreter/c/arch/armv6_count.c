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
 * other row is the same for all of them. There are 14 registers, since the compiler gets none but sp and pc: two
 * pointers, the number of blocks, ones, twos, fours, a sum and one mask, and six for words and carries. Of the three
 * masks that counting the bits of a word needs, two are made from the third, 0x0f0f0f0f: 0x33333333 is it xor itself
 * shifted by two, 0x55555555 that xor itself shifted by one. The sum is of bytes, of up to 8 each a block, so there is
 * room for 29 blocks and two more counts until it is added up.
 *
 * What is left of ones, twos and fours at the end of a row is counted together: in nibbles, twos twice, then in bytes,
 * fours four times. With that a row takes 51 instructions beside its blocks, and 34 more if four words are left and
 * some 30 for the last ones: of 72 words, 8.6 a word in all. */
#include "core.h"

#ifdef XL_CORE_ARMV6

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

/* The bits of `word` in nibbles; masks 0x33333333 in r12, 0x55555555 in r11. */
#define COUNT_NIBBLES(word)                     \
  "and lr, r11, " word ", lsr #1\n\t"          \
  "sub " word ", " word ", lr\n\t"             \
  "and lr, r12, " word ", lsr #2\n\t"          \
  "and " word ", " word ", r12\n\t"            \
  "add " word ", " word ", lr\n\t"

/* r0: the row, r1: weights, r2: words, r3: rows of weights, on the stack: counts. In the loop r2: blocks; r3, r4, r5: ones,
 * twos, fours; r6: the sum of eights in bytes; r7: the mask. On the stack lie the row, its words, the end of the
 * counts, where the next count goes, eights of 29 blocks each, blocks that are left, and four times 0. */
__attribute__((naked, noinline)) static void count_rows(__attribute__((unused)) const uint32_t *row,
                                                        __attribute__((unused)) const uint32_t *weights,
                                                        __attribute__((unused)) ptrdiff_t words,
                                                        __attribute__((unused)) int32_t n,
                                                        __attribute__((unused)) uint32_t *counts) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
      "ldr r12, [sp, #40]\n\t"
      "add r3, r12, r3, lsl #2\n\t"
      "mov r4, #0\n\t"
      "mov r5, #0\n\t"
      "mov r6, #0\n\t"
      "mov r7, #0\n\t"
      "push {r4, r5, r6, r7}\n\t"
      "sub sp, sp, #24\n\t"
      "str r0, [sp]\n\t"
      "str r2, [sp, #4]\n\t"
      "str r3, [sp, #8]\n\t"
      "str r12, [sp, #12]\n\t"
      "mov r7, #0x0f\n\t"
      "orr r7, r7, r7, lsl #8\n\t"
      "orr r7, r7, r7, lsl #16\n"
      "1:\n\t" /* a row */
      "ldr r10, [sp, #4]\n\t"
      "add r8, sp, #24\n\t"
      "ldr r0, [sp]\n\t"
      "ldmia r8, {r3, r4, r5, r6}\n\t"
      "str r3, [sp, #16]\n\t"
      "movs r2, r10, lsr #3\n\t"
      "beq 4f\n"
      "2:\n\t" /* 29 blocks of it */
      "subs r8, r2, #29\n\t"
      "movgt r2, #29\n\t"
      "str r8, [sp, #20]\n"
      "3:\n\t"
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
      "bne 3b\n\t"
      "ldr r2, [sp, #20]\n\t"
      "cmp r2, #0\n\t"
      "ble 4f\n\t"
      "ldr r9, [sp, #16]\n\t"
      "mov r10, #0\n\t"
      "usada8 r9, r6, r10, r9\n\t"
      "mov r6, #0\n\t"
      "str r9, [sp, #16]\n\t"
      "b 2b\n"
      "4:\n\t" /* four words more */
      "ldr r2, [sp, #4]\n\t"
      "tst r2, #7\n\t"
      "beq 8f\n\t"
      "tst r2, #4\n\t"
      "beq 5f\n\t"
      NEXT_TWO
      CARRY_SAVE("r12", "r3", "r8", "r9", "r10")
      NEXT_TWO
      CARRY_SAVE("r8", "r3", "r8", "r9", "r10")
      CARRY_SAVE("r8", "r4", "r8", "r12", "r10")
      "and r9, r5, r8\n\t"
      "eor r5, r5, r8\n\t"
      COUNT_BYTES("r9", "r10", "r11")
      "5:\n\t" /* three at most */
      "tst r2, #3\n\t"
      "beq 8f\n\t"
      "mov r12, #0\n\t"
      "mov lr, #0\n\t"
      "tst r2, #2\n\t"
      "beq 6f\n\t"
      NEXT_TWO
      CARRY_SAVE("r12", "r3", "r8", "r9", "r10")
      "6:\n\t"
      "tst r2, #1\n\t"
      "beq 7f\n\t"
      "ldr r8, [r0], #4\n\t"
      "ldr r10, [r1], #4\n\t"
      "eor r8, r8, r10\n\t"
      "and lr, r3, r8\n\t"
      "eor r3, r3, r8\n"
      "7:\n\t"
      CARRY_SAVE("r8", "r4", "r12", "lr", "r10")
      "and r9, r5, r8\n\t"
      "eor r5, r5, r8\n\t"
      COUNT_BYTES("r9", "r10", "r11")
      "8:\n\t"
      "ldr r9, [sp, #16]\n\t"
      "mov r10, #0\n\t"
      "usada8 r9, r6, r10, r9\n\t"
      "eor r12, r7, r7, lsl #2\n\t"
      "eor r11, r12, r12, lsl #1\n\t"
      COUNT_NIBBLES("r3")
      COUNT_NIBBLES("r4")
      COUNT_NIBBLES("r5")
      "add r3, r3, r4, lsl #1\n\t" /* 4 + 2 * 4 at most */
      "add r5, r5, r5, lsr #4\n\t"
      "and r4, r7, r3, lsr #4\n\t"
      "and r3, r3, r7\n\t"
      "and r5, r5, r7\n\t"
      "add r3, r3, r4\n\t"
      "ldr r8, [sp, #12]\n\t"
      "add r3, r3, r5, lsl #2\n\t"
      "ldr r2, [sp, #8]\n\t"
      "mov r9, r9, lsl #3\n\t"
      "usada8 r9, r3, r10, r9\n\t"
      "str r9, [r8], #4\n\t"
      "cmp r8, r2\n\t"
      "str r8, [sp, #12]\n\t"
      "bne 1b\n\t"
      "add sp, sp, #40\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");
}

void xl_core_count_differing(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, int32_t n,
                             uint32_t *counts) {
  if (n > 0) count_rows(row, weights, words, n, counts);
}

#endif
