/* Float dot products for ARMv6 with VFPv2, whose 32 registers hold one float each.
 *
 * 8 pixels by 2 filters have 16 sums; 8 registers are for the pixels' element k and 8 for four elements of both filters.
 * Four elements are 2 loads of filters, 4 of pixels and 64 multiply-accumulates; twice that, two prefetches and 2 of the
 * loop are 144 instructions for 128 products, 1.13 a product, and loads go to a pipeline of their own. A layer's filters do
 * not fit a cache of 16 KiB and are read anew for each 8 pixels: a line of each, 8 elements, is prefetched three turns
 * ahead; pixels are there. One pixel by 4 filters: 5 loads for 16 products. The sums of one pixel
 * are neighbours, so that a store of a double stores both.
 *
 * vmla of VFPv2 rounds the product and then the sum, as C does. Each sum is over its elements in order. */
#include "armv6.h"
#include "core.h"

#ifdef XL_CORE_ARMV6_VFP

/* Element k of both filters, in a and b, by the 8 pixels at r0. */
#define EIGHT_PIXELS(a, b)        \
  "vldmia r0!, {s16-s23}\n\t"     \
  "vmla.f32 s0, s16, " a "\n\t"     \
  "vmla.f32 s2, s17, " a "\n\t"     \
  "vmla.f32 s4, s18, " a "\n\t"     \
  "vmla.f32 s6, s19, " a "\n\t"     \
  "vmla.f32 s8, s20, " a "\n\t"     \
  "vmla.f32 s10, s21, " a "\n\t"    \
  "vmla.f32 s12, s22, " a "\n\t"    \
  "vmla.f32 s14, s23, " a "\n\t"    \
  "vmla.f32 s1, s16, " b "\n\t"     \
  "vmla.f32 s3, s17, " b "\n\t"     \
  "vmla.f32 s5, s18, " b "\n\t"     \
  "vmla.f32 s7, s19, " b "\n\t"     \
  "vmla.f32 s9, s20, " b "\n\t"     \
  "vmla.f32 s11, s21, " b "\n\t"    \
  "vmla.f32 s13, s22, " b "\n\t"    \
  "vmla.f32 s15, s23, " b "\n\t"    

#define FOUR_ELEMENTS             \
  "vldmia r1!, {s24-s27}\n\t"     \
  "vldmia r2!, {s28-s31}\n\t"     \
  EIGHT_PIXELS("s24", "s28")      \
  EIGHT_PIXELS("s25", "s29")      \
  EIGHT_PIXELS("s26", "s30")      \
  EIGHT_PIXELS("s27", "s31")

/* r0: x, r1: the first filter, r2: bytes to the second, r3: elements; on the stack the sums. */
NAKED void xl_core_dots_8x2(UNUSED const float *x, UNUSED const float *w, UNUSED ptrdiff_t step,
                            UNUSED ptrdiff_t n, UNUSED float *sums) {
  __asm__ volatile(
      "vpush {d8-d15}\n\t"
      "mov r12, #0\n\t"
      "vmov s0, r12\n\t"
      "vmov s1, r12\n\t"
      "vmov.f64 d1, d0\n\t"
      "vmov.f64 d2, d0\n\t"
      "vmov.f64 d3, d0\n\t"
      "vmov.f64 d4, d0\n\t"
      "vmov.f64 d5, d0\n\t"
      "vmov.f64 d6, d0\n\t"
      "vmov.f64 d7, d0\n\t"
      "add r2, r2, r1\n\t"
      "subs r3, r3, #8\n\t"
      "blt 2f\n"
      "1:\n\t"
      "pld [r1, #96]\n\t"
      "pld [r2, #96]\n\t"
      FOUR_ELEMENTS
      FOUR_ELEMENTS
      "subs r3, r3, #8\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r3, r3, #4\n\t"
      "blt 5f\n\t"
      FOUR_ELEMENTS
      "sub r3, r3, #4\n"
      "5:\n\t"
      "adds r3, r3, #4\n\t"
      "beq 4f\n"
      "3:\n\t"
      "vldmia r1!, {s24}\n\t"
      "vldmia r2!, {s28}\n\t"
      EIGHT_PIXELS("s24", "s28")
      "subs r3, r3, #1\n\t"
      "bne 3b\n"
      "4:\n\t"
      "ldr r12, [sp, #64]\n\t"
      "vstmia r12, {s0-s15}\n\t"
      "vpop {d8-d15}\n\t"
      "bx lr");
}

