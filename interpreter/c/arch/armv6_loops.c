/* Element-wise loops on floats for ARMv6 with VFPv2: eight or more at a time, with as few loads and
 * stores as registers allow. */
#include "armv6.h"
#include "core.h"

#ifdef XL_CORE_ARMV6_VFP

/* r0: x, r1: scale, r2: offset, r3: n, on the stack: y. The offset is loaded where the sum is to be. */
NAKED void xl_core_scale_f32(UNUSED const float *x, UNUSED const float *scale,
                             UNUSED const float *offset, UNUSED ptrdiff_t n, UNUSED float *y) {
  __asm__ volatile(
      "ldr r12, [sp]\n\t"
      "vpush {d8-d11}\n\t"
      "subs r3, r3, #8\n\t"
      "blt 2f\n"
      "1:\n\t"
      "vldmia r0!, {s0-s7}\n\t"
      "vldmia r1!, {s8-s15}\n\t"
      "vldmia r2!, {s16-s23}\n\t"
      MULTIPLY_ADD_8
      "subs r3, r3, #8\n\t"
      "vstmia r12!, {s16-s23}\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r3, r3, #8\n\t"
      "beq 4f\n"
      "3:\n\t"
      "vldmia r0!, {s0}\n\t"
      "vldmia r1!, {s8}\n\t"
      "vldmia r2!, {s16}\n\t"
      "vmla.f32 s16, s0, s8\n\t"
      "subs r3, r3, #1\n\t"
      "vstmia r12!, {s16}\n\t"
      "bne 3b\n"
      "4:\n\t"
      "vpop {d8-d11}\n\t"
      "bx lr");
}

/* Four bits as floats: an entry of a table. r4: bits, r6: 0xf0, r3: the table. */
#define FOUR_BITS(shift, to)      \
  "and r5, r6, r4, " shift "\n\t" \
  "add r5, r3, r5\n\t"            \
  "vldmia r5, " to "\n\t"

/* r0: bits, r1: n, r2: y, r3: table. 28 instructions a word. */
NAKED static void unpack(UNUSED const uint32_t *bits, UNUSED ptrdiff_t n, UNUSED float *y,
                         UNUSED const float (*table)[4]) {
  __asm__ volatile(
      "push {r4, r5, r6, lr}\n\t"
      "vpush {d8-d15}\n\t"
      "mov r6, #0xf0\n\t"
      "subs r1, r1, #32\n\t"
      "blt 2f\n"
      "1:\n\t"
      "ldr r4, [r0], #4\n\t"
      FOUR_BITS("lsl #4", "{d0-d1}") FOUR_BITS("lsl #0", "{d2-d3}") FOUR_BITS("lsr #4", "{d4-d5}")
      FOUR_BITS("lsr #8", "{d6-d7}") FOUR_BITS("lsr #12", "{d8-d9}") FOUR_BITS("lsr #16", "{d10-d11}")
      FOUR_BITS("lsr #20", "{d12-d13}") FOUR_BITS("lsr #24", "{d14-d15}")
      "subs r1, r1, #32\n\t"
      "vstmia r2!, {d0-d15}\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r1, r1, #32\n\t"
      "beq 4f\n\t"
      "ldr r4, [r0]\n\t"
      "mov r4, r4, ror #28\n"
      "3:\n\t" FOUR_BITS("lsl #0", "{d0-d1}")
      "mov r4, r4, ror #4\n\t"
      "subs r1, r1, #4\n\t"
      "vstmia r2!, {d0-d1}\n\t"
      "bgt 3b\n"
      "4:\n\t"
      "vpop {d8-d15}\n\t"
      "pop {r4, r5, r6, pc}");
}

#define SIGN(bits, i) ((bits) >> (i)&1 ? -1.0f : 1.0f)
#define SIGNS(bits) {SIGN(bits, 0), SIGN(bits, 1), SIGN(bits, 2), SIGN(bits, 3)}
static const float SIGNS_OF[16][4] = {SIGNS(0),  SIGNS(1),  SIGNS(2),  SIGNS(3), SIGNS(4),  SIGNS(5),
                                      SIGNS(6),  SIGNS(7),  SIGNS(8),  SIGNS(9), SIGNS(10), SIGNS(11),
                                      SIGNS(12), SIGNS(13), SIGNS(14), SIGNS(15)};

void xl_core_unpack_f32(const uint32_t *bits, ptrdiff_t n, float *y) { unpack(bits, n, y, SIGNS_OF); }

/* r0: a, r1: b, r2: n, r3: y. Sixteen a turn. */
#define SIXTEEN(op)                                                                                    \
  op " s0, s0, s16\n\t" op " s1, s1, s17\n\t" op " s2, s2, s18\n\t" op " s3, s3, s19\n\t"              \
  op " s4, s4, s20\n\t" op " s5, s5, s21\n\t" op " s6, s6, s22\n\t" op " s7, s7, s23\n\t"              \
  op " s8, s8, s24\n\t" op " s9, s9, s25\n\t" op " s10, s10, s26\n\t" op " s11, s11, s27\n\t"          \
  op " s12, s12, s28\n\t" op " s13, s13, s29\n\t" op " s14, s14, s30\n\t" op " s15, s15, s31\n\t"
