/* Counting differing bits on Cortex-M0, M0+ and M23: Harley and Seal's method in Thumb-1.
 *
 * As in thumb2.c, with eight low registers and two operands an instruction: eight words cost 82 instructions, 10.25
 * a word, where compilers make 13.6 of carry_save.h.
 *
 *    8  loads: four LDM of two words of the row, four of weights
 *    8  EOR, what differs
 *   42  seven carry-save adders of six each. With v = a ^ c and u = a ^ b the sum is b ^ v and the carry a ^ (u & v):
 *       c ^= a; t = b; t ^= a; t &= c; b ^= c; a ^= t. The textbook's form takes seven
 *    8  what does not fit is put on the stack or into high registers and taken back: a carry of twos for each half
 *       and one of fours, 2 each; and fours
 *   14  the eights' bits summed within each byte, three masks fetched from high registers, and added to four sums
 *    2  the end of the loop
 *
 * Low registers: the two pointers, ones, twos, four for what is loaded. High ones: fours, the sums of eights, three
 * masks, the row's end. Rests of blocks and the number of words at once as in thumb2.c. All loads are of aligned
 * words: these cores fault on others. */
#include "core.h"

#ifdef XL_CORE_THUMB1

#define MOST_WORDS 255

/* skip: bytes from the end of a filter to the next one. */
void xl_thumb1_count(const uint32_t *row, const uint32_t *weights, uint32_t words, int32_t n, uint32_t *counts, ptrdiff_t skip);

/* r0 row, r1 weights, r2 ones, r3 twos, r8 fours, r9 sums of eights, r10 0x55555555, r11 0x33333333,
 * r12 0x0f0f0f0f, lr the row's end.
 * Stack: 0 and 4 carries, 8 where a filter begins, 12 where its pairs begin, 16 the row, 20 filters left, 24 counts;
 * 68 skip. */
