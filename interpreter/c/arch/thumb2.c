/* Counting differing bits on Cortex-M3, M4, M7 and M33: Harley and Seal's method in Thumb-2.
 *
 * Eight words a block. What compilers make of carry_save.h costs about 9.7 instructions a word; here it is 59 a
 * block, 7.4 a word:
 *
 *    6  loads: two LDM of four words of the row, four LDM of two words of weights
 *    8  EOR, what differs
 *   35  seven carry-save adders of five each: t = sum ^ a, a = sum & a, sum = t ^ b, t = t & b, carry = a | t
 *    8  the eights' bits summed within each byte and added to a register of four sums. The masks 0xaaaaaaaa and
 *       the like are immediates, which leave no room for a shifted operand: so what is masked is shifted after it
 *    2  the end of the loop
 *
 * The 14 registers are the two pointers, the row's end, ones, twos, fours, the sums of eights, and seven for what is
 * loaded and carried; four words of both operands at once would need one more.
 *
 * The words that make no whole block come first, an odd one and then pairs. They fill ones, twos and fours, which
 * hold seven words exactly, so that a pair costs an adder and three more and never counts bits by itself. A filter
 * costs about 55 instructions beside its words: 22 that sum ones, twos and fours into bytes, the rest adds up bytes,
 * stores and starts the next.
 *
 * A sum of eights is a byte and grows by 8 a block at most: 31 blocks, 255 words, are counted at once. */
#include "core.h"

#ifdef XL_CORE_THUMB2

#ifdef __ARM_FEATURE_DSP
#define ADD_BYTES /* r0 = the bytes of r3 + 8 * the bytes of r6 */ \
  "  mov r7, #0\n"                                                 \
  "  usad8 r6, r6, r7\n"                                           \
  "  lsl r6, r6, #3\n"                                             \
  "  usada8 r0, r3, r7, r6\n"
#else
#define ADD_BYTES                 \
  "  and r7, r6, #0xff00ff00\n"   \
  "  and r6, r6, #0x00ff00ff\n"   \
  "  add r6, r6, r7, lsr #8\n"    \
  "  and r7, r3, #0xff00ff00\n"   \
  "  and r3, r3, #0x00ff00ff\n"   \
  "  add r3, r3, r7, lsr #8\n"    \
  "  add r3, r3, r6, lsl #3\n"    \
  "  add r3, r3, r3, lsr #16\n"   \
  "  uxth r0, r3\n"
#endif

/* r0 row, r1 weights, r2 the row's end, r3 ones, r4 twos, r5 fours, r6 sums of eights.
 * Stack: 0 where a filter begins, 4 where its pairs begin, 8 the row, 12 filters left, 16 counts; 60 skip. */