#define EACH_OF_TWO(name, op)                                                                          \
  NAKED void name(UNUSED const float *a, UNUSED const float *b, UNUSED ptrdiff_t n, UNUSED float *y) { \
    __asm__ volatile(                                                                                  \
        "vpush {d8-d15}\n\t"                                                                           \
        "subs r2, r2, #16\n\t"                                                                         \
        "blt 2f\n"                                                                                     \
        "1:\n\t"                                                                                       \
        "vldmia r0!, {s0-s15}\n\t"                                                                     \
        "vldmia r1!, {s16-s31}\n\t"                                                                    \
        SIXTEEN(op)                                                                                    \
        "subs r2, r2, #16\n\t"                                                                         \
        "vstmia r3!, {s0-s15}\n\t"                                                                     \
        "bge 1b\n"                                                                                     \
        "2:\n\t"                                                                                       \
        "adds r2, r2, #16\n\t"                                                                         \
        "beq 4f\n"                                                                                     \
        "3:\n\t"                                                                                       \
        "vldmia r0!, {s0}\n\t"                                                                         \
        "vldmia r1!, {s8}\n\t" op                                                                      \
        " s0, s0, s8\n\t"                                                                              \
        "subs r2, r2, #1\n\t"                                                                          \
        "vstmia r3!, {s0}\n\t"                                                                         \
        "bne 3b\n"                                                                                     \
        "4:\n\t"                                                                                       \
        "vpop {d8-d15}\n\t"                                                                            \
        "bx lr");                                                                                      \
  }

EACH_OF_TWO(xl_core_add_f32, "vadd.f32")
EACH_OF_TWO(xl_core_multiply_f32, "vmul.f32")

/* The product lies where y is to be: it is taken where x has a sign. r0: x, r1: slope, r2: n, r3: y. Eight a turn. */
#define BELOW(x, at) "cmp " x ", #0\n\t" "ldrmi " x ", [r3, #" at "]\n\t"
NAKED void xl_core_prelu_f32(UNUSED const float *x, UNUSED const float *slope, UNUSED ptrdiff_t n, UNUSED float *y) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
      "subs r2, r2, #8\n\t"
      "blt 2f\n"
      "1:\n\t"
      "vldmia r0, {s0-s7}\n\t"
      "vldmia r1!, {s8-s15}\n\t"
      "vmul.f32 s0, s0, s8\n\t"
      "vmul.f32 s1, s1, s9\n\t"
      "vmul.f32 s2, s2, s10\n\t"
      "vmul.f32 s3, s3, s11\n\t"
      "vmul.f32 s4, s4, s12\n\t"
      "vmul.f32 s5, s5, s13\n\t"
      "vmul.f32 s6, s6, s14\n\t"
      "vmul.f32 s7, s7, s15\n\t"
      "ldmia r0!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "vstmia r3, {s0-s7}\n\t"
      BELOW("r4", "0") BELOW("r5", "4") BELOW("r6", "8") BELOW("r7", "12")
      BELOW("r8", "16") BELOW("r9", "20") BELOW("r10", "24") BELOW("r11", "28")
      "subs r2, r2, #8\n\t"
      "stmia r3!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r2, r2, #8\n\t"
      "beq 4f\n"
      "3:\n\t"
      "vldr s0, [r0]\n\t"
      "vldmia r1!, {s8}\n\t"
      "vmul.f32 s0, s0, s8\n\t"
      "ldr r4, [r0], #4\n\t"
      "vstr s0, [r3]\n\t"
      BELOW("r4", "0")
      "subs r2, r2, #1\n\t"
      "str r4, [r3], #4\n\t"
      "bne 3b\n"
      "4:\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");
}

/* A float below 0, read as an integer, lies between 0x80000001 and 0xff800000; -0 is before them, NaNs behind. Less
 * 0x80000001, which is r2 - 1, it is at most r3: then the carry is set, and goes into the word from above. */
#define SIGN_OF(x)           \
  "sub " x ", " x ", r2\n\t" \
  "cmp r3, " x "\n\t"        \
  "mov r12, r12, rrx\n\t"

