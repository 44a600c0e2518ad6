/* Integer products for ARMv6: SMLAD multiplies two pairs of int16 and adds both products to a sum, in one cycle.
 *
 * 3 pixels by 2 filters have 6 sums. Two elements of all of them are an LDM of three words, one of two, and 6 SMLAD for
 * 12 products; 8 times that and 2 of the loop are 66 instructions for 96 products, 0.69 a product. That fills the 14
 * registers: 6 sums, 5 operands, 2 addresses and the loop's count. With doubles of VFPv2, two filters in each, it would
 * be 0.64, but FMACD takes two cycles. */
#include "armv6.h"
#include "core.h"

#ifdef XL_CORE_PAIRS

#define OPERANDS "ldmia r0!, {r2, r3, r4}\n\t" "ldmia r1!, {r5, r12}\n\t"
#define FIRST_PAIR                \
  OPERANDS                        \
  "smuad r6, r2, r5\n\t"          \
  "smuad r7, r2, r12\n\t"         \
  "smuad r8, r3, r5\n\t"          \
  "smuad r9, r3, r12\n\t"         \
  "smuad r10, r4, r5\n\t"         \
  "smuad r11, r4, r12\n\t"
#define PAIR                      \
  OPERANDS                        \
  "smlad r6, r2, r5, r6\n\t"      \
  "smlad r7, r2, r12, r7\n\t"     \
  "smlad r8, r3, r5, r8\n\t"      \
  "smlad r9, r3, r12, r9\n\t"     \
  "smlad r10, r4, r5, r10\n\t"    \
  "smlad r11, r4, r12, r11\n\t"

/* r0: x, r1: w, r2: pairs, r3: triples; on the stack dots. The first pair begins the sums. Then eight pairs a turn, of
 * which the first turn leaves out some: it is jumped into. 18 instructions a triple beside pairs and turns, of which 4
 * prefetch the next two filters, 64 bytes a triple; of nine pairs at most there is one turn or none, and it is 9. On the
 * stack: w, bytes of code to leave out, turns, dots, triples; or the end of x in place of the turns. */
NAKED void xl_core_dot_pairs(UNUSED const uint32_t *x, UNUSED const uint32_t *w, UNUSED ptrdiff_t pairs,
                             UNUSED int32_t triples, UNUSED int32_t *dots) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "ldr lr, [sp, #36]\n\t"
      "sub sp, sp, #20\n\t"
      "sub r4, r2, #1\n\t"
      "cmp r4, #8\n\t"
      "ble 3f\n\t"
      "add r6, r4, #7\n\t"
      "mov r6, r6, lsr #3\n\t"
      "rsb r5, r4, #0\n\t"
      "and r5, r5, #7\n\t"
      "mov r5, r5, lsl #5\n\t"
      "stmia sp, {r1, r5, r6, lr}\n\t"
      "str r3, [sp, #16]\n"
      "1:\n\t"
      FIRST_PAIR
      "ldr r2, [sp, #4]\n\t"
      "ldr lr, [sp, #8]\n\t"
      "add pc, pc, r2\n\t"
      "mov r0, r0\n"
      "2:\n\t"
      PAIR PAIR PAIR PAIR PAIR PAIR PAIR PAIR
      "subs lr, lr, #1\n\t"
      "bne 2b\n\t"
      "mov r3, r1\n\t"
      "ldr r1, [sp]\n\t"
      "add r12, sp, #12\n\t"
      "ldmia r12, {r2, r4}\n\t"
      "add r5, r3, r4, lsl #6\n\t"
      "pld [r5, #-64]\n\t"
      "pld [r5, #-32]\n\t"
      "strd r6, r7, [r2], #128\n\t"
      "strd r8, r9, [r2], #128\n\t"
      "strd r10, r11, [r2], #128\n\t"
      "subs r4, r4, #1\n\t"
      "stmia r12, {r2, r4}\n\t"
      "bne 1b\n\t"
      "add sp, sp, #20\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n"
      "3:\n\t"
      "mul r6, r2, r3\n\t"
      "rsb r5, r4, #8\n\t"
      "mov r5, r5, lsl #5\n\t"
      "add r6, r6, r6, lsl #1\n\t"
      "add r6, r0, r6, lsl #2\n\t"
      "stmia sp, {r1, r5, r6}\n"
      "4:\n\t"
      FIRST_PAIR
      "ldr r2, [sp, #4]\n\t"
      "add pc, pc, r2\n\t"
      "mov r0, r0\n\t"
      PAIR PAIR PAIR PAIR PAIR PAIR PAIR PAIR
      "ldr r2, [sp, #8]\n\t"
      "ldr r1, [sp]\n\t"
      "strd r6, r7, [lr], #128\n\t"
      "strd r8, r9, [lr], #128\n\t"
      "strd r10, r11, [lr], #128\n\t"
      "cmp r0, r2\n\t"
      "bne 4b\n\t"
      "add sp, sp, #20\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

