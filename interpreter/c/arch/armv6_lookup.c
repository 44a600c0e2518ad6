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
 * 10 + 3 n for 3 n words of filters: with 6 doubles 28 for 18 words, 1.56 a word. Where pixels of x lie side by side
 * an ldm loads two of them, and a turn has four, with one prefetch: 9.25 + 3 n, 1.51 a word. That the address of an
 * entry is one instruction is due to x, which is made ready once: halfwords that say how far behind the first table the
 * entry lies.
 * Tables of 6 doubles are 6 KiB, and sums of 200 pixels beside them 9.4: what a cache of 16 KiB holds. They are made
 * with 130 instructions a double and 1.5 + n an entry (armv6_lookup_tables.c), 1.9 thousand: half an instruction a word
 * with 200 pixels.
 *
 * Sums begin at 2^52: then the lowest 48 bits of the double are the lanes, and its bytes can be read as they are. */
#include "armv6.h"
#include "lookup.h"

#ifdef XL_CORE_ARMV6_VFP
#include "bits.h"

#if XL_LOOKUP_ENTRY_BYTES != 48
#error "spread_runs multiplies by 48"
#endif

/* One run of r3 step bytes to the two words a, b: 48 times its lowest six bits, those of the next five in the high half
 * of a, and the last five; r4, r5: where the tables begin, r6: 63, r7: 31. */
#define SPREAD(a, b)                     \
  "ldrh r8, [r0], r1\n\t"                \
  "and " a ", r6, r8\n\t"                \
  "and " b ", r7, r8, lsr #6\n\t"        \
  "orr " a ", " a ", " b ", lsl #16\n\t" \
  "mov " b ", r8, lsr #11\n\t"           \
  "add " a ", " a ", " a ", lsl #1\n\t"  \
  "add " b ", " b ", " b ", lsl #1\n\t"  \
  "add " a ", r4, " a ", lsl #4\n\t"     \
  "add " b ", r5, " b ", lsl #4\n\t"