/* r0: sums; on the stack pixels (1 to 8); r1: bytes from one pixel's outputs to the next; r2: the filters' scales and
 * biases; r3: out. */
NAKED void xl_core_finish_8x2(UNUSED const float *sums, UNUSED ptrdiff_t step,
                              UNUSED const float *constants, UNUSED float *out,
                              UNUSED int32_t pixels) {
  __asm__ volatile(
      "ldr r12, [sp]\n\t"
      "vpush {d8-d9}\n\t"
      "vldmia r2, {s16-s19}\n\t"
      "vldmia r0, {s0-s15}\n\t"
      "vmul.f32 s0, s0, s16\n\t"
      "vmul.f32 s1, s1, s17\n\t"
      "vmul.f32 s2, s2, s16\n\t"
      "vmul.f32 s3, s3, s17\n\t"
      "vmul.f32 s4, s4, s16\n\t"
      "vmul.f32 s5, s5, s17\n\t"
      "vmul.f32 s6, s6, s16\n\t"
      "vmul.f32 s7, s7, s17\n\t"
      "vmul.f32 s8, s8, s16\n\t"
      "vmul.f32 s9, s9, s17\n\t"
      "vmul.f32 s10, s10, s16\n\t"
      "vmul.f32 s11, s11, s17\n\t"
      "vmul.f32 s12, s12, s16\n\t"
      "vmul.f32 s13, s13, s17\n\t"
      "vmul.f32 s14, s14, s16\n\t"
      "vmul.f32 s15, s15, s17\n\t"
      "vadd.f32 s0, s0, s18\n\t"
      "vadd.f32 s1, s1, s19\n\t"
      "vadd.f32 s2, s2, s18\n\t"
      "vadd.f32 s3, s3, s19\n\t"
      "vadd.f32 s4, s4, s18\n\t"
      "vadd.f32 s5, s5, s19\n\t"
      "vadd.f32 s6, s6, s18\n\t"
      "vadd.f32 s7, s7, s19\n\t"
      "vadd.f32 s8, s8, s18\n\t"
      "vadd.f32 s9, s9, s19\n\t"
      "vadd.f32 s10, s10, s18\n\t"
      "vadd.f32 s11, s11, s19\n\t"
      "vadd.f32 s12, s12, s18\n\t"
      "vadd.f32 s13, s13, s19\n\t"
      "vadd.f32 s14, s14, s18\n\t"
      "vadd.f32 s15, s15, s19\n\t"
      "vstr d0, [r3]\n\t"
      "subs r12, r12, #1\n\t"
      "beq 1f\n\t"
      "add r3, r3, r1\n\t"
      "vstr d1, [r3]\n\t"
      "subs r12, r12, #1\n\t"
      "beq 1f\n\t"
      "add r3, r3, r1\n\t"
      "vstr d2, [r3]\n\t"
      "subs r12, r12, #1\n\t"
      "beq 1f\n\t"
      "add r3, r3, r1\n\t"
      "vstr d3, [r3]\n\t"
      "subs r12, r12, #1\n\t"
      "beq 1f\n\t"
      "add r3, r3, r1\n\t"
      "vstr d4, [r3]\n\t"
      "subs r12, r12, #1\n\t"
      "beq 1f\n\t"
      "add r3, r3, r1\n\t"
      "vstr d5, [r3]\n\t"
      "subs r12, r12, #1\n\t"
      "beq 1f\n\t"
      "add r3, r3, r1\n\t"
      "vstr d6, [r3]\n\t"
      "subs r12, r12, #1\n\t"
      "beq 1f\n\t"
      "add r3, r3, r1\n\t"
      "vstr d7, [r3]\n\t"
      "subs r12, r12, #1\n\t"
      "beq 1f\n\t"
      "add r3, r3, r1\n\t"
      "1:\n\t"
      "vpop {d8-d9}\n\t"
      "bx lr");
}