/* An element to the first half of a word, and one to the second. */
#define TO_FIRST(x) "ldrh " x ", [r4], #2\n\t" "strh " x ", [r12], #2\n\t"
#define TO_SECOND(x) "ldrh " x ", [r4], #2\n\t" "strh " x ", [r12], #10\n\t"

/* r0: x, r1: begins, r2: rows left, r3: n, r8: to, r9: pixels left, r10: of this triple. Four elements a turn, 2.5 each.
 * A row that begins in the second half of a word has an odd number of elements, as the one before: the rest of it is as
 * that of the others. */
NAKED void xl_core_gather(UNUSED const xl_core_windows *w) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "mov r11, r0\n\t"
      "ldr r0, [r11]\n\t"
      "ldr r3, [r11, #12]\n\t"
      "ldr r8, [r11, #16]\n\t"
      "ldr r9, [r11, #20]\n\t"
      "ldr r10, [r11, #24]\n\t"
      "ldr lr, [r11, #28]\n\t"
      "b 8f\n"
      "1:\n\t"
      "ldr r4, [r1], #4\n\t"
      "subs r5, r3, #4\n\t"
      "add r4, r4, r0\n"
      "2:\n\t"
      "blt 4f\n"
      "3:\n\t"
      TO_FIRST("r6") TO_SECOND("r7") TO_FIRST("r6") TO_SECOND("r7")
      "subs r5, r5, #4\n\t"
      "bge 3b\n"
      "4:\n\t"
      "tst r5, #2\n\t"
      "beq 5f\n\t"
      TO_FIRST("r6") TO_SECOND("r7")
      "5:\n\t"
      "tst r5, #1\n\t"
      "bne 6f\n\t"
      "subs r2, r2, #1\n\t"
      "bne 1b\n\t"
      "b 7f\n"
      "6:\n\t"
      TO_FIRST("r6")
      "mov r6, #0\n\t"
      "subs r2, r2, #1\n\t"
      "strh r6, [r12]\n\t" /* the row behind it writes there again */
      "beq 7f\n\t"
      "ldr r4, [r1], #4\n\t"
      "add r4, r4, r0\n\t"
      TO_SECOND("r6")
      "subs r5, r3, #5\n\t"
      "b 2b\n"
      "7:\n\t"
      "subs r9, r9, #1\n\t"
      "popeq {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n\t"
      "add r0, r0, lr\n\t"
      "add r8, r8, #4\n\t"
      "subs r10, r10, #1\n\t"
      "moveq r10, #3\n\t"
      "ldreq r12, [r11, #32]\n\t"
      "addeq r8, r8, r12\n"
      "8:\n\t"
      "ldr r1, [r11, #4]\n\t"
      "ldr r2, [r11, #8]\n\t"
      "mov r12, r8\n\t"
      "b 1b");
}

/* One element, and two that share a word. */
#define SINGLE(load, scale)         \
  load " r4, [r0], #1\n\t"          \
  scale("r4")                       \
  "sub r4, r4, r12\n\t"
#define DOUBLE(load, scale)         \
  load " r4, [r0], #1\n\t"          \
  load " r5, [r0], #1\n\t"          \
  scale("r4") scale("r5")           \
  "pkhbt r4, r4, r5, lsl #16\n\t"   \
  "ssub16 r4, r4, r12\n\t"          \
  "str r4, [r2], #12\n\t"
#define AS_IT_IS(x) ""
#define TIMES(x) "mul " x ", r3, " x "\n\t"

/* r0: from, r1: n, at least 1, r2: to, r3: multiplier; on the stack the zero point. Where to is the second half of a
 * word, it is filled first. Six elements a turn. Returns where the next element lies. */
#define WIDEN(name, load, scale)                                                                             \
  NAKED int16_t *name(UNUSED const uint8_t *from, UNUSED ptrdiff_t n, UNUSED int16_t *to,                    \
                      UNUSED int32_t multiplier, UNUSED int32_t zero_point) {                                \
    __asm__ volatile(                                                                                        \
        "ldr r12, [sp]\n\t"                                                                                  \
        "push {r4, r5}\n\t"                                                                                  \
        "tst r2, #2\n\t"                                                                                     \
        "beq 1f\n\t"                                                                                         \
        SINGLE(load, scale)                                                                                  \
        "strh r4, [r2], #10\n\t"                                                                             \
        "sub r1, r1, #1\n"                                                                                   \
        "1:\n\t"                                                                                             \
        "pkhbt r12, r12, r12, lsl #16\n\t"                                                                   \
        "subs r1, r1, #6\n\t"                                                                                \
        "blt 3f\n"                                                                                           \
        "2:\n\t"                                                                                             \
        DOUBLE(load, scale) DOUBLE(load, scale) DOUBLE(load, scale)                                          \
        "subs r1, r1, #6\n\t"                                                                                \
        "bge 2b\n"                                                                                           \
        "3:\n\t"                                                                                             \
        "adds r1, r1, #4\n\t"                                                                                \
        "blt 5f\n"                                                                                           \
        "4:\n\t"                                                                                             \
        DOUBLE(load, scale)                                                                                  \
        "subs r1, r1, #2\n\t"                                                                                \
        "bge 4b\n"                                                                                           \
        "5:\n\t"                                                                                             \
        "tst r1, #1\n\t"                                                                                     \
        "beq 6f\n\t"                                                                                         \
        SINGLE(load, scale)                                                                                  \
        "strh r4, [r2], #2\n"                                                                                \
        "6:\n\t"                                                                                             \
        "mov r0, r2\n\t"                                                                                     \
        "pop {r4, r5}\n\t"                                                                                   \
        "bx lr");                                                                                            \
  }

