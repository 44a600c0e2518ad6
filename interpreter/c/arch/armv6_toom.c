/* The products of conv2d_toom.c for ARMv6: dot products of pairs of int16 at seven points, by SMLAD, and the four outputs.
 *
 * As in armv6_pairs.c, 3 tiles by 2 filters have 6 sums, and a pair of all of them is 8 instructions for 12 products. The
 * first pair of a point begins its sums. A 7x7 window of three channels has 21 pairs at six points and 11 at the last one:
 * 1,096 instructions a triple, and 68 for the loops; 53 a tile for the outputs of both filters, 20 besides. That is 1,343
 * for 24 outputs of 147 products each, 0.38 a product where pairs without points take 0.72. */
#include "armv6.h"
#include "core.h"

#ifdef XL_CORE_PAIRS

#define OPERANDS "ldmia r0!, {r2, r3, r4}\n\t" "ldmia r1!, {r5, r6}\n\t"
#define FIRST_PAIR                \
  OPERANDS                        \
  "smuad r7, r2, r5\n\t"          \
  "smuad r8, r2, r6\n\t"          \
  "smuad r9, r3, r5\n\t"          \
  "smuad r10, r3, r6\n\t"         \
  "smuad r11, r4, r5\n\t"         \
  "smuad r12, r4, r6\n\t"
#define PAIR                      \
  OPERANDS                        \
  "smlad r7, r2, r5, r7\n\t"      \
  "smlad r8, r2, r6, r8\n\t"      \
  "smlad r9, r3, r5, r9\n\t"      \
  "smlad r10, r3, r6, r10\n\t"    \
  "smlad r11, r4, r5, r11\n\t"    \
  "smlad r12, r4, r6, r12\n\t"

/* The sums of one point, to the stack. Eight pairs a turn, of which the first turn leaves out some: it is jumped into.
 * skip and turns: where on the stack they are. */
#define POINT(skip, turns)                              \
  FIRST_PAIR                                            \
  "ldr r2, [sp, #" skip "]\n\t"                         \
  "ldr lr, [sp, #" turns "]\n\t"                        \
  "add pc, pc, r2\n\t"                                  \
  "mov r0, r0\n"                                        \
  "2:\n\t"                                              \
  PAIR PAIR PAIR PAIR PAIR PAIR PAIR PAIR               \
  "subs lr, lr, #1\n\t"                                 \
  "bne 2b\n\t"                                          \
  "push {r7, r8, r9, r10, r11, r12}\n\t"

/* Turns and skipped bytes of code for the pairs behind the first one of `pairs`. */
#define TURNS(pairs, skip, turns)         \
  "sub " pairs ", " pairs ", #1\n\t"      \
  "add r12, " pairs ", #7\n\t"            \
  "mov r12, r12, lsr #3\n\t"              \
  "rsb " pairs ", " pairs ", #0\n\t"      \
  "and " pairs ", " pairs ", #7\n\t"      \
  "mov " pairs ", " pairs ", lsl #5\n\t"  \
  "str " pairs ", [sp, #" skip "]\n\t"    \
  "str r12, [sp, #" turns "]\n\t"

/* With a = m(1) + m(-1), b = m(1) - m(-1), c = m(2) + m(-2), d = m(2) - m(-2), outputs 0 to 3, the sums of m(p) p^k, are
 * m(0) + a + c + m(3), b + 2 d + 3 m(3), a + 4 c + 9 m(3), b + 8 d + 27 m(3) + m(infinity). Of a tile and both filters,
 * in even registers and in odd ones; r12: 2^32 / 120, lr: where to, r1: bytes from an output to the next. A product by
 * r12, rounded to its upper half, is an exact 120th of what is a multiple of 120: r12 is wrong by less than a half, and
 * so the product's upper half by less than a quarter. */
#define BOTH(op, x, y, a, b, c, d, more) \
  op " " x ", " a ", " c more "\n\t" op " " y ", " b ", " d more "\n\t"
#define THRICE BOTH("add", "r4", "r5", "r4", "r5", "r4", "r5", ", lsl #1")
#define STORE(x, y)                     \
  "smmulr " x ", " x ", r12\n\t"        \
  "smmulr " y ", " y ", r12\n\t"        \
  "strd " x ", " y ", [lr], r1\n\t"
