/* Depthwise convolution of bits for ARMv6: 3x3 windows of 32 channels, as depthwise_conv2d_b.c derives it.
 *
 * An output word takes 9 loads of x and 6 of the filter, 9 xor, five carry-save adders of 5, 4 where only two numbers are
 * left, 15 to load bounds and compare, and 5 of the loop: 73 instructions for 288 products, 2.3 a channel. */
#include "armv6.h"
#include "core.h"

#ifdef XL_CORE_ARMV6

/* c = carries, s = sums of a + b + s. half: a register that a or b may be, and so is c. */
#define ADD_TWO(a, b, s, half)              \
  "eor " half ", " a ", " b "\n\t"          \
  "and " a ", " a ", " b "\n\t"             \
  "and " b ", " half ", " s "\n\t"          \
  "eor " s ", " s ", " half "\n\t"          \
  "orr " a ", " a ", " b "\n\t" /* carries */

/* The carries of count + bound, in r4. */
#define COMPARE(count, bound)               \
  "orr r12, " count ", " bound "\n\t"       \
  "and " count ", " count ", " bound "\n\t" \
  "and r4, r4, r12\n\t"                     \
  "orr r4, r4, " count "\n\t"

/* r0: x, r1: 9 words of the filter and 4 of bounds, r2: bytes from a tap and an output to the next, r3: from a line to the
 * next; on the stack: bytes from a window to the next, windows, out. */
NAKED void xl_core_depthwise_signs(UNUSED const uint32_t *x, UNUSED const uint32_t *constants, UNUSED ptrdiff_t pixel,
                                   UNUSED ptrdiff_t line, UNUSED ptrdiff_t step, UNUSED int32_t n,
                                   UNUSED uint32_t *out) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "ldr r10, [sp, #36]\n\t"
      "ldr lr, [sp, #40]\n\t"
      "ldr r11, [sp, #44]\n"
      "1:\n\t"
      "add r12, r0, r3\n\t" /* the second line */
      "ldr r5, [r0, r2]\n\t"
      "ldr r6, [r0, r2, lsl #1]\n\t"
      "ldr r4, [r0], r10\n\t"
      "ldmia r1!, {r7, r8, r9}\n\t"
      "eor r4, r4, r7\n\t"
      "eor r5, r5, r8\n\t"
      "eor r6, r6, r9\n\t"
      ADD_TWO("r5", "r6", "r4", "r7") /* carries in r5 */
      "ldr r6, [r12, r2]\n\t"
      "ldr r8, [r12, r2, lsl #1]\n\t"
      "ldr r7, [r12], r3\n\t"
      "ldr r9, [r1, #4]\n\t"
      "eor r6, r6, r9\n\t"
      "ldr r9, [r1, #8]\n\t"
      "eor r8, r8, r9\n\t"
      "ldr r9, [r1], #12\n\t"
      "eor r7, r7, r9\n\t"
      ADD_TWO("r6", "r7", "r4", "r9") /* r6 */
      "ldr r7, [r12]\n\t"
      "ldr r9, [r1], #4\n\t"
      "eor r7, r7, r9\n\t"
      ADD_TWO("r7", "r8", "r4", "r9") /* r7 */
      ADD_TWO("r5", "r6", "r7", "r8") /* carries of carries in r5, their sums in r7 */
      "ldr r6, [r12, r2]\n\t"
      "ldr r8, [r12, r2, lsl #1]\n\t"
      "ldmia r1!, {r9, r12}\n\t"
      "eor r6, r6, r9\n\t"
      "eor r8, r8, r12\n\t"
      ADD_TWO("r6", "r8", "r4", "r9")
      "and r8, r7, r6\n\t"
      "eor r7, r7, r6\n\t"
      "and r9, r5, r8\n\t"
      "eor r5, r5, r8\n\t" /* the counts are in r4, r7, r5, r9 */
      "ldmia r1!, {r6, r8}\n\t"
      "orr r4, r4, r6\n\t"
      COMPARE("r7", "r8")
      "ldmia r1, {r6, r8}\n\t"
      "sub r1, r1, #44\n\t"
      COMPARE("r5", "r6")
      COMPARE("r9", "r8")
      "subs lr, lr, #1\n\t"
      "str r4, [r11], r2\n\t"
      "bne 1b\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

#endif