/* r0: x, r1: words of 32 signs, r2: out. */
NAKED void xl_core_signs_f32(UNUSED const float *x, UNUSED ptrdiff_t words, UNUSED uint32_t *out) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "mov r11, r2\n\t"
      "mov r2, #0x80000000\n\t"
      "orr r2, r2, #1\n\t"
      "mvn r3, #0x80000000\n\t"
      "bic r3, r3, #0x00800000\n"
      "1:\n\t"
      "ldmia r0!, {r4, r5, r6, r7, r8, r9, r10}\n\t"
      SIGN_OF("r4") SIGN_OF("r5") SIGN_OF("r6") SIGN_OF("r7") SIGN_OF("r8") SIGN_OF("r9") SIGN_OF("r10")
      "ldmia r0!, {r4, r5, r6, r7, r8, r9, r10}\n\t"
      SIGN_OF("r4") SIGN_OF("r5") SIGN_OF("r6") SIGN_OF("r7") SIGN_OF("r8") SIGN_OF("r9") SIGN_OF("r10")
      "ldmia r0!, {r4, r5, r6, r7, r8, r9}\n\t"
      SIGN_OF("r4") SIGN_OF("r5") SIGN_OF("r6") SIGN_OF("r7") SIGN_OF("r8") SIGN_OF("r9")
      "ldmia r0!, {r4, r5, r6, r7, r8, r9}\n\t"
      SIGN_OF("r4") SIGN_OF("r5") SIGN_OF("r6") SIGN_OF("r7") SIGN_OF("r8") SIGN_OF("r9")
      "ldmia r0!, {r4, r5, r6, r7, r8, r9}\n\t"
      SIGN_OF("r4") SIGN_OF("r5") SIGN_OF("r6") SIGN_OF("r7") SIGN_OF("r8") SIGN_OF("r9")
      "str r12, [r11], #4\n\t"
      "subs r1, r1, #1\n\t"
      "bne 1b\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "bx lr");
}

/* A float from -0 down, read as an integer less 0x80000000, is at most 0x7f800000, which is -infinity; above are NaNs.
 * What is below 0 becomes -0, as 0 times it is, and -infinity NaN. r2: 0x7f800000, r3: NaN. */
#define RECTIFY(x)                      \
  "add r12, " x ", #0x80000000\n\t"     \
  "cmp r12, r2\n\t"                     \
  "movlo " x ", #0x80000000\n\t"        \
  "moveq " x ", r3\n\t"

/* r0: x, r1: n, r2: y. */
NAKED void xl_core_relu_f32(UNUSED const float *x, UNUSED ptrdiff_t n, UNUSED float *y) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "mov lr, r2\n\t"
      "mov r2, #0x7f000000\n\t"
      "orr r2, r2, #0x00800000\n\t"
      "orr r3, r2, #0x00400000\n\t"
      "subs r1, r1, #8\n\t"
      "blt 2f\n"
      "1:\n\t"
      "ldmia r0!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      RECTIFY("r4") RECTIFY("r5") RECTIFY("r6") RECTIFY("r7")
      RECTIFY("r8") RECTIFY("r9") RECTIFY("r10") RECTIFY("r11")
      "subs r1, r1, #8\n\t"
      "stmia lr!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r1, r1, #8\n\t"
      "beq 4f\n"
      "3:\n\t"
      "ldr r4, [r0], #4\n\t"
      RECTIFY("r4")
      "subs r1, r1, #1\n\t"
      "str r4, [lr], #4\n\t"
      "bne 3b\n"
      "4:\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

/* As integers, floats are in order but that those below 0 are turned round, and NaNs with a sign lie among them. r3 less
 * those below 0, r3 the bits of infinity, puts -0 below all others, -infinity at the smallest integer, and NaNs, which wrap
 * round, above infinity: then all are in order, and r3 less what is below 0 gives them back, but for the sign of a NaN. */
#define ORDER(x) "cmp " x ", #0\n\t" "rsbmi " x ", " x ", r3\n\t"
#define LARGER(x, y) ORDER(x) "cmp " x ", " y "\n\t" "movgt " y ", " x "\n\t"

/* r0: x, r1: bytes from a tap to the next, r2: taps of a line; on the stack: lines, bytes from the last tap of a line to
 * the next line, out. Four channels. */
NAKED void xl_core_max4_f32(UNUSED const float *x, UNUSED ptrdiff_t step, UNUSED ptrdiff_t taps,
                            UNUSED ptrdiff_t lines, UNUSED ptrdiff_t skip, UNUSED float *out) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "mov lr, r3\n\t"
      "mov r3, #0x7f000000\n\t"
      "orr r3, r3, #0x00800000\n\t"
      "mov r4, #0x80000000\n\t"
      "mov r5, #0x80000000\n\t"
      "mov r6, #0x80000000\n\t"
      "mov r7, #0x80000000\n"
      "1:\n\t"
      "push {r2}\n"
      "2:\n\t"
      "ldmia r0, {r8, r9, r10, r11}\n\t"
      "add r0, r0, r1\n\t"
      LARGER("r8", "r4") LARGER("r9", "r5") LARGER("r10", "r6") LARGER("r11", "r7")
      "subs r2, r2, #1\n\t"
      "bne 2b\n\t"
      "pop {r2}\n\t"
      "ldr r12, [sp, #36]\n\t"
      "subs lr, lr, #1\n\t"
      "add r0, r0, r12\n\t"
      "bne 1b\n\t"
      "ldr r8, [sp, #40]\n\t"
      ORDER("r4") ORDER("r5") ORDER("r6") ORDER("r7")
      "stmia r8, {r4, r5, r6, r7}\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

#endif