/* r0: the first run, r1: bytes to the next, r2: their number, r3: out. */
__attribute__((naked, noinline)) static void spread_runs(UNUSED const uint16_t *from, UNUSED ptrdiff_t step,
                                                         UNUSED int32_t n, UNUSED uint8_t *out) {
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
      "pld [r0, r1, lsl #2]\n\t" /* a pixel's channels are a cache line from 256 on */
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

/* A function that adds to all sums of some lines. r0: lines, r1: their number, r2: tables, r3: offset. */
#define ADD_FUNCTION(name)                                                     \
  NAKED static void name(UNUSED const xl_lookup_line *lines, UNUSED int32_t n, \
                         UNUSED const uint8_t *tables, UNUSED ptrdiff_t offset)
/* Once, and for each line. r10: x, r11: its step, r12: sums, lr: pixels. */
#define BEGIN                                            \
  "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t" \
  "vpush {d8-d15}\n"                                     \
  "1:\n\t"                                               \
  "ldmia r0!, {r10, r11, r12, lr}\n\t"                   \
  "add r10, r10, r3\n\t"
#define END             \
  "subs r1, r1, #1\n\t" \
  "bgt 1b\n\t"          \
  "vpop {d8-d15}\n\t"   \
  "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}"

/* r12: sums; r2: tables; r10: x, r11: its step. The addresses of entries are made while others are added. */
#define ADD_PIXEL(sums, entry, add) \
  "ldrd r4, r5, [r10], r11\n\t"     \
  "vldmia r12, " sums "\n\t"        \
  "uxtah r6, r2, r4\n\t"            \
  "vldmia r6, " entry "\n\t"        \
  "uxtah r7, r2, r4, ror #16\n\t"   \
  "uxtah r8, r2, r5\n\t"            \
  add                               \
  "vldmia r7, " entry "\n\t"        \
  add                               \
  "vldmia r8, " entry "\n\t"        \
  add                               \
  "vstmia r12!, " sums "\n\t"

/* r0: lines, r1: their number, r2: tables, r3: offset. Two pixels a turn; an odd number begins with the second. */
#define ADD_LINES(units, sums, entry)                \
  ADD_FUNCTION(add_lines_##units) {                  \
    __asm__ volatile(                                \
        BEGIN                                        \
        "tst lr, #1\n\t"                             \
        "addne lr, lr, #1\n\t"                       \
        "bne 3f\n"                                   \
        "2:\n\t" ADD_PIXEL(sums, entry, ADD_##units) \
        "3:\n\t" ADD_PIXEL(sums, entry, ADD_##units) \
        "subs lr, lr, #2\n\t"                        \
        "bgt 2b\n\t"                                 \
        END);                                        \
  }

FOR_EACH_UNITS(ADD_LINES)

/* Pixels of x side by side: `x` loads those of one or two, whose words are a, b. */
#define ADD_NEAR(x, a, b, sums, entry, add) \
  x                                         \
  "vldmia r12, " sums "\n\t"                \
  "uxtah r8, r2, " a "\n\t"                 \
  "vldmia r8, " entry "\n\t"                \
  "uxtah r9, r2, " a ", ror #16\n\t"        \
  "uxtah r11, r2, " b "\n\t"                \
  add                                       \
  "vldmia r9, " entry "\n\t"                \
  add                                       \
  "vldmia r11, " entry "\n\t"               \
  add                                       \
  "vstmia r12!, " sums "\n\t"
#define ADD_NEAR_2(sums, entry, add)                                         \
  ADD_NEAR("ldmia r10!, {r4, r5, r6, r7}\n\t", "r4", "r5", sums, entry, add) \
  ADD_NEAR("", "r6", "r7", sums, entry, add)

/* As ADD_LINES, each line's step 8. Four pixels a turn, which are a cache line of x: that of the turn after the next one
 * is prefetched, since x of all runs is more than the cache holds beside tables and sums. */
#define ADD_NEAR_LINES(units, sums, entry)                                         \
  ADD_FUNCTION(add_near_lines_##units) {                                           \
    __asm__ volatile(                                                              \
        BEGIN                                                                      \
        "tst lr, #1\n\t"                                                           \
        "beq 2f\n\t"                                                               \
        ADD_NEAR("ldmia r10!, {r4, r5}\n\t", "r4", "r5", sums, entry, ADD_##units) \
        "subs lr, lr, #1\n\t"                                                      \
        "beq 5f\n"                                                                 \
        "2:\n\t"                                                                   \
        "tst lr, #2\n\t"                                                           \
        "addne lr, lr, #2\n\t"                                                     \
        "bne 4f\n"                                                                 \
        "3:\n\t"                                                                   \
        "pld [r10, #64]\n\t" ADD_NEAR_2(sums, entry, ADD_##units)                  \
        "4:\n\t" ADD_NEAR_2(sums, entry, ADD_##units)                              \
        "subs lr, lr, #4\n\t"                                                      \
        "bgt 3b\n"                                                                 \
        "5:\n\t"                                                                   \
        END);                                                                      \
  }

FOR_EACH_UNITS(ADD_NEAR_LINES)

/* ---- Padding ----------------------------------------------------------------------------------------------- */

#define SUM_1 "vadd.f64 d8, d8, d0\n\t"
#define SUM_2 SUM_1 "vadd.f64 d9, d9, d1\n\t"
#define SUM_3 SUM_2 "vadd.f64 d10, d10, d2\n\t"
#define SUM_4 SUM_3 "vadd.f64 d11, d11, d3\n\t"
#define SUM_5 SUM_4 "vadd.f64 d12, d12, d4\n\t"
#define SUM_6 SUM_5 "vadd.f64 d13, d13, d5\n\t"

/* As ADD_LINES, but x is the same for all pixels of all lines, each line's step 0: its three entries are added up once,
 * and a pixel takes 4 + n. */
#define ADD_SAME(units, sums, entry)          \
  ADD_FUNCTION(add_same_##units) {            \
    __asm__ volatile(                         \
        "push {r4, r5, r6, lr}\n\t"           \
        "vpush {d8-d15}\n\t"                  \
        "ldr r12, [r0]\n\t"                   \
        "ldrd r4, r5, [r12, r3]\n\t"          \
        "uxtah r6, r2, r4\n\t"                \
        "vldmia r6, " entry "\n\t"            \
        "uxtah r6, r2, r4, ror #16\n\t"       \
        "vldmia r6, " sums "\n\t" SUM_##units \
        "uxtah r6, r2, r5\n\t"                \
        "vldmia r6, " sums "\n\t" SUM_##units \
        "1:\n\t"                              \
        "ldmia r0!, {r3, r4, r5, r6}\n"       \
        "2:\n\t"                              \
        "vldmia r5, " sums "\n\t"             \
        "subs r6, r6, #1\n\t" ADD_##units     \
        "vstmia r5!, " sums "\n\t"            \
        "bgt 2b\n\t"                          \
        "subs r1, r1, #1\n\t"                 \
        "bgt 1b\n\t"                          \
        "vpop {d8-d15}\n\t"                   \
        "pop {r4, r5, r6, pc}");              \
  }

FOR_EACH_UNITS(ADD_SAME)

typedef void (*add_fn)(const xl_lookup_line *lines, int32_t n, const uint8_t *tables, ptrdiff_t offset);
#define EACH(name) {name##1, name##2, name##3, name##4, name##5, name##6}
static const add_fn ADD[XL_LOOKUP_UNITS] = EACH(add_lines_), ADD_ALL_NEAR[XL_LOOKUP_UNITS] = EACH(add_near_lines_),
                    ADD_ALL_SAME[XL_LOOKUP_UNITS] = EACH(add_same_);

/* All lines have the same step. */
void xl_lookup_add(const xl_lookup_line *lines, int32_t n, int32_t units, ptrdiff_t offset, int32_t shift,
                   const uint8_t *tables) {
  (void)shift;
  if (n == 0) return;
  const add_fn *add = lines->step == XL_LOOKUP_X_BYTES ? ADD_ALL_NEAR : lines->step == 0 ? ADD_ALL_SAME : ADD;
  add[units - 1](lines, n, tables, offset);
}

/* ---- Sums -------------------------------------------------------------------------------------------------- */

/* r0: sums, r1: their number; r2: a sum of nothing. Eight a turn. */
NAKED static void clear(UNUSED uint8_t *sums, UNUSED int32_t n,
                        UNUSED const double *nothing) {
  __asm__ volatile(
      "vldr d0, [r2]\n\t"
      "vmov.f64 d1, d0\n\t"
      "vmov.f64 d2, d0\n\t"
      "vmov.f64 d3, d0\n\t"
      "vmov.f64 d4, d0\n\t"
      "vmov.f64 d5, d0\n\t"
      "vmov.f64 d6, d0\n\t"
      "vmov.f64 d7, d0\n\t"
      "subs r1, r1, #8\n\t"
      "blt 2f\n"
      "1:\n\t"
      "subs r1, r1, #8\n\t"
      "vstmia r0!, {d0-d7}\n\t"
      "bge 1b\n"
      "2:\n\t"
      "adds r1, r1, #8\n\t"
      "bxeq lr\n"
      "3:\n\t"
      "subs r1, r1, #1\n\t"
      "vstmia r0!, {d0}\n\t"
      "bne 3b\n\t"
      "bx lr");
}

static const double NOTHING[2] = {4503599627370496.0, 4503599627370496.0};

void xl_lookup_clear(uint8_t *sums, int32_t n) { clear(sums, n, NOTHING); }

/* One sum, in the words `low` and `high`, added to the counts in a, b, c: they lie in pairs; filters 0 and 1 are lanes 0
 * and 2, filters 2 and 3 lanes 1 and 3, the last two those of the high word. */
#define WIDEN(low, high, a, b, c)                  \
  "uxtab16 " a ", " a ", " low "\n\t"              \
  "pkhbt " high ", " high ", " high ", lsl #8\n\t" \
  "uxtab16 " b ", " b ", " low ", ror #8\n\t"      \
  "uxtab16 " c ", " c ", " high "\n\t"

/* The same where there are no counts yet. */
#define WIDEN_FIRST(low, high, a, b, c)            \
  "uxtb16 " a ", " low "\n\t"                      \
  "pkhbt " high ", " high ", " high ", lsl #8\n\t" \
  "uxtb16 " b ", " low ", ror #8\n\t"              \
  "uxtb16 " c ", " high "\n\t"

/* r0: sums, r1: their number, r2: counts, r3: two sums of nothing. Two a turn, which are three quarters of a cache line
 * of counts: they are prefetched two lines ahead, since adding up has driven them out of the cache. */
#define WIDEN_ALL(name, load_one, load_two, move)              \
  NAKED static void name(                                      \
      UNUSED uint8_t *sums, UNUSED int32_t n,                  \
      UNUSED uint32_t *pairs, UNUSED const double *nothing) {  \
    __asm__ volatile(                                          \
        "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t" \
        "vldmia r3, {d0-d1}\n\t"                               \
        "tst r1, #1\n\t"                                       \
        "beq 1f\n\t"                                           \
        "ldmia r0, {r3, r4}\n\t" load_one                      \
        move("r3", "r4", "r7", "r8", "r9")                     \
        "stmia r2!, {r7, r8, r9}\n\t"                          \
        "vstmia r0!, {d0}\n\t"                                 \
        "subs r1, r1, #1\n\t"                                  \
        "beq 2f\n"                                             \
        "1:\n\t"                                               \
        "pld [r2, #64]\n\t"                                    \
        "ldmia r0, {r3, r4, r5, r6}\n\t" load_two              \
        move("r3", "r4", "r7", "r8", "r9")                     \
        move("r5", "r6", "r10", "r11", "r12")                  \
        "stmia r2!, {r7, r8, r9, r10, r11, r12}\n\t"           \
        "vstmia r0!, {d0-d1}\n\t"                              \
        "subs r1, r1, #2\n\t"                                  \
        "bne 1b\n"                                             \
        "2:\n\t"                                               \
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");    \
  }

WIDEN_ALL(widen_first, "", "", WIDEN_FIRST)
WIDEN_ALL(widen, "ldmia r2, {r7, r8, r9}\n\t", "ldmia r2, {r7, r8, r9, r10, r11, r12}\n\t", WIDEN)

void xl_lookup_widen(uint8_t *sums, int32_t n, int first, uint32_t *pairs) {
  (first ? widen_first : widen)(sums, n, pairs, NOTHING);
}

#endif
