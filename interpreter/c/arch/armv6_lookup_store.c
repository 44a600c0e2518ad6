/* Outputs of look-ups on ARMv6: bits and floats of counts that lie in pairs.
 *
 * Bits: usub16 compares both counts of a pair, sel takes a bit of each, and one instruction shifts it in: 4.5 a pair with
 * loads and the loop. The bits of 16 pairs, the first ones' in the low half of a word and the others' in the high half,
 * are shuffled in 16 instructions; with them and what a word and a pixel take besides an output is 3 to 5.
 *
 * Floats: 2^24 + 2 * count is the float whose high half is that of 2^24 and whose low half is the count: one
 * instruction makes it, pkhbt or pkhtb. 2^24 + bits less that is bits - 2 * count, and exact, if bits is even. Eight
 * outputs take
 *
 *   ldm, 8 pkh, 4 vmov, 8 vsub, vstm            22
 *   with a scale, or a bias                      9 more: vldm, 8 vmul or vadd
 *   a ReLU in place of both                      8 more: each count is at most half of bits, two a uqsub16 and a sub
 *   the loop                                     2
 *
 * 3 instructions an output, 4.1 with a scale. */
#include "armv6.h"
#include "core.h"

#ifdef XL_CORE_ARMV6

/* Both halves of pair p at least those of l? The bits go into r4 from above. r12: 0x80008000, lr: 0. */
#define COMPARE(p, l)             \
  "usub16 " p ", " p ", " l "\n\t" \
  "sel " p ", r12, lr\n\t"        \
  "orr r4, " p ", r4, lsr #1\n\t"

/* Exchanges the bits of `field` in r4 with those `by` higher. */
#define EXCHANGE_BITS(field, by)           \
  "eor r2, r4, r4, lsr #" by "\n\t"       \
  "and r2, r2, " field "\n\t"             \
  "eor r4, r4, r2\n\t"                    \
  "eor r4, r4, r2, lsl #" by "\n\t"

/* r0: what the pixels are; r9 keeps it. r0: pairs, r1: limits, r2: pairs of a word, r3: fewer, r4: their bits, r10: the
 * word, r11: pairs that are left. What is shifted out of the high half are zeros, since a word has 16 pairs at most. On
 * the stack: how far their bits are then above where they belong. The offsets are those of xl_core_signs. */
#define STORE_SIGNS(name, more)                                                    \
  NAKED void name(UNUSED xl_core_signs *p) {                                       \
    __asm__ volatile(                                                              \
        "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"                      \
        "mov r9, r0\n\t"                                                          \
        "ldr r0, [r9]\n\t"                                                        \
        "ldr r3, [r9, #36]\n\t"                                                   \
        "mov r12, #0x80000000\n\t"                                                \
        "orr r12, r12, r12, lsr #16\n\t"                                          \
        "mov lr, #0\n"                                                            \
        "1:\n\t"                                                                  \
        "ldr r1, [r9, #4]\n\t"                                                    \
        "ldr r10, [r9, #8]\n\t"                                                   \
        "ldr r11, [r9, #16]\n\t"                                                  \
        "ldr r2, [r9, #20]\n"                                                     \
        "2:\n\t"                                                                  \
        "mov r5, r2\n\t"                                                          \
        "cmp r2, r11\n\t"                                                         \
        "movgt r2, r11\n\t"                                                       \
        "sub r11, r11, r2\n\t"                                                    \
        "sub r5, r5, r2\n\t"                                                      \
        "str r5, [sp]\n\t"                                                        \
        "mov r4, #0\n\t"                                                          \
        "subs r2, r2, #3\n\t"                                                     \
        "ble 4f\n"                                                                \
        "3:\n\t"                                                                  \
        "ldmia r0!, {r5, r6}\n\t"                                                 \
        "ldmia r1!, {r7, r8}\n\t" more("r5") more("r6")                           \
        COMPARE("r5", "r7") COMPARE("r6", "r8")                                    \
        "ldmia r0!, {r5, r6}\n\t"                                                 \
        "ldmia r1!, {r7, r8}\n\t" more("r5") more("r6")                           \
        COMPARE("r5", "r7") COMPARE("r6", "r8")                                    \
        "subs r2, r2, #4\n\t"                                                     \
        "bgt 3b\n"                                                                \
        "4:\n\t"                                                                  \
        "adds r2, r2, #3\n\t"                                                     \
        "beq 6f\n"                                                                \
        "5:\n\t"                                                                  \
        "ldr r5, [r0], #4\n\t"                                                    \
        "ldr r7, [r1], #4\n\t" more("r5")                                         \
        COMPARE("r5", "r7")                                                        \
        "subs r2, r2, #1\n\t"                                                     \
        "bne 5b\n"                                                                \
        "6:\n\t"                                                                  \
        "ldr r5, [sp]\n\t"                                                        \
        "add r8, r9, #40\n\t"                                                     \
        "mov r4, r4, lsr r5\n\t"                                                  \
        "ldmia r8, {r5, r6, r7, r8}\n\t"                                          \
        EXCHANGE_BITS("r5", "8") EXCHANGE_BITS("r6", "4")                          \
        EXCHANGE_BITS("r7", "2") EXCHANGE_BITS("r8", "1")                          \
        "ldr r5, [r9, #8]\n\t" /* of the first word the bits that are there stay */ \
        "ldr r6, [r9, #24]\n\t"                                                   \
        "cmp r5, r10\n\t"                                                         \
        "ldreq r5, [r10]\n\t"                                                     \
        "andeq r5, r5, r6\n\t"                                                    \
        "orreq r4, r4, r5\n\t"                                                    \
        "str r4, [r10], #4\n\t"                                                   \
        "mov r2, #16\n\t"                                                         \
        "cmp r11, #0\n\t"                                                         \
        "bgt 2b\n\t"                                                              \
        "ldr r5, [r9, #28]\n\t"                                                   \
        "ldr r6, [r9, #32]\n\t"                                                   \
        "ldr r7, [r9, #8]\n\t"                                                    \
        "ldr r8, [r9, #12]\n\t"                                                   \
        "add r0, r0, r5\n\t"                                                      \
        "add r7, r7, r6\n\t"                                                      \
        "subs r8, r8, #1\n\t"                                                     \
        "str r7, [r9, #8]\n\t"                                                    \
        "str r8, [r9, #12]\n\t"                                                   \
        "bne 1b\n\t"                                                              \
        "pop {r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}");                         \
  }

