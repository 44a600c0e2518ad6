/* Making tables of doubles for look-ups on ARMv6 with VFPv2 (armv6_lookup.c).
 *
 * The entry for x of zeros says in how many bits a lane differs from them. With one more bit of x set a lane differs in
 * one more bit where its own bit is 0 and in one fewer where it is 1: a step, +1 or -1 in each lane. Tables of a run are
 * added up, so that only the first one begins with what differs from zeros, for all bits of the run, and the others with
 * nothing; lanes of theirs may be below 0, and borrow from the next one, which the sum pays back.
 *
 * Each bit doubles what is there of its table. Several entries are loaded, added to and stored at once. */
#include "armv6.h"
#include "lookup.h"

#ifdef XL_CORE_ARMV6_VFP

/* What the tables of a run are made of, for each unit: the steps of the bits, up to two times 16; and in how many bits
 * the lanes differ from zeros. */
typedef struct steps {
  double more[2 * XL_LOOKUP_RUN_BITS][XL_LOOKUP_UNITS];
  double none[XL_LOOKUP_UNITS];
} steps;

/* fours: for each table of a run, the fours of entries that its last bit adds; then 0. The assembler knows the order. */
typedef struct run_plan {
  uint8_t fours[8];
  double nothing[XL_LOOKUP_UNITS];
} run_plan;

/* Tables of 6, 5 and 5 bits; of 7, 6, 7, 6 and 6. */
static const run_plan SIXTEEN = {{8, 4, 4}, {0}}, THIRTY_TWO = {{16, 8, 16, 8, 8}, {0}};

/* 1 in each lane; 2^52 more; 8 in each. */
#define LANES ((double)0x010101010101)
#define CONSTANTS_OF(lanes) {4503599627370496.0 + (lanes), 8.0 * (lanes)}
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

/* ---- Steps ------------------------------------------------------------------------------------------------- */

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

/* Stores the steps of two bits, at these offsets, and adds them to the sum of all. */
#define KEEP_STEPS(a, to_a, b, to_b)                                        \
  "vstr " a ", [r2, #" to_a "]\n\t" "vadd.f64 d4, d4, " a "\n\t"            \
  "vstr " b ", [r2, #" to_b "]\n\t" "vadd.f64 d5, d5, " b "\n\t"

/* Six rows, each `step` bytes behind the one before; six at their own addresses, and in both cases the rows' run. Each
 * filter's run is in a cache line of its own, which all pixels of a chunk have driven out since the run before: those of
 * the next six are prefetched, while the steps of these are made. */
#define ROWS_APART                                                             \
  "ldrh r4, [r0], r1\n\t" "ldrh r5, [r0], r1\n\t" "ldrh r6, [r0], r1\n\t"     \
  "ldrh r7, [r0], r1\n\t" "ldrh r8, [r0], r1\n\t" "ldrh r11, [r0], r1\n\t"    \
  "add r12, r1, r1, lsl #1\n\t"                                                \
  "pld [r0]\n\t" "pld [r0, r1]\n\t" "pld [r0, r1, lsl #1]\n\t"                \
  "pld [r0, r12]\n\t" "pld [r0, r1, lsl #2]\n\t"                              \
  "add r12, r12, r1, lsl #1\n\t"                                               \
  "pld [r0, r12]\n\t"
#define ROWS_ANYWHERE \
  "ldmia r0!, {r4, r5, r6, r7, r8, r11}\n\t"                                  \
  "ldrh r4, [r4, r1]\n\t" "ldrh r5, [r5, r1]\n\t" "ldrh r6, [r6, r1]\n\t"    \
  "ldrh r7, [r7, r1]\n\t" "ldrh r8, [r8, r1]\n\t" "ldrh r11, [r11, r1]\n\t"

/* r0: the bits of the first filter, or the rows; r1: the step to the next, or the offset in all rows; r2: where the steps
 * go, r3: units; on the stack: their lanes, and where `none` goes. A filter differs in (bits - the sum of its steps) / 2
 * bits from x of zeros. */