WIDEN(xl_core_widen_u8, "ldrb", AS_IT_IS)
WIDEN(xl_core_widen_i8, "ldrsb", AS_IT_IS)
WIDEN(xl_core_widen_products_u8, "ldrb", TIMES)
WIDEN(xl_core_widen_products_i8, "ldrsb", TIMES)

#define BELOW(dot, threshold, bit) "cmp " dot ", " threshold "\n\t" "orrlt r12, r12, #" bit "\n\t"
#define FOUR_BELOW(a, b, c, d)              \
  "ldmia r0!, {r2, r3, r4, r5}\n\t"         \
  "ldmia r1!, {r6, r7, r8, r9}\n\t"         \
  BELOW("r2", "r6", a) BELOW("r3", "r7", b) BELOW("r4", "r8", c) BELOW("r5", "r9", d)

/* r0: dots, r1: thresholds; 32 of them. */
NAKED uint32_t xl_core_signs_of_dots(UNUSED const int32_t *dots, UNUSED const int32_t *thresholds) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9}\n\t"
      "mov r12, #0\n\t"
      FOUR_BELOW("0x1", "0x2", "0x4", "0x8")
      FOUR_BELOW("0x10", "0x20", "0x40", "0x80")
      FOUR_BELOW("0x100", "0x200", "0x400", "0x800")
      FOUR_BELOW("0x1000", "0x2000", "0x4000", "0x8000")
      FOUR_BELOW("0x10000", "0x20000", "0x40000", "0x80000")
      FOUR_BELOW("0x100000", "0x200000", "0x400000", "0x800000")
      FOUR_BELOW("0x1000000", "0x2000000", "0x4000000", "0x8000000")
      FOUR_BELOW("0x10000000", "0x20000000", "0x40000000", "0x80000000")
      "mov r0, r12\n\t"
      "pop {r4, r5, r6, r7, r8, r9}\n\t"
      "bx lr");
}

#ifdef XL_CORE_FLOATS
#define FLOAT(a, b, c, d)           \
  "vcvt.f32.s32 " a ", " a "\n\t"   \
  "vcvt.f32.s32 " b ", " b "\n\t"   \
  "vcvt.f32.s32 " c ", " c "\n\t"   \
  "vcvt.f32.s32 " d ", " d "\n\t"

/* r0: dots, r1: fours, r2: scale, r3: bias; on the stack y. Biases are loaded where sums are to be: vmla of VFPv2 rounds
 * the product and then the sum. 22 instructions for eight. */
NAKED void xl_core_store_dots_f32(UNUSED const int32_t *dots, UNUSED int32_t fours, UNUSED const float *scale,
                                  UNUSED const float *bias, UNUSED float *y) {
  __asm__ volatile(
      "ldr r12, [sp]\n\t"
      "vpush {d8-d11}\n\t"
      "subs r1, r1, #2\n\t"
      "blt 2f\n"
      "1:\n\t"
      "vldmia r0!, {s0-s7}\n\t"
      "vldmia r2!, {s8-s15}\n\t"
      "vldmia r3!, {s16-s23}\n\t"
      FLOAT("s0", "s1", "s2", "s3") FLOAT("s4", "s5", "s6", "s7")
      MULTIPLY_ADD_8
      "subs r1, r1, #2\n\t"
      "vstmia r12!, {s16-s23}\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r1, r1, #2\n\t"
      "beq 3f\n\t" /* else four are left */
      "vldmia r0, {s0-s3}\n\t"
      "vldmia r2, {s8-s11}\n\t"
      "vldmia r3, {s16-s19}\n\t"
      FLOAT("s0", "s1", "s2", "s3")
      MULTIPLY_ADD_4
      "vstmia r12, {s16-s19}\n"
      "3:\n\t"
      "vpop {d8-d11}\n\t"
      "bx lr");
}
#endif

#endif