#define NO_MORE(p) ""
#define FEWER(p) "uadd16 " p ", " p ", r3\n\t"
STORE_SIGNS(xl_core_store_signs, NO_MORE)
STORE_SIGNS(xl_core_store_signs_of_fewer, FEWER)

#endif

#ifdef XL_CORE_ARMV6_VFP

/* Both counts of a pair are half of bits (r9) at most: less what they have beyond it. */
#define CLIP(p) "uqsub16 r10, " p ", r9\n\t" "sub " p ", " p ", r10\n\t"
#define CLIP_FOUR CLIP("r4") CLIP("r5") CLIP("r6") CLIP("r7")

/* r8: the float 2^24. */
#define FLOATS(p, a, b)                \
  "pkhbt r10, " p ", r8\n\t"           \
  "pkhtb " p ", r8, " p ", asr #16\n\t" \
  "vmov " a ", " b ", r10, " p "\n\t"
#define SUBTRACT(a) "vsub.f32 " a ", s16, " a "\n\t"

#define TIMES(a, b) "vmul.f32 " a ", " a ", " b "\n\t"
#define PLUS(a, b) "vadd.f32 " a ", " a ", " b "\n\t"
#define EIGHT_OF(from, op)                                                                              \
  "vldmia " from "!, {s8-s15}\n\t"                                                                      \
  op("s0", "s8") op("s1", "s9") op("s2", "s10") op("s3", "s11")                                         \
  op("s4", "s12") op("s5", "s13") op("s6", "s14") op("s7", "s15")
#define TWO_OF(from, op) "vldmia " from "!, {s8-s9}\n\t" op("s0", "s8") op("s1", "s9")

/* r0: what the pixels are; lr keeps it, r0: pairs, r1: y, r2: scale, r3: bias, r11: eights or twos that are left, r12:
 * pixels. The offsets are those of xl_core_pixels. */
