/* Look-up tables in doubles, for ARMv6 with VFPv2.
 *
 * A double holds every integer below 2^53: six lanes of a byte, and an addition adds six at once. Tables are of 6, 5
 * and 5 bits of x, 128 entries together. One pixel, 16 bits of x and a block of n doubles, 6 n filters, take
 *
 *   x                  ldrd                              1
 *   sums               vldm, vstm                        2
 *   three look-ups     uxtah, vldm, n vadd.f64           3 (2 + n)
 *   the loop           subs, bgt, of two pixels          1
 *
 * 10 + 3 n for 3 n words of filters: with 6 doubles 28 for 18 words, 1.56 a word. That the address of an entry is one
 * instruction is due to x, which is made ready once: halfwords that say how far behind the first table the entry lies.
 * Tables of 6 doubles are 6 KiB, and sums of 200 pixels beside them 9.4: what a cache of 16 KiB holds. They are made
 * with 136 instructions a double and 2 + n an entry, 2 thousand, half an instruction a word with 200 pixels.
 *
 * Sums begin at 2^52: then the lowest 48 bits of the double are the lanes, and its bytes can be read as they are. */
#include "lookup.h"

#ifdef XL_CORE_ARMV6_VFP
#include "bits.h"

#define NAKED __attribute__((naked))

#if XL_LOOKUP_ENTRY_BYTES != 48
#error "spread_runs multiplies by 48"
#endif

/* One run of r3 step bytes to the two words a, b: 48 times its lowest six bits, those of the next five in the high half
 * of a, and the last five; r4, r5: where the tables begin, r6: 63, r7: 31. */
#define SPREAD(a, b)                       \
  "ldrh r8, [r0], r1\n\t"                 \
  "and " a ", r6, r8\n\t"                 \
  "and " b ", r7, r8, lsr #6\n\t"         \
  "orr " a ", " a ", " b ", lsl #16\n\t"  \
  "mov " b ", r8, lsr #11\n\t"            \
  "add " a ", " a ", " a ", lsl #1\n\t"   \
  "add " b ", " b ", " b ", lsl #1\n\t"   \
  "add " a ", r4, " a ", lsl #4\n\t"      \
  "add " b ", r5, " b ", lsl #4\n\t"

/* r0: the first run, r1: bytes to the next, r2: their number, r3: out. */
__attribute__((naked, noinline)) static void spread_runs(__attribute__((unused)) const uint16_t *from,
                                                         __attribute__((unused)) ptrdiff_t step,
                                                         __attribute__((unused)) int32_t n,
                                                         __attribute__((unused)) uint8_t *out) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
      "mov r4, #0x0c000000\n\t" /* 64 * 48 in the high half */
      "mov r5, #0x1200\n\t"     /* (64 + 32) * 48 */
      "mov r6, #63\n\t"
      "mov r7, #31\n\t"
      "tst r2, #1\n\t"
      "beq 1f\n\t"
      SPREAD("r9", "r10")
      "stmia r3!, {r9, r10}\n\t"
      "subs r2, r2, #1\n\t"
      "beq 2f\n"
      "1:\n\t"
      SPREAD("r9", "r10")
      SPREAD("r11", "r12")
      "stmia r3!, {r9, r10, r11, r12}\n\t"
      "subs r2, r2, #2\n\t"
      "bne 1b\n"
      "2:\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");
}

void xl_lookup_spread(const uint32_t *x, ptrdiff_t words, int32_t run, int32_t n, uint8_t *out) {
  spread_runs((const uint16_t *)(const void *)x + run, 4 * words, n, out);
}

/* ---- Adding entries ---------------------------------------------------------------------------------------- */

#define ADD_1 "vadd.f64 d0, d0, d8\n\t"
#define ADD_2 ADD_1 "vadd.f64 d1, d1, d9\n\t"
#define ADD_3 ADD_2 "vadd.f64 d2, d2, d10\n\t"
#define ADD_4 ADD_3 "vadd.f64 d3, d3, d11\n\t"
#define ADD_5 ADD_4 "vadd.f64 d4, d4, d12\n\t"
#define ADD_6 ADD_5 "vadd.f64 d5, d5, d13\n\t"