#define OUTPUTS(at)                                                         \
  "ldrd r2, r3, [sp, #120 + " at "]\n\t"                                    \
  "ldrd r4, r5, [sp, #96 + " at "]\n\t"                                     \
  BOTH("add", "r6", "r7", "r2", "r3", "r4", "r5", "") /* a */               \
  BOTH("sub", "r2", "r3", "r2", "r3", "r4", "r5", "") /* b */               \
  "ldrd r4, r5, [sp, #72 + " at "]\n\t"                                     \
  "ldrd r8, r9, [sp, #48 + " at "]\n\t"                                     \
  BOTH("add", "r10", "r11", "r4", "r5", "r8", "r9", "") /* c */             \
  BOTH("sub", "r4", "r5", "r4", "r5", "r8", "r9", "")   /* d */             \
  "ldrd r8, r9, [sp, #144 + " at "]\n\t"                                    \
  BOTH("add", "r8", "r9", "r8", "r9", "r6", "r7", "")                       \
  BOTH("add", "r8", "r9", "r8", "r9", "r10", "r11", "")                     \
  BOTH("add", "r6", "r7", "r6", "r7", "r10", "r11", ", lsl #2")             \
  BOTH("add", "r10", "r11", "r2", "r3", "r4", "r5", ", lsl #1")             \
  BOTH("add", "r2", "r3", "r2", "r3", "r4", "r5", ", lsl #3")               \
  "ldrd r4, r5, [sp, #24 + " at "]\n\t"                                     \
  BOTH("add", "r2", "r3", "r2", "r3", "r4", "r5", "")                       \
  "ldrd r4, r5, [sp, #" at "]\n\t"                                          \
  BOTH("add", "r8", "r9", "r8", "r9", "r4", "r5", "")                       \
  THRICE BOTH("add", "r10", "r11", "r10", "r11", "r4", "r5", "")            \
  THRICE BOTH("add", "r6", "r7", "r6", "r7", "r4", "r5", "")                \
  THRICE BOTH("add", "r2", "r3", "r2", "r3", "r4", "r5", "")                \
  STORE("r8", "r9") STORE("r10", "r11") STORE("r6", "r7") STORE("r2", "r3")

/* Filters do not fit a first-level cache. The next two, which r1 is at behind a triple, are prefetched in pieces of 256
 * bytes, the first one last: four triples fetch all but the end of them. */
#define PREFETCH                                                                                        \
  "pld [r2, #-256]\n\t" "pld [r2, #-224]\n\t" "pld [r2, #-192]\n\t" "pld [r2, #-160]\n\t"           \
  "pld [r2, #-128]\n\t" "pld [r2, #-96]\n\t" "pld [r2, #-64]\n\t" "pld [r2, #-32]\n\t"

/* r0: x, r1: w, r2: pairs, r3: pairs at the last point; on the stack triples, dots. Eight words of its own there:
 * both skips and turns, w, triples, dots, 2^32 / 120. */
NAKED void xl_core_toom(UNUSED const uint32_t *x, UNUSED const uint32_t *w, UNUSED ptrdiff_t pairs,
                        UNUSED ptrdiff_t last, UNUSED int32_t triples, UNUSED int32_t *dots) {
  __asm__ volatile(
      "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "sub sp, sp, #32\n\t"
      TURNS("r2", "0", "4")
      TURNS("r3", "8", "12")
      "ldr r2, [sp, #72]\n\t"
      "ldr r3, [sp, #76]\n\t"
      "mov r4, #0x02000000\n\t"
      "orr r4, r4, #0x00220000\n\t"
      "orr r4, r4, #0x00002200\n\t"
      "orr r4, r4, #0x00000022\n\t"
      "str r1, [sp, #16]\n\t"
      "str r2, [sp, #20]\n\t"
      "str r3, [sp, #24]\n\t"
      "str r4, [sp, #28]\n"
      "1:\n\t"
      POINT("0", "4")
      POINT("24", "28")
      POINT("48", "52")
      POINT("72", "76")
      POINT("96", "100")
      POINT("120", "124")
      POINT("152", "156")
      "ldr r2, [sp, #188]\n\t"
      "ldr lr, [sp, #192]\n\t"
      "ldr r12, [sp, #196]\n\t"
      "add r2, r1, r2, lsl #8\n\t"
      PREFETCH
      "mov r1, #128\n\t"
      OUTPUTS("0") OUTPUTS("8") OUTPUTS("16")
      "ldr r1, [sp, #184]\n\t"
      "ldr r2, [sp, #188]\n\t"
      "add sp, sp, #168\n\t"
      "str lr, [sp, #24]\n\t"
      "subs r2, r2, #1\n\t"
      "str r2, [sp, #20]\n\t"
      "bne 1b\n\t"
      "add sp, sp, #32\n\t"
      "pop {r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

#endif