#define STORE(name, clip_four, clip, eight, two)                                  \
  NAKED void name(UNUSED const xl_core_pixels *p) {                               \
    __asm__ volatile(                                                             \
        "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"                    \
        "vpush {d8}\n\t"                                                          \
        "mov lr, r0\n\t"                                                          \
        "ldmia lr, {r0, r1}\n\t"                                                  \
        "ldr r12, [lr, #16]\n\t"                                                  \
        "ldr r9, [lr, #36]\n\t"                                                   \
        "vldr s16, [lr, #40]\n\t"                                                 \
        "mov r8, #0x4b000000\n\t"                                                 \
        "orr r8, r8, #0x00800000\n"                                               \
        "1:\n\t"                                                                  \
        "ldr r11, [lr, #20]\n\t"                                                  \
        "ldr r2, [lr, #8]\n\t"                                                    \
        "ldr r3, [lr, #12]\n\t"                                                   \
        "cmp r11, #0\n\t"                                                         \
        "beq 3f\n"                                                                \
        "2:\n\t"                                                                  \
        "ldmia r0!, {r4, r5, r6, r7}\n\t" clip_four                               \
        FLOATS("r4", "s0", "s1") FLOATS("r5", "s2", "s3")                         \
        FLOATS("r6", "s4", "s5") FLOATS("r7", "s6", "s7")                         \
        SUBTRACT("s0") SUBTRACT("s1") SUBTRACT("s2") SUBTRACT("s3")               \
        SUBTRACT("s4") SUBTRACT("s5") SUBTRACT("s6") SUBTRACT("s7") eight         \
        "subs r11, r11, #1\n\t"                                                   \
        "vstmia r1!, {s0-s7}\n\t"                                                 \
        "bne 2b\n"                                                                \
        "3:\n\t"                                                                  \
        "ldr r11, [lr, #24]\n\t"                                                  \
        "cmp r11, #0\n\t"                                                         \
        "beq 5f\n"                                                                \
        "4:\n\t"                                                                  \
        "ldr r4, [r0], #4\n\t" clip                                               \
        FLOATS("r4", "s0", "s1")                                                  \
        SUBTRACT("s0") SUBTRACT("s1") two                                         \
        "subs r11, r11, #1\n\t"                                                   \
        "vstmia r1!, {s0-s1}\n\t"                                                 \
        "bne 4b\n"                                                                \
        "5:\n\t"                                                                  \
        "ldr r10, [lr, #28]\n\t"                                                  \
        "ldr r11, [lr, #32]\n\t"                                                  \
        "subs r12, r12, #1\n\t"                                                   \
        "add r0, r0, r10\n\t"                                                     \
        "add r1, r1, r11\n\t"                                                     \
        "bne 1b\n\t"                                                              \
        "vpop {d8}\n\t"                                                           \
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");                       \
  }

STORE(xl_core_store_dots, "", "", "", "")
STORE(xl_core_store_relu_f32, CLIP_FOUR, CLIP("r4"), "", "")
STORE(xl_core_store_scaled, "", "", EIGHT_OF("r2", TIMES), TWO_OF("r2", TIMES))
STORE(xl_core_store_biased, "", "", EIGHT_OF("r3", PLUS), TWO_OF("r3", PLUS))
STORE(xl_core_store_finished, "", "", EIGHT_OF("r2", TIMES) EIGHT_OF("r3", PLUS),
      TWO_OF("r2", TIMES) TWO_OF("r3", PLUS))

/* ---- Pairs of pixels to pairs of filters ------------------------------------------------------------------- */

/* Two words of two pixels, of filters f and f + 1, to a word of each pixel. */
#define EXCHANGE(a, b, low, high)               \
  "pkhbt " low ", " a ", " b ", lsl #16\n\t"    \
  "pkhtb " high ", " b ", " a ", asr #16\n\t"

/* r0: pairs, r1: bytes to the next, r2: twos of filters, r3: first; on the stack: second. */
NAKED void xl_core_turn_pairs(UNUSED const uint32_t *pairs, UNUSED ptrdiff_t step, UNUSED int32_t twos,
                              UNUSED uint32_t *first, UNUSED uint32_t *second) {
  __asm__ volatile(
      "ldr r12, [sp]\n\t"
      "push {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "tst r2, #1\n\t"
      "beq 1f\n\t"
      "ldr r4, [r0], r1\n\t"
      "ldr r5, [r0], r1\n\t"
      EXCHANGE("r4", "r5", "r8", "r10")
      "str r8, [r3], #4\n\t"
      "str r10, [r12], #4\n\t"
      "subs r2, r2, #1\n\t"
      "beq 2f\n"
      "1:\n\t"
      "ldr r4, [r0], r1\n\t"
      "ldr r5, [r0], r1\n\t"
      "ldr r6, [r0], r1\n\t"
      "ldr r7, [r0], r1\n\t"
      EXCHANGE("r4", "r5", "r8", "r10")
      EXCHANGE("r6", "r7", "r9", "r11")
      "subs r2, r2, #2\n\t"
      "stmia r3!, {r8, r9}\n\t"
      "stmia r12!, {r10, r11}\n\t"
      "bne 1b\n"
      "2:\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "bx lr");
}

#endif