/* r12: sums; r2: tables; r10: x, r11: its step. The addresses of entries are made while others are added. */
#define ADD_PIXEL(sums, entry, add) \
  "ldrd r4, r5, [r10], r11\n\t"         \
  "vldmia r12, " sums "\n\t"       \
  "uxtah r6, r2, r4\n\t"                \
  "vldmia r6, " entry "\n\t"  \
  "uxtah r7, r2, r4, ror #16\n\t"       \
  "uxtah r8, r2, r5\n\t"                \
  add                                   \
  "vldmia r7, " entry "\n\t"  \
  add                                   \
  "vldmia r8, " entry "\n\t"  \
  add                                   \
  "vstmia r12!, " sums "\n\t"

/* r0: lines, r1: their number, r2: tables, r3: offset. Two pixels a turn; an odd number begins with the second. */
#define ADD_LINES(units, sums, entry)                                                        \
  __attribute__((naked, noinline)) static void add_lines_##units(                                 \
      __attribute__((unused)) const xl_lookup_line *lines, __attribute__((unused)) int32_t n,     \
      __attribute__((unused)) const uint8_t *tables, __attribute__((unused)) ptrdiff_t offset) {  \
    __asm__ volatile(                                                                             \
        "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"                                    \
        "vpush {d8-d15}\n"                                                                        \
        "1:\n\t"                                                                                  \
        "ldmia r0!, {r10, r11, r12, lr}\n\t"                                                      \
        "add r10, r10, r3\n\t"                                                                    \
        "tst lr, #1\n\t"                                                                          \
        "addne lr, lr, #1\n\t"                                                                    \
        "bne 3f\n"                                                                                \
        "2:\n\t" ADD_PIXEL(sums, entry, ADD_##units)                                         \
        "3:\n\t" ADD_PIXEL(sums, entry, ADD_##units)                                         \
        "subs lr, lr, #2\n\t"                                                                     \
        "bgt 2b\n\t"                                                                              \
        "subs r1, r1, #1\n\t"                                                                     \
        "bgt 1b\n\t"                                                                              \
        "vpop {d8-d15}\n\t"                                                                       \
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");                                       \
  }

ADD_LINES(1, "{d0}", "{d8}")
ADD_LINES(2, "{d0-d1}", "{d8-d9}")
ADD_LINES(3, "{d0-d2}", "{d8-d10}")
ADD_LINES(4, "{d0-d3}", "{d8-d11}")
ADD_LINES(5, "{d0-d4}", "{d8-d12}")
ADD_LINES(6, "{d0-d5}", "{d8-d13}")

void xl_lookup_add(const xl_lookup_line *lines, int32_t n, int32_t units, ptrdiff_t offset, int32_t shift,
                   const uint8_t *tables) {
  (void)shift;
  if (n == 0) return;
  switch (units) {
    case 1: add_lines_1(lines, n, tables, offset); break;
    case 2: add_lines_2(lines, n, tables, offset); break;
    case 3: add_lines_3(lines, n, tables, offset); break;
    case 4: add_lines_4(lines, n, tables, offset); break;
    case 5: add_lines_5(lines, n, tables, offset); break;
    default: add_lines_6(lines, n, tables, offset); break;
  }
}

/* The same by bits that are used once, and not made ready: an `and` and an `add` find an entry of 64 bytes. 13 + 3 n
 * instructions for 16 bits and a block of n doubles. r0: bits, r1: bytes to the next, r2: sums; r4, r5: 63 and 31 times
 * 64; r6, r7, r8: the three tables. */
#define ADD_FILTER(sums, entry, add)   \
  "ldrh r9, [r0], r1\n\t"              \
  "vldmia r2, " sums "\n\t"            \
  "and r10, r4, r9, lsl #6\n\t"        \
  "add r10, r6, r10\n\t"               \
  "vldmia r10, " entry "\n\t"          \
  "and r11, r5, r9\n\t"                \
  "add r11, r7, r11\n\t"               \
  "and r12, r5, r9, lsr #5\n\t"        \
  "add r12, r8, r12\n\t"               \
  add                                  \
  "vldmia r11, " entry "\n\t"          \
  add                                  \
  "vldmia r12, " entry "\n\t"          \
  add                                  \
  "vstmia r2!, " sums "\n\t"

/* On the stack: tables. r3: the number of filters, two a turn; an odd number begins with the second. */
#define ADD_FILTERS(units, sums, entry)                                                           \
  __attribute__((naked, noinline)) static void add_filters_##units(                               \
      __attribute__((unused)) const uint8_t *bits, __attribute__((unused)) ptrdiff_t step,        \
      __attribute__((unused)) uint8_t *to, __attribute__((unused)) int32_t n,                     \
      __attribute__((unused)) const uint8_t *tables) {                                            \
    __asm__ volatile(                                                                             \
        "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"                                    \
        "ldr r6, [sp, #40]\n\t"                                                                   \
        "vpush {d8-d15}\n\t"                                                                      \
        "mov r4, #0xfc0\n\t"                                                                      \
        "mov r5, #0x7c0\n\t"                                                                      \
        "add r7, r6, #4096\n\t"                                                                   \
        "add r8, r7, #2048\n\t"                                                                   \
        "tst r3, #1\n\t"                                                                          \
        "addne r3, r3, #1\n\t"                                                                    \
        "bne 3f\n"                                                                                \
        "2:\n\t" ADD_FILTER(sums, entry, ADD_##units)                                             \
        "3:\n\t" ADD_FILTER(sums, entry, ADD_##units)                                             \
        "subs r3, r3, #2\n\t"                                                                     \
        "bgt 2b\n\t"                                                                              \
        "vpop {d8-d15}\n\t"                                                                       \
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");                                       \
  }

ADD_FILTERS(1, "{d0}", "{d8}")
ADD_FILTERS(2, "{d0-d1}", "{d8-d9}")
ADD_FILTERS(3, "{d0-d2}", "{d8-d10}")
ADD_FILTERS(4, "{d0-d3}", "{d8-d11}")
ADD_FILTERS(5, "{d0-d4}", "{d8-d12}")
ADD_FILTERS(6, "{d0-d5}", "{d8-d13}")

void xl_lookup_add_filters(const uint8_t *bits, ptrdiff_t step, uint8_t *sums, int32_t n, int32_t units,
                           const uint8_t *tables) {
  switch (units) {
    case 1: add_filters_1(bits, step, sums, n, tables); break;
    case 2: add_filters_2(bits, step, sums, n, tables); break;
    case 3: add_filters_3(bits, step, sums, n, tables); break;
    case 4: add_filters_4(bits, step, sums, n, tables); break;
    case 5: add_filters_5(bits, step, sums, n, tables); break;
    default: add_filters_6(bits, step, sums, n, tables); break;
  }
}

/* ---- Making tables ----------------------------------------------------------------------------------------- */

/* What the tables of a run are made of, for each unit: how much more its filters differ where bit b of x is 1, +1 or -1
 * in each lane; and in how many bits they differ where those of x are 0, for each table. */
typedef struct steps {
  double more[XL_LOOKUP_RUN_BITS][XL_LOOKUP_UNITS];
  double none[3][XL_LOOKUP_UNITS];
} steps;

#define LANES ((double)0x010101010101) /* 1 in each */
#define CONSTANTS_OF(lanes) {4503599627370496.0 + (lanes), 3.0 * (lanes), 2.5 * (lanes)}
static const xl_lookup_lanes ALL_LANES[XL_LOOKUP_UNITS] = {
    CONSTANTS_OF(LANES), CONSTANTS_OF(LANES), CONSTANTS_OF(LANES),
    CONSTANTS_OF(LANES), CONSTANTS_OF(LANES), CONSTANTS_OF(LANES),
};

/* Filters 0 to 5 of a unit are lanes 0, 2, 1, 3, 4, 5. */
xl_lookup_lanes xl_lookup_lanes_of(uint32_t filters) {
  static const double LANE[XL_LOOKUP_UNIT] = {1.0, 65536.0, 256.0, 16777216.0, 4294967296.0, 1099511627776.0};
  double sum = 0;
  for (int i = 0; i < XL_LOOKUP_UNIT; ++i) sum += filters >> i & 1u ? LANE[i] : 0;
  const xl_lookup_lanes lanes = CONSTANTS_OF(sum);
  return lanes;
}

/* Bits `low` and 8 + low of a unit: with u = 2^52 + twice the filters' bits, and 2^52 + 1 in each lane in d8, a step is
 * d8 - u. The low word of u has the lanes of four filters, of r5 and r4; the high word those of two, of r6, whose
 * halves are for the two bits, and in r9 the exponent of 2^52. r10: 2 in each byte. Then `before`, what the bits before
 * still need: results are stored while the next ones are computed. */
#define MAKE_STEPS(shift, a, b, before) \
  "and r7, r10, r5, " shift "\n\t"     \
  "and r11, r10, r6, " shift "\n\t"    \
  "and r8, r10, r4, " shift "\n\t"     \
  "pkhbt r12, r11, r9\n\t"             \
  "pkhtb r11, r9, r11, asr #16\n\t"    \
  "vmov " a ", r7, r12\n\t"            \
  "vmov " b ", r8, r11\n\t"            \
  "vsub.f64 " a ", d8, " a "\n\t"      \
  "vsub.f64 " b ", d8, " b "\n\t"      \
  before

/* Stores the steps of two bits, at these offsets, and adds them to the sums of their tables. */
#define KEEP_STEPS(a, to_a, sum_a, b, to_b, sum_b) \
  "vstr " a ", [r2, #" to_a "]\n\t" sum_a ", " a "\n\t" "vstr " b ", [r2, #" to_b "]\n\t" sum_b ", " b "\n\t"

/* r0: the bits of the first filter, r1: the step to the next; r2: steps; r3: units; the lanes on the stack. A filter
 * differs in (bits - the sum of its steps) / 2 bits from x of zeros. */
__attribute__((naked, noinline)) static void make_steps(__attribute__((unused)) const uint8_t *w,
                                                        __attribute__((unused)) ptrdiff_t step,
                                                        __attribute__((unused)) steps *out,
                                                        __attribute__((unused)) int32_t units,
                                                        __attribute__((unused)) const xl_lookup_lanes *lanes) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
      "ldr lr, [sp, #40]\n\t"
      "vpush {d8-d15}\n\t"
      "mov r12, #0x3f000000\n\t" /* 0.5 */
      "vmov s22, r12\n\t"
      "vcvt.f64.f32 d11, s22\n\t"
      "mov r9, #0x43000000\n\t"
      "orr r9, r9, #0x00300000\n\t"
      "mov r10, #2\n\t"
      "orr r10, r10, r10, lsl #8\n\t"
      "orr r10, r10, r10, lsl #16\n"
      "1:\n\t"
      "vldmia lr!, {d8-d10}\n\t"
      "ldrh r4, [r0], r1\n\t"
      "ldrh r5, [r0], r1\n\t"
      "ldrh r6, [r0], r1\n\t"
      "ldrh r7, [r0], r1\n\t"
      "ldrh r8, [r0], r1\n\t"
      "ldrh r11, [r0], r1\n\t"
      "orr r4, r4, r5, lsl #16\n\t" /* filters 0 and 1, 2 and 3, 4 and 5 */
      "orr r6, r6, r7, lsl #16\n\t"
      "orr r8, r8, r11, lsl #16\n\t"
      "uxtb16 r5, r4\n\t"
      "uxtb16 r7, r6\n\t"
      "uxtb16 r4, r4, ror #8\n\t"
      "uxtb16 r6, r6, ror #8\n\t"
      "orr r5, r5, r7, lsl #8\n\t" /* bits 0 to 7 of filters 0, 2, 1, 3 */
      "orr r4, r4, r6, lsl #8\n\t" /* bits 8 to 15 */
      "uxtb16 r6, r8\n\t"
      "uxtb16 r7, r8, ror #8\n\t"
      "orr r6, r6, r6, lsr #8\n\t"
      "orr r7, r7, r7, lsr #8\n\t"
      "pkhbt r6, r6, r7, lsl #16\n\t" /* of filters 4, 5 */
      MAKE_STEPS("lsl #1", "d0", "d1", "")
      MAKE_STEPS("lsl #0", "d2", "d3", KEEP_STEPS("d0", "0", "vmov.f64 d4", "d1", "384", "vmov.f64 d5"))
      MAKE_STEPS("lsr #1", "d0", "d1", KEEP_STEPS("d2", "48", "vadd.f64 d4, d4", "d3", "432", "vadd.f64 d5, d5"))
      MAKE_STEPS("lsr #2", "d2", "d3", KEEP_STEPS("d0", "96", "vadd.f64 d4, d4", "d1", "480", "vadd.f64 d5, d5"))
      MAKE_STEPS("lsr #3", "d0", "d1", KEEP_STEPS("d2", "144", "vadd.f64 d4, d4", "d3", "528", "vmov.f64 d6"))
      MAKE_STEPS("lsr #4", "d2", "d3", KEEP_STEPS("d0", "192", "vadd.f64 d4, d4", "d1", "576", "vadd.f64 d6, d6"))
      MAKE_STEPS("lsr #5", "d0", "d1", KEEP_STEPS("d2", "240", "vadd.f64 d4, d4", "d3", "624", "vadd.f64 d6, d6"))
      MAKE_STEPS("lsr #6", "d2", "d3", KEEP_STEPS("d0", "288", "vadd.f64 d5, d5", "d1", "672", "vadd.f64 d6, d6"))
      KEEP_STEPS("d2", "336", "vadd.f64 d5, d5", "d3", "720", "vadd.f64 d6, d6")
      "vmul.f64 d4, d4, d11\n\t"
      "vmul.f64 d5, d5, d11\n\t"
      "vmul.f64 d6, d6, d11\n\t"
      "vsub.f64 d4, d9, d4\n\t"
      "vsub.f64 d5, d10, d5\n\t"
      "vsub.f64 d6, d10, d6\n\t"
      "vstr d4, [r2, #768]\n\t"
      "vstr d5, [r2, #816]\n\t"
      "vstr d6, [r2, #864]\n\t"
      "add r2, r2, #8\n\t"
      "subs r3, r3, #1\n\t"
      "bne 1b\n\t"
      "vpop {d8-d15}\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");
}

/* The next entry, in r0, is the one at r3 with one more bit of x set, whose step is in d0 and on. `entry`: its doubles,
 * with what fills it to 48 or 64 bytes; `add`: to those that are used. */
#define NEXT_ENTRY(entry, add) "vldmia r3!, " entry "\n\t" add "vstmia r0!, " entry "\n\t"
#define NEXT_FOUR(entry, add) \
  NEXT_ENTRY(entry, add) NEXT_ENTRY(entry, add) NEXT_ENTRY(entry, add) NEXT_ENTRY(entry, add)
#define NEXT_BIT "vldmia r1!, {d0-d5}\n\t" "mov r3, r4\n\t"

/* A table of r5 bits, at least 3: each further bit doubles what is there. */
#define MAKE_TABLE(entry, add)                            \
  "mov r4, r0\n\t"                                        \
  "vldmia r2!, {d8-d13}\n\t"                              \
  "vstmia r0!, " entry "\n\t"                             \
  NEXT_BIT NEXT_ENTRY(entry, add)                         \
  NEXT_BIT NEXT_ENTRY(entry, add) NEXT_ENTRY(entry, add)  \
  "mov r6, #1\n"                                          \
  "2:\n\t"                                                \
  NEXT_BIT                                                \
  "mov r7, r6\n"                                          \
  "3:\n\t"                                                \
  NEXT_FOUR(entry, add)                                   \
  "subs r7, r7, #1\n\t"                                   \
  "bne 3b\n\t"                                            \
  "mov r6, r6, lsl #1\n\t"                                \
  "cmp r6, r5\n\t"                                        \
  "ble 2b\n\t"

/* r0: tables, r1: more, r2: none. */
#define MAKE_ENTRIES(name, entry, add)                                                        \
  __attribute__((naked, noinline)) static void name(__attribute__((unused)) uint8_t *tables,  \
                                                    __attribute__((unused)) const void *more, \
                                                    __attribute__((unused)) const void *none) { \
    __asm__ volatile(                                                                         \
        "push {r4, r5, r6, r7, r8, lr}\n\t"                                                   \
        "vpush {d8-d15}\n\t"                                                                  \
        "mov r5, #8\n\t" /* fours of entries that the last bit adds */                        \
        "mov r8, #3\n"                                                                        \
        "1:\n\t" MAKE_TABLE(entry, add)                                                       \
        "mov r5, #4\n\t"                                                                      \
        "subs r8, r8, #1\n\t"                                                                 \
        "bne 1b\n\t"                                                                          \
        "vpop {d8-d15}\n\t"                                                                   \
        "pop {r4, r5, r6, r7, r8, pc}");                                                      \
  }

/* One function a number of doubles, and not all six: what lies where the others would be is no number that was made, and
 * a NaN or a denormal there would cost the VFP11 a trap into the kernel. */
#define TO_1 "vadd.f64 d8, d8, d0\n\t"
#define TO_2 TO_1 "vadd.f64 d9, d9, d1\n\t"
#define TO_3 TO_2 "vadd.f64 d10, d10, d2\n\t"
#define TO_4 TO_3 "vadd.f64 d11, d11, d3\n\t"
#define TO_5 TO_4 "vadd.f64 d12, d12, d4\n\t"
#define TO_6 TO_5 "vadd.f64 d13, d13, d5\n\t"
#define MAKE_BOTH(units)                                       \
  MAKE_ENTRIES(make_entries_##units, "{d8-d13}", TO_##units) \
  MAKE_ENTRIES(make_wide_entries_##units, "{d8-d15}", TO_##units)
MAKE_BOTH(1) MAKE_BOTH(2) MAKE_BOTH(3) MAKE_BOTH(4) MAKE_BOTH(5) MAKE_BOTH(6)

typedef void (*make_fn)(uint8_t *tables, const void *more, const void *none);
#define EACH(make) {make##1, make##2, make##3, make##4, make##5, make##6}
static const make_fn MAKE[XL_LOOKUP_UNITS] = EACH(make_entries_);
static const make_fn MAKE_WIDE[XL_LOOKUP_UNITS] = EACH(make_wide_entries_);

void xl_lookup_tables_of(const uint8_t *w, ptrdiff_t step, int32_t units, const xl_lookup_lanes *lanes,
                         uint8_t *tables) {
  steps s;
  make_steps(w, step, &s, units, lanes);
  MAKE_WIDE[units - 1](tables, s.more, s.none);
}

void xl_lookup_tables(const uint8_t *w, ptrdiff_t step, int32_t units, uint8_t *tables) {
  steps s;
  make_steps(w, step, &s, units, ALL_LANES);
  MAKE[units - 1](tables, s.more, s.none);
}

/* ---- Sums -------------------------------------------------------------------------------------------------- */

void xl_lookup_clear(uint8_t *sums, int32_t n) {
  uint32_t *to = (uint32_t *)(void *)sums;
  for (; n > 0; --n, to += 2) {
    to[0] = 0;
    to[1] = 0x43300000u;
  }
}

/* One sum, in the words `low` and `high`, added to the counts in a, b, c: they lie in pairs; filters 0 and 1 are lanes 0
 * and 2, filters 2 and 3 lanes 1 and 3, the last two those of the high word. */
#define WIDEN(low, high, a, b, c)              \
  "uxtab16 " a ", " a ", " low "\n\t"         \
  "pkhbt " high ", " high ", " high ", lsl #8\n\t" \
  "uxtab16 " b ", " b ", " low ", ror #8\n\t" \
  "uxtab16 " c ", " c ", " high "\n\t"

/* r0: sums, r1: their number, r2: counts; constants: two sums of nothing. Two a turn. */
__attribute__((naked, noinline)) static void widen(__attribute__((unused)) uint8_t *sums,
                                                   __attribute__((unused)) int32_t n,
                                                   __attribute__((unused)) uint32_t *pairs,
                                                   __attribute__((unused)) const double *nothing) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
      "vldmia r3, {d0-d1}\n\t"
      "tst r1, #1\n\t"
      "beq 1f\n\t"
      "ldmia r0, {r3, r4}\n\t"
      "ldmia r2, {r7, r8, r9}\n\t"
      WIDEN("r3", "r4", "r7", "r8", "r9")
      "stmia r2!, {r7, r8, r9}\n\t"
      "vstmia r0!, {d0}\n\t"
      "subs r1, r1, #1\n\t"
      "beq 2f\n"
      "1:\n\t"
      "ldmia r0, {r3, r4, r5, r6}\n\t"
      "ldmia r2, {r7, r8, r9, r10, r11, r12}\n\t"
      WIDEN("r3", "r4", "r7", "r8", "r9")
      WIDEN("r5", "r6", "r10", "r11", "r12")
      "stmia r2!, {r7, r8, r9, r10, r11, r12}\n\t"
      "vstmia r0!, {d0-d1}\n\t"
      "subs r1, r1, #2\n\t"
      "bne 1b\n"
      "2:\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");
}

void xl_lookup_widen(uint8_t *sums, int32_t n, uint32_t *pairs) {
  static const double NOTHING[2] = {4503599627370496.0, 4503599627370496.0};
  widen(sums, n, pairs, NOTHING);
}

/* r0: pairs, r1: fours of counts, r2: bits, r3: scale; on the stack bias and y. */
NAKED void xl_core_store_pairs_f32(__attribute__((unused)) const uint32_t *pairs,
                                   __attribute__((unused)) int32_t fours,
                                   __attribute__((unused)) int32_t bits,
                                   __attribute__((unused)) const float *scale,
                                   __attribute__((unused)) const float *bias,
                                   __attribute__((unused)) float *y) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, lr}\n\t"
      "ldr r10, [sp, #32]\n\t"
      "ldr r12, [sp, #36]\n"
      "1:\n\t"
      "ldmia r0!, {r4, r5}\n\t"
      "uxth r6, r4\n\t"
      "mov r7, r4, lsr #16\n\t"
      "uxth r8, r5\n\t"
      "mov r9, r5, lsr #16\n\t"
      "sub r6, r2, r6, lsl #1\n\t"
      "sub r7, r2, r7, lsl #1\n\t"
      "sub r8, r2, r8, lsl #1\n\t"
      "sub r9, r2, r9, lsl #1\n\t"
      "vmov s0, s1, r6, r7\n\t"
      "vmov s2, s3, r8, r9\n\t"
      "vldmia r3!, {s4-s7}\n\t"
      "vcvt.f32.s32 s0, s0\n\t"
      "vcvt.f32.s32 s1, s1\n\t"
      "vcvt.f32.s32 s2, s2\n\t"
      "vcvt.f32.s32 s3, s3\n\t"
      "vldmia r10!, {s8-s11}\n\t"
      "vmul.f32 s0, s0, s4\n\t"
      "vmul.f32 s1, s1, s5\n\t"
      "vmul.f32 s2, s2, s6\n\t"
      "vmul.f32 s3, s3, s7\n\t"
      "vadd.f32 s0, s0, s8\n\t"
      "vadd.f32 s1, s1, s9\n\t"
      "vadd.f32 s2, s2, s10\n\t"
      "vadd.f32 s3, s3, s11\n\t"
      "subs r1, r1, #1\n\t"
      "vstmia r12!, {s0-s3}\n\t"
      "bne 1b\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, pc}");
}

#endif