__asm__(
    "  .section .text.xl_thumb1_count, \"ax\", %progbits\n"
    "  .syntax unified\n"
    "  .thumb\n"
    "  .balign 4\n"
    /* r4 = the carries of \sum + r4 + r5, \sum = their sums; r5 and r6 are lost. */
    "  .macro xl_add3 sum\n"
    "  eors r5, r4\n"
    "  movs r6, \\sum\n"
    "  eors r6, r4\n"
    "  ands r6, r5\n"
    "  eors \\sum, r5\n"
    "  eors r4, r6\n"
    "  .endm\n"
    /* The next two words: their carries in r4. */
    "  .macro xl_pair\n"
    "  ldm r0!, {r4, r5}\n"
    "  ldm r1!, {r6, r7}\n"
    "  eors r4, r6\n"
    "  eors r5, r7\n"
    "  xl_add3 r2\n"
    "  .endm\n"
    "  .macro xl_first_pair\n"
    "  xl_pair\n"
    "  movs r5, r3\n"
    "  ands r5, r4\n"
    "  eors r3, r4\n"
    "  mov r6, r8\n"
    "  orrs r6, r5\n"
    "  mov r8, r6\n"
    "  .endm\n"
    /* Four words: carries of twos in r4. */
    "  .macro xl_four\n"
    "  xl_pair\n"
    "  str r4, [sp]\n"
    "  xl_pair\n"
    "  ldr r5, [sp]\n"
    "  xl_add3 r3\n"
    "  .endm\n"
    /* The number of bits in each two of \x, where \m is 0x55555555; then in each four, 0x33333333; \t is lost. */
    "  .macro xl_bits_of_2 x, m, t\n"
    "  lsrs \\t, \\x, #1\n"
    "  ands \\t, \\m\n"
    "  subs \\x, \\x, \\t\n"
    "  .endm\n"
    "  .macro xl_bits_of_4 x, m, t\n"
    "  lsrs \\t, \\x, #2\n"
    "  ands \\t, \\m\n"
    "  ands \\x, \\m\n"
    "  adds \\x, \\x, \\t\n"
    "  .endm\n"
    "  .global xl_thumb1_count\n"
    "  .thumb_func\n"
    "  .type xl_thumb1_count, %function\n"
    "xl_thumb1_count:\n"
    "  push {r4-r7, lr}\n"
    "  mov r4, r8\n"
    "  mov r5, r9\n"
    "  mov r6, r10\n"
    "  mov r7, r11\n"
    "  push {r4-r7}\n"
    "  sub sp, sp, #28\n"
    "  ldr r4, [sp, #64]\n"
    "  str r3, [sp, #20]\n"
    "  str r4, [sp, #24]\n"
    "  str r0, [sp, #16]\n"
    "  adr r7, .Lxl_thumb1_masks\n"
    "  ldm r7!, {r4, r5, r6}\n"
    "  mov r10, r4\n"
    "  mov r11, r5\n"
    "  mov r12, r6\n"
    "  lsls r4, r2, #2\n"
    "  adds r4, r4, r0\n"
    "  mov lr, r4\n"
    "  adr r5, 1f\n"
    "  lsls r4, r2, #31\n"
    "  beq 8f\n"
    "  adr r5, 2f\n"
    "8:\n"
    "  str r5, [sp, #8]\n"
    "  movs r4, #6\n"
    "  ands r2, r4\n"
    "  subs r4, r4, r2\n"
    "  lsls r4, r4, #4\n" /* of 0, 2, 4, 6; each xl_first_pair is 16 instructions, 32 bytes */
    "  adr r6, 3f\n"
    "  adds r6, r6, r4\n"
    "  str r6, [sp, #12]\n"
    "  mov pc, r5\n"
    "  .balign 4\n"
    "1:\n" /* an even number of words */
    "  movs r2, #0\n"
    "  b 9f\n"
    "  .balign 4\n"
    "2:\n" /* an odd one */
    "  ldm r0!, {r2}\n"
    "  ldm r1!, {r4}\n"
    "  eors r2, r4\n"
    "9:\n"
    "  movs r3, #0\n"
    "  mov r8, r3\n"
    "  mov r9, r3\n"
    "  ldr r4, [sp, #12]\n"
    "  mov pc, r4\n"
    "  .balign 4\n"
    "3:\n"
    "  xl_first_pair\n"
    "  xl_first_pair\n"
    "  xl_first_pair\n"
    "  cmp r0, lr\n"
    "  beq 7f\n"
    "6:\n"
    "  xl_four\n"
    "  str r4, [sp, #4]\n"
    "  xl_four\n"
    "  ldr r5, [sp, #4]\n"
    "  mov r7, r8\n"
    "  xl_add3 r7\n"
    "  mov r8, r7\n"
    "  mov r6, r10\n"
    "  xl_bits_of_2 r4, r6, r5\n"
    "  mov r6, r11\n"
    "  xl_bits_of_4 r4, r6, r5\n"
    "  lsrs r5, r4, #4\n"
    "  adds r4, r4, r5\n"
    "  mov r6, r12\n"
    "  ands r4, r6\n"
    "  add r9, r4\n"
    "  cmp r0, lr\n"
    "  bne 6b\n"
    "7:\n" /* ones + 2 * twos + 4 * fours: at most 12 in four bits, then 56 in a byte */
    "  mov r4, r8\n"
    "  mov r6, r10\n"
    "  xl_bits_of_2 r2, r6, r5\n"
    "  xl_bits_of_2 r3, r6, r5\n"
    "  xl_bits_of_2 r4, r6, r5\n"
    "  mov r6, r11\n"
    "  xl_bits_of_4 r2, r6, r5\n"
    "  xl_bits_of_4 r3, r6, r5\n"
    "  xl_bits_of_4 r4, r6, r5\n"
    "  adds r2, r2, r3\n"
    "  adds r2, r2, r3\n"
    "  mov r6, r12\n"
    "  lsrs r5, r2, #4\n"
    "  ands r5, r6\n"
    "  ands r2, r6\n"
    "  adds r2, r2, r5\n"
    "  lsrs r5, r4, #4\n"
    "  adds r4, r4, r5\n"
    "  ands r4, r6\n"
    "  lsls r4, r4, #2\n"
    "  adds r2, r2, r4\n"
    "  ldr r6, .Lxl_thumb1_half_words\n" /* bytes + 8 * the eights', in halves and then in one */
    "  mov r4, r9\n"
    "  lsrs r5, r4, #8\n"
    "  ands r5, r6\n"
    "  ands r4, r6\n"
    "  adds r4, r4, r5\n"
    "  lsls r4, r4, #3\n"
    "  lsrs r5, r2, #8\n"
    "  ands r5, r6\n"
    "  ands r2, r6\n"
    "  adds r2, r2, r5\n"
    "  adds r2, r2, r4\n"
    "  lsrs r4, r2, #16\n"
    "  adds r2, r2, r4\n"
    "  uxth r2, r2\n"
    "  ldr r5, [sp, #24]\n"
    "  stm r5!, {r2}\n"
    "  str r5, [sp, #24]\n"
    "  ldr r0, [sp, #16]\n"
    "  ldr r4, [sp, #68]\n"
    "  adds r1, r1, r4\n"
    "  ldr r5, [sp, #8]\n"
    "  ldr r4, [sp, #20]\n"
    "  subs r4, r4, #1\n"
    "  str r4, [sp, #20]\n"
    "  beq 8f\n"
    "  mov pc, r5\n"
    "8:\n"
    "  add sp, sp, #28\n"
    "  pop {r4-r7}\n"
    "  mov r8, r4\n"
    "  mov r9, r5\n"
    "  mov r10, r6\n"
    "  mov r11, r7\n"
    "  pop {r4-r7, pc}\n"
    "  .balign 4\n"
    ".Lxl_thumb1_masks:\n"
    "  .word 0x55555555, 0x33333333, 0x0f0f0f0f\n"
    ".Lxl_thumb1_half_words:\n"
    "  .word 0x00ff00ff\n"
    "  .size xl_thumb1_count, . - xl_thumb1_count\n"
    "  .purgem xl_add3\n"
    "  .purgem xl_pair\n"
    "  .purgem xl_first_pair\n"
    "  .purgem xl_four\n"
    "  .purgem xl_bits_of_2\n"
    "  .purgem xl_bits_of_4\n"
    "  .text\n");

void xl_core_count_differing_apart(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, ptrdiff_t stride,
                                   int32_t n, uint32_t *counts) {
  if (words <= MOST_WORDS) {
    if (n > 0) xl_thumb1_count(row, weights, (uint32_t)words, n, counts, 4 * (stride - words));
    return;
  }
  for (int32_t i = 0; i < n; ++i, weights += stride) {
    uint32_t total = 0;
    for (ptrdiff_t k = 0; k < words; k += MOST_WORDS) {
      const ptrdiff_t left = words - k;
      uint32_t some;
      xl_thumb1_count(row + k, weights + k, (uint32_t)(left < MOST_WORDS ? left : MOST_WORDS), 1, &some, 0);
      total += some;
    }
    counts[i] = total;
  }
}

void xl_core_count_differing(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, int32_t n,
                             uint32_t *counts) {
  xl_core_count_differing_apart(row, weights, words, words, n, counts);
}

#endif