/* Element k of four filters by the pixel's, in x. */
#define ONE_PIXEL(x, a, b, c, d) \
  "vmla.f32 s0, " x ", " a "\n\t" "vmla.f32 s1, " x ", " b "\n\t" \
  "vmla.f32 s2, " x ", " c "\n\t" "vmla.f32 s3, " x ", " d "\n\t"

/* As above: r2 is the bytes from each filter to the next. */
NAKED void xl_core_dots_1x4(UNUSED const float *x, UNUSED const float *w, UNUSED ptrdiff_t step,
                            UNUSED ptrdiff_t n, UNUSED float *sums) {
  __asm__ volatile(
      "ldr r12, [sp]\n\t"
      "push {r4, r5}\n\t"
      "vpush {d8-d15}\n\t"
      "vldmia r12, {s0-s3}\n\t"
      "add r4, r1, r2\n\t"
      "add r5, r4, r2\n\t"
      "add r2, r5, r2\n\t"
      "subs r3, r3, #4\n\t"
      "blt 2f\n"
      "1:\n\t"
      "vldmia r0!, {s4-s7}\n\t"
      "vldmia r1!, {s8-s11}\n\t"
      "vldmia r4!, {s12-s15}\n\t"
      "vldmia r5!, {s16-s19}\n\t"
      "vldmia r2!, {s20-s23}\n\t"
      ONE_PIXEL("s4", "s8", "s12", "s16", "s20")
      ONE_PIXEL("s5", "s9", "s13", "s17", "s21")
      ONE_PIXEL("s6", "s10", "s14", "s18", "s22")
      ONE_PIXEL("s7", "s11", "s15", "s19", "s23")
      "subs r3, r3, #4\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r3, r3, #4\n\t"
      "beq 4f\n"
      "3:\n\t"
      "vldmia r0!, {s4}\n\t"
      "vldmia r1!, {s8}\n\t"
      "vldmia r4!, {s12}\n\t"
      "vldmia r5!, {s16}\n\t"
      "vldmia r2!, {s20}\n\t"
      ONE_PIXEL("s4", "s8", "s12", "s16", "s20")
      "subs r3, r3, #1\n\t"
      "bne 3b\n"
      "4:\n\t"
      "vstmia r12, {s0-s3}\n\t"
      "vpop {d8-d15}\n\t"
      "pop {r4, r5}\n\t"
      "bx lr");
}

/* r0: from, r1: elements, r2: to, r3: floats from one to the next. */
NAKED void xl_core_spread_f32(UNUSED const float *from, UNUSED ptrdiff_t n, UNUSED float *to,
                              UNUSED ptrdiff_t stride) {
  __asm__ volatile(
      "push {r4, r5}\n\t"
      "mov r3, r3, lsl #2\n\t"
      "subs r1, r1, #4\n\t"
      "blt 2f\n"
      "1:\n\t"
      "ldmia r0!, {r4, r5}\n\t"
      "str r4, [r2], r3\n\t"
      "str r5, [r2], r3\n\t"
      "ldmia r0!, {r4, r5}\n\t"
      "str r4, [r2], r3\n\t"
      "str r5, [r2], r3\n\t"
      "subs r1, r1, #4\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r1, r1, #4\n\t"
      "beq 4f\n"
      "3:\n\t"
      "ldr r4, [r0], #4\n\t"
      "subs r1, r1, #1\n\t"
      "str r4, [r2], r3\n\t"
      "bne 3b\n"
      "4:\n\t"
      "pop {r4, r5}\n\t"
      "bx lr");
}

#endif