#define MAKE_ALL_STEPS(name, type, rows)                                                                    \
  NAKED static void name(UNUSED type w, UNUSED ptrdiff_t step, UNUSED double *more, UNUSED int32_t units,   \
                         UNUSED const xl_lookup_lanes *lanes, UNUSED double *none) {                        \
    __asm__ volatile(                                                                                       \
        "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"                                              \
        "ldr lr, [sp, #40]\n\t"                                                                            \
        "ldr r12, [sp, #44]\n\t"                                                                           \
        "vpush {d8-d9}\n\t"                                                                                \
        "push {r12}\n\t"                                                                                   \
        "mov r12, #0x3f000000\n\t" /* 0.5 */                                                               \
        "vmov s14, r12\n\t"                                                                                \
        "vcvt.f64.f32 d6, s14\n\t"                                                                         \
        "mov r9, #0x43000000\n\t"                                                                          \
        "orr r9, r9, #0x00300000\n\t"                                                                      \
        "mov r10, #2\n\t"                                                                                  \
        "orr r10, r10, r10, lsl #8\n\t"                                                                    \
        "orr r10, r10, r10, lsl #16\n"                                                                     \
        "1:\n\t"                                                                                           \
        "vldmia lr!, {d8-d9}\n\t" rows                                                                     \
        "orr r4, r4, r5, lsl #16\n\t" /* filters 0 and 1, 2 and 3, 4 and 5 */                              \
        "orr r6, r6, r7, lsl #16\n\t"                                                                      \
        "orr r8, r8, r11, lsl #16\n\t"                                                                     \
        "uxtb16 r5, r4\n\t"                                                                                \
        "uxtb16 r7, r6\n\t"                                                                                \
        "uxtb16 r4, r4, ror #8\n\t"                                                                        \
        "uxtb16 r6, r6, ror #8\n\t"                                                                        \
        "orr r5, r5, r7, lsl #8\n\t" /* bits 0 to 7 of filters 0, 2, 1, 3 */                               \
        "orr r4, r4, r6, lsl #8\n\t" /* bits 8 to 15 */                                                    \
        "uxtb16 r6, r8\n\t"                                                                                \
        "uxtb16 r7, r8, ror #8\n\t"                                                                        \
        "orr r6, r6, r6, lsr #8\n\t"                                                                       \
        "orr r7, r7, r7, lsr #8\n\t"                                                                       \
        "pkhbt r6, r6, r7, lsl #16\n\t" /* of filters 4, 5 */                                              \
        MAKE_STEPS("lsl #1", "d4", "d5", "")                                                                \
        MAKE_STEPS("lsl #0", "d2", "d3", "vstr d4, [r2]\n\t" "vstr d5, [r2, #384]\n\t")                     \
        MAKE_STEPS("lsr #1", "d0", "d1", KEEP_STEPS("d2", "48", "d3", "432"))                               \
        MAKE_STEPS("lsr #2", "d2", "d3", KEEP_STEPS("d0", "96", "d1", "480"))                               \
        MAKE_STEPS("lsr #3", "d0", "d1", KEEP_STEPS("d2", "144", "d3", "528"))                              \
        MAKE_STEPS("lsr #4", "d2", "d3", KEEP_STEPS("d0", "192", "d1", "576"))                              \
        MAKE_STEPS("lsr #5", "d0", "d1", KEEP_STEPS("d2", "240", "d3", "624"))                              \
        MAKE_STEPS("lsr #6", "d2", "d3", KEEP_STEPS("d0", "288", "d1", "672"))                              \
        KEEP_STEPS("d2", "336", "d3", "720")                                                                \
        "ldr r12, [sp]\n\t"                                                                                \
        "vadd.f64 d4, d4, d5\n\t"                                                                          \
        "add r2, r2, #8\n\t"                                                                               \
        "vmul.f64 d4, d4, d6\n\t"                                                                          \
        "subs r3, r3, #1\n\t"                                                                              \
        "vsub.f64 d4, d9, d4\n\t"                                                                          \
        "vstmia r12!, {d4}\n\t"                                                                            \
        "str r12, [sp]\n\t"                                                                                \
        "bne 1b\n\t"                                                                                       \
        "add sp, sp, #4\n\t"                                                                               \
        "vpop {d8-d9}\n\t"                                                                                 \
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");                                                 \
  }

MAKE_ALL_STEPS(steps_of_filters, const uint8_t *, ROWS_APART)
MAKE_ALL_STEPS(steps_of_rows, const uint8_t *const *, ROWS_ANYWHERE)

/* ---- Entries ----------------------------------------------------------------------------------------------- */

/* The next entry, in r0, is the one at r3 with one more bit of x set, whose step is in d0 and on. `entry`: its doubles,
 * with what fills it up; `add`: to those that are used. */
#define NEXT_ENTRY(entry, add) "vldmia r3!, " entry "\n\t" add "vstmia r0!, " entry "\n\t"
#define NEXT_BIT "vldmia r1!, {d0-d5}\n\t" "mov r3, r4\n\t"

/* A table of at least 3 bits. r5: fours of entries that the last bit adds; `four`: the next four. */
#define MAKE_TABLE(entry, add, four)                      \
  "mov r4, r0\n\t"                                        \
  "vldmia r2, {d8-d13}\n\t"                              \
  "vstmia r0!, " entry "\n\t"                             \
  NEXT_BIT NEXT_ENTRY(entry, add)                         \
  NEXT_BIT NEXT_ENTRY(entry, add) NEXT_ENTRY(entry, add)  \
  NEXT_BIT four                                           \
  "mov r6, #2\n"                                          \
  "2:\n\t"                                                \
  NEXT_BIT                                                \
  "mov r7, r6\n"                                          \
  "3:\n\t"                                                \
  four four                                               \
  "subs r7, r7, #2\n\t"                                   \
  "bne 3b\n\t"                                            \
  "mov r6, r6, lsl #1\n\t"                                \
  "cmp r6, r5\n\t"                                        \
  "ble 2b\n\t"

/* r0: tables, r1: more, r2: none, r3: the plan. */
#define MAKE_ENTRIES(name, entry, add, four)                                                             \
  NAKED static void name(UNUSED uint8_t *tables, UNUSED const void *more, UNUSED const void *none,       \
                         UNUSED const run_plan *plan) {                                                  \
    __asm__ volatile(                                                                                    \
        "push {r4, r5, r6, r7, r8, lr}\n\t"                                                              \
        "vpush {d8-d15}\n\t"                                                                            \
        "mov r8, r3\n\t"                                                                                \
        "add lr, r3, #8\n\t"                                                                             \
        "ldrb r5, [r8], #1\n"                                                                           \
        "1:\n\t" MAKE_TABLE(entry, add, four)                                                          \
        "ldrb r5, [r8], #1\n\t"                                                                         \
        "cmp r5, #0\n\t"                                                                                \
        "mov r2, lr\n\t"                                                                            \
        "bne 1b\n\t"                                                                                    \
        "vpop {d8-d15}\n\t"                                                                             \
        "pop {r4, r5, r6, r7, r8, pc}");                                                                 \
  }

/* Only the doubles of units that are there are added to: what lies where the others would be is no number that was made,
 * and a NaN or a denormal there would cost the VFP11 a trap into the kernel. */
#define STEP_0(x) "vadd.f64 " x ", " x ", d0\n\t"
#define STEP_1(x) "vadd.f64 " x ", " x ", d1\n\t"
#define STEP_2(x) "vadd.f64 " x ", " x ", d2\n\t"
#define STEP_3(x) "vadd.f64 " x ", " x ", d3\n\t"
#define STEP_4(x) "vadd.f64 " x ", " x ", d4\n\t"
#define STEP_5(x) "vadd.f64 " x ", " x ", d5\n\t"
#define NO_STEP(x) ""

#define ONE_OF(s0, s1, s2, s3, s4, s5) s0("d8") s1("d9") s2("d10") s3("d11") s4("d12") s5("d13")

/* Four entries of six doubles as three times eight. */
#define FOUR_OF_48(s0, s1, s2, s3, s4, s5)                                                                             \
  NEXT_ENTRY("{d8-d15}", s0("d8") s1("d9") s2("d10") s3("d11") s4("d12") s5("d13") s0("d14") s1("d15"))                \
  NEXT_ENTRY("{d8-d15}", s2("d8") s3("d9") s4("d10") s5("d11") s0("d12") s1("d13") s2("d14") s3("d15"))                \
  NEXT_ENTRY("{d8-d15}", s4("d8") s5("d9") s0("d10") s1("d11") s2("d12") s3("d13") s4("d14") s5("d15"))
#define FILTERS(units, s0, s1, s2, s3, s4, s5) \
  MAKE_ENTRIES(entries_of_filters_##units, "{d8-d13}", ONE_OF(s0, s1, s2, s3, s4, s5), FOUR_OF_48(s0, s1, s2, s3, s4, s5))

FILTERS(1, STEP_0, NO_STEP, NO_STEP, NO_STEP, NO_STEP, NO_STEP)
FILTERS(2, STEP_0, STEP_1, NO_STEP, NO_STEP, NO_STEP, NO_STEP)
FILTERS(3, STEP_0, STEP_1, STEP_2, NO_STEP, NO_STEP, NO_STEP)
FILTERS(4, STEP_0, STEP_1, STEP_2, STEP_3, NO_STEP, NO_STEP)
FILTERS(5, STEP_0, STEP_1, STEP_2, STEP_3, STEP_4, NO_STEP)
FILTERS(6, STEP_0, STEP_1, STEP_2, STEP_3, STEP_4, STEP_5)

/* Entries of pixels, which are a power of two of bytes; four of one double, of two, of four and of eight. */
#define TO_1 STEP_0("d8")
#define TO_2 TO_1 STEP_1("d9")
#define TO_3 TO_2 STEP_2("d10")
#define TO_4 TO_3 STEP_3("d11")
#define TO_5 TO_4 STEP_4("d12")
#define TO_6 TO_5 STEP_5("d13")
#define TWICE_3 TO_3 STEP_0("d12") STEP_1("d13") STEP_2("d14")
#define TWICE_4 TO_4 STEP_0("d12") STEP_1("d13") STEP_2("d14") STEP_3("d15")
#define FOUR_OF_8 NEXT_ENTRY("{d8-d11}", STEP_0("d8") STEP_0("d9") STEP_0("d10") STEP_0("d11"))
#define FOUR_OF_16                                                                                \
  NEXT_ENTRY("{d8-d15}", STEP_0("d8") STEP_1("d9") STEP_0("d10") STEP_1("d11") STEP_0("d12")      \
                             STEP_1("d13") STEP_0("d14") STEP_1("d15"))
#define FOUR_OF_32(twice) NEXT_ENTRY("{d8-d15}", twice) NEXT_ENTRY("{d8-d15}", twice)
#define FOUR_OF_64(to) \
  NEXT_ENTRY("{d8-d15}", to) NEXT_ENTRY("{d8-d15}", to) NEXT_ENTRY("{d8-d15}", to) NEXT_ENTRY("{d8-d15}", to)

MAKE_ENTRIES(entries_of_pixels_1, "{d8}", TO_1, FOUR_OF_8)
MAKE_ENTRIES(entries_of_pixels_2, "{d8-d9}", TO_2, FOUR_OF_16)
MAKE_ENTRIES(entries_of_pixels_3, "{d8-d11}", TO_3, FOUR_OF_32(TWICE_3))
MAKE_ENTRIES(entries_of_pixels_4, "{d8-d11}", TO_4, FOUR_OF_32(TWICE_4))
MAKE_ENTRIES(entries_of_pixels_5, "{d8-d15}", TO_5, FOUR_OF_64(TO_5))
MAKE_ENTRIES(entries_of_pixels_6, "{d8-d15}", TO_6, FOUR_OF_64(TO_6))

typedef void (*make_fn)(uint8_t *tables, const void *more, const void *none, const run_plan *plan);
#define EACH(make) {make##1, make##2, make##3, make##4, make##5, make##6}
static const make_fn OF_FILTERS[XL_LOOKUP_UNITS] = EACH(entries_of_filters_);
static const make_fn OF_PIXELS[XL_LOOKUP_UNITS] = EACH(entries_of_pixels_);

void xl_lookup_tables(const uint8_t *w, ptrdiff_t step, int32_t units, uint8_t *tables) {
  steps s;
  steps_of_filters(w, step, s.more[0], units, ALL_LANES, s.none);
  OF_FILTERS[units - 1](tables, s.more, s.none, &SIXTEEN);
}

void xl_lookup_tables_of(const uint8_t *const *rows, ptrdiff_t offset, int32_t units, int wide,
                         const xl_lookup_lanes *lanes, uint8_t *tables) {
  steps s;
  steps_of_rows(rows, offset, s.more[0], units, lanes, s.none);
  if (wide) {
    double other[XL_LOOKUP_UNITS];
    steps_of_rows(rows, offset + 2, s.more[XL_LOOKUP_RUN_BITS], units, lanes, other);
    for (int32_t u = 0; u < units; ++u) s.none[u] += other[u];
  }
  OF_PIXELS[units - 1](tables, s.more, s.none, wide ? &THIRTY_TWO : &SIXTEEN);
}

#endif