__asm__(
    "  .section .text.xl_core_count_some, \"ax\", %progbits\n"
    "  .syntax unified\n"
    "  .thumb\n"
    "  .balign 4\n"
    /* \carry = the carries of \sum + \a + \b, \sum = their sums; \a and \t are lost. */
    "  .macro xl_add3 sum, a, b, t, carry\n"
    "  eor \\t, \\sum, \\a\n"
    "  and \\a, \\sum, \\a\n"
    "  eor \\sum, \\t, \\b\n"
    "  and \\t, \\t, \\b\n"
    "  orr \\carry, \\a, \\t\n"
    "  .endm\n"
    /* \a and \b: words of the row, which two words of weights are compared with and added; carries in \a. */
    "  .macro xl_pair a, b\n"
    "  ldm r1!, {r11, r12}\n"
    "  eor \\a, \\a, r11\n"
    "  eor \\b, \\b, r12\n"
    "  xl_add3 r3, \\a, \\b, r11, \\a\n"
    "  .endm\n"
    /* Two words where there is no block: their carries become twos and fours. */
    "  .macro xl_first_pair\n"
    "  ldm r0!, {r7, r8}\n"
    "  xl_pair r7, r8\n"
    "  and r8, r4, r7\n"
    "  eor r4, r4, r7\n"
    "  orr r5, r5, r8\n"
    "  .endm\n"
    /* Four words: carries of twos in \fours. */
    "  .macro xl_four fours\n"
    "  ldm r0!, {r7, r8, r9, r10}\n"
    "  xl_pair r7, r8\n"
    "  xl_pair r9, r10\n"
    "  xl_add3 r4, r7, r9, r11, \\fours\n"
    "  .endm\n"
    /* The number of bits in each two bits of \x; then in each four. */
    "  .macro xl_bits_of_2 x, t\n"
    "  and \\t, \\x, #0xaaaaaaaa\n"
    "  sub \\x, \\x, \\t, lsr #1\n"
    "  .endm\n"
    "  .macro xl_bits_of_4 x, t\n"
    "  and \\t, \\x, #0xcccccccc\n"
    "  and \\x, \\x, #0x33333333\n"
    "  add \\x, \\x, \\t, lsr #2\n"
    "  .endm\n"
    "  .global xl_core_count_some\n"
    "  .thumb_func\n"
    "  .type xl_core_count_some, %function\n"
    "xl_core_count_some:\n"
    "  push {r4-r11, lr}\n"
    "  sub sp, sp, #20\n"
    "  ldr r4, [sp, #56]\n"
    "  strd r3, r4, [sp, #12]\n"
    "  str r0, [sp, #8]\n"
    "  adr r5, 1f\n"
    "  lsls r4, r2, #31\n"
    "  it ne\n"
    "  addne r5, r5, #(2f - 1f)\n"
    "  adr r6, 5f\n"
    "  and r4, r2, #6\n"
    "  rsb r4, r4, #6\n"
    "  mov r7, #(4f - 3f) / 2\n"
    "  mla r6, r4, r7, r6\n"
    "  orr r5, r5, #1\n"
    "  orr r6, r6, #1\n"
    "  strd r5, r6, [sp]\n"
    "  add r2, r0, r2, lsl #2\n"
    "  bx r5\n"
    "  .balign 4\n"
    "1:\n" /* an even number of words */
    "  mov r3, #0\n"
    "  b.w 9f\n"
    "  .balign 4\n"
    "2:\n" /* an odd one */
    "  ldr r3, [r0], #4\n"
    "  ldr r7, [r1], #4\n"
    "  eor r3, r3, r7\n"
    "9:\n"
    "  mov r4, #0\n"
    "  mov r5, #0\n"
    "  mov r6, #0\n"
    "  ldr pc, [sp, #4]\n"
    "  .balign 4\n"
    "5:\n"
    "3:\n"
    "  xl_first_pair\n"
    "4:\n"
    "  xl_first_pair\n"
    "  xl_first_pair\n"
    "  cmp r0, r2\n"
    "  beq.n 7f\n"
    "6:\n"
    "  xl_four lr\n"
    "  xl_four r7\n"
    "  xl_add3 r5, lr, r7, r11, lr\n"
    "  xl_bits_of_2 lr, r7\n"
    "  xl_bits_of_4 lr, r7\n"
    "  add lr, lr, lr, lsr #4\n"
    "  and lr, lr, #0x0f0f0f0f\n"
    "  add r6, r6, lr\n"
    "  cmp r0, r2\n"
    "  bne.w 6b\n"
    "7:\n" /* ones + 2 * twos + 4 * fours: at most 12 in four bits, then 56 in a byte */
    "  xl_bits_of_2 r3, r7\n"
    "  xl_bits_of_2 r4, r7\n"
    "  xl_bits_of_2 r5, r7\n"
    "  xl_bits_of_4 r3, r7\n"
    "  xl_bits_of_4 r4, r7\n"
    "  xl_bits_of_4 r5, r7\n"
    "  add r3, r3, r4, lsl #1\n"
    "  and r7, r3, #0xf0f0f0f0\n"
    "  and r3, r3, #0x0f0f0f0f\n"
    "  add r3, r3, r7, lsr #4\n"
    "  add r5, r5, r5, lsr #4\n"
    "  and r5, r5, #0x0f0f0f0f\n"
    "  add r3, r3, r5, lsl #2\n"
    ADD_BYTES
    "  ldrd r4, r5, [sp, #12]\n"
    "  str r0, [r5], #4\n"
    "  subs r4, r4, #1\n"
    "  strd r4, r5, [sp, #12]\n"
    "  ldr r0, [sp, #8]\n"
    "  ldr r7, [sp, #60]\n"
    "  add r1, r1, r7\n"
    "  it ne\n"
    "  ldrne pc, [sp]\n"
    "  add sp, sp, #20\n"
    "  pop {r4-r11, pc}\n"
    "  .size xl_core_count_some, . - xl_core_count_some\n"
    "  .purgem xl_add3\n"
    "  .purgem xl_pair\n"
    "  .purgem xl_first_pair\n"
    "  .purgem xl_four\n"
    "  .purgem xl_bits_of_2\n"
    "  .purgem xl_bits_of_4\n"
    "  .text\n");

#endif
