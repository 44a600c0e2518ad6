/* Look-ups in tables of pixels (lookup_pixels.c), in doubles for ARMv6 with VFPv2.
 *
 * The bits that are looked up are those of filters, each used once and not made ready: an `and` and an `add` find an
 * entry, 8 to 64 bytes. 16 bits and a block of n doubles, 6 n pixels, take
 *
 *   bits, sums         ldrh, vldm, vstm                  3
 *   three look-ups     and, add, vldm, n vadd.f64        3 (3 + n)
 *   the loop           subs, bgt, of two filters         1
 *
 * 13 + 3 n, in tables of 6, 5 and 5 bits, and one more where sums lie apart. One or two doubles leave room for larger
 * tables: of 7, 6, 7, 6 and 6 bits, for 32 bits at once. 5 look-ups then make 19 + 5 n, 29 in place of 38 for two
 * doubles. */
#include "armv6.h"
#include "lookup.h"

#ifdef XL_CORE_ARMV6_VFP

/* r0: bits, r1: bytes to the next, r2: sums; r4, r5: 63 and 31 entries; r6, r7, r8: the three tables. first, second,
 * third: how the bits are shifted so that they say where an entry is. */
#define ADD_16(sums, entry, add, first, second, third) \
  "ldrh r9, [r0], r1\n\t"                             \
  "vldmia r2, " sums "\n\t"                           \
  "and r10, r4, r9, " first "\n\t"                    \
  "add r10, r6, r10\n\t"                              \
  "vldmia r10, " entry "\n\t"                         \
  "and r11, r5, r9, " second "\n\t"                   \
  "add r11, r7, r11\n\t"                              \
  "and r12, r5, r9, " third "\n\t"                    \
  "add r12, r8, r12\n\t"                              \
  add                                                  \
  "vldmia r11, " entry "\n\t"                         \
  add                                                  \
  "vldmia r12, " entry "\n\t"                         \
  add                                                  \
  "vstmia r2!, " sums "\n\t"

/* Each filter's bits are in a cache line of its own. The runs at the beginning of lines prefetch those of the filters
 * four further on; those behind them find them in the cache, or in the next one. */
#define AHEAD "pld [r0, r1, lsl #2]\n\t"
#define ADD_FILTERS(name, masks, tables, one)            \
  ADD_ALL(name, masks, tables, one)                      \
  ADD_ALL(name##_ahead, masks, tables, AHEAD one)

/* The sums of filters may lie apart, so many bytes between them: lr. */
#define APART "add r2, r2, lr\n\t"
#define ADD_FILTERS_16(name, masks, tables, one)                     \
  ADD_FILTERS(name, masks, tables, one)                              \
  ADD_ALL(name##_apart, "ldr lr, [sp, #108]\n\t" masks, tables, one APART)

/* On the stack: tables, and what lies between sums. r3: the number of filters, two a turn; an odd number begins with the
 * second. `masks`: to r4 and r5; `tables`: to r7 and r8. */
#define ADD_ALL(name, masks, tables, one)                                                         \
  NAKED static void name(UNUSED const uint8_t *bits, UNUSED ptrdiff_t step, UNUSED uint8_t *to,   \
                         UNUSED int32_t n, UNUSED const uint8_t *from, UNUSED ptrdiff_t skip) {   \
    __asm__ volatile(                                                                             \
        "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"                                    \
        "ldr r6, [sp, #40]\n\t"                                                                  \
        "vpush {d8-d15}\n\t" masks tables                                                        \
        "tst r3, #1\n\t"                                                                         \
        "addne r3, r3, #1\n\t"                                                                   \
        "bne 3f\n"                                                                               \
        "2:\n\t" one                                                                             \
        "3:\n\t" one                                                                             \
        "subs r3, r3, #2\n\t"                                                                    \
        "bgt 2b\n\t"                                                                             \
        "vpop {d8-d15}\n\t"                                                                      \
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}");                                       \
  }

#define BYTES_32 "mov r4, #0x7e0\n\t" "mov r5, #0x3e0\n\t" "add r7, r6, #2048\n\t" "add r8, r7, #1024\n\t"
#define BYTES_64 "mov r4, #0xfc0\n\t" "mov r5, #0x7c0\n\t" "add r7, r6, #4096\n\t" "add r8, r7, #2048\n\t"

ADD_FILTERS_16(add_filters_1, "mov r4, #0x1f8\n\t" "mov r5, #0xf8\n\t", "add r7, r6, #512\n\t" "add r8, r7, #256\n\t",
            ADD_16("{d0}", "{d8}", ADD_1, "lsl #3", "lsr #3", "lsr #8"))
ADD_FILTERS_16(add_filters_2, "mov r4, #0x3f0\n\t" "mov r5, #0x1f0\n\t", "add r7, r6, #1024\n\t" "add r8, r7, #512\n\t",
            ADD_16("{d0-d1}", "{d8-d9}", ADD_2, "lsl #4", "lsr #2", "lsr #7"))
ADD_FILTERS_16(add_filters_3, BYTES_32, "", ADD_16("{d0-d2}", "{d8-d10}", ADD_3, "lsl #5", "lsr #1", "lsr #6"))
ADD_FILTERS_16(add_filters_4, BYTES_32, "", ADD_16("{d0-d3}", "{d8-d11}", ADD_4, "lsl #5", "lsr #1", "lsr #6"))
ADD_FILTERS_16(add_filters_5, BYTES_64, "", ADD_16("{d0-d4}", "{d8-d12}", ADD_5, "lsl #6", "lsl #0", "lsr #5"))
ADD_FILTERS_16(add_filters_6, BYTES_64, "", ADD_16("{d0-d5}", "{d8-d13}", ADD_6, "lsl #6", "lsl #0", "lsr #5"))

/* 32 bits. r4, r5: 127 and 63 entries; r6, r7, r8, r12, lr: the tables. */
#define ADD_32(sums, entry, add, first, second, third, fourth, entry_bits) \
  "ldr r9, [r0], r1\n\t"                                                         \
  "vldmia r2, " sums "\n\t"                                                      \
  "and r10, r4, r9, " first "\n\t"                                               \
  "add r10, r6, r10\n\t"                                                         \
  "vldmia r10, " entry "\n\t"                                                    \
  "and r11, r5, r9, " second "\n\t"                                              \
  "add r11, r7, r11\n\t"                                                         \
  "and r10, r4, r9, " third "\n\t"                                               \
  add                                                                             \
  "vldmia r11, " entry "\n\t"                                                    \
  "add r10, r8, r10\n\t"                                                         \
  "and r11, r5, r9, " fourth "\n\t"                                              \
  add                                                                             \
  "vldmia r10, " entry "\n\t"                                                    \
  "add r11, r12, r11\n\t"                                                        \
  "mov r9, r9, lsr #26\n\t"                                                      \
  add                                                                             \
  "vldmia r11, " entry "\n\t"                                                    \
  "add r9, lr, r9, lsl #" entry_bits "\n\t"                                      \
  add                                                                             \
  "vldmia r9, " entry "\n\t"                                                     \
  add                                                                             \
  "vstmia r2!, " sums "\n\t"

ADD_FILTERS(add_wide_1, "mov r4, #0x3f8\n\t" "mov r5, #0x1f8\n\t",
            "add r7, r6, #1024\n\t" "add r8, r7, #512\n\t" "add r12, r8, #1024\n\t" "add lr, r12, #512\n\t",
            ADD_32("{d0}", "{d8}", ADD_1, "lsl #3", "lsr #4", "lsr #10", "lsr #17", "3"))
ADD_FILTERS(add_wide_2, "mov r4, #0x7f0\n\t" "mov r5, #0x3f0\n\t",
            "add r7, r6, #2048\n\t" "add r8, r7, #1024\n\t" "add r12, r8, #2048\n\t" "add lr, r12, #1024\n\t",
            ADD_32("{d0-d1}", "{d8-d9}", ADD_2, "lsl #4", "lsr #3", "lsr #9", "lsr #16", "4"))

typedef void (*add_fn)(const uint8_t *bits, ptrdiff_t step, uint8_t *to, int32_t n, const uint8_t *from, ptrdiff_t skip);
#define NARROW(end) \
  {add_filters_1##end, add_filters_2##end, add_filters_3##end, add_filters_4##end, add_filters_5##end, add_filters_6##end}
#define WIDE(end) {add_wide_1##end, add_wide_2##end}
static const add_fn ADD[3][XL_LOOKUP_UNITS] = {NARROW(), NARROW(_ahead), NARROW(_apart)};
static const add_fn ADD_WIDE[2][XL_LOOKUP_WIDE_UNITS] = {WIDE(), WIDE(_ahead)};

void xl_lookup_add_filters(const xl_lookup_bits *bits, uint8_t *sums, ptrdiff_t skip, int32_t units, int wide,
                           const uint8_t *tables) {
  const int begins = (uintptr_t)bits->first % 32 < (wide ? 4 : 2);
  const add_fn *add = wide ? ADD_WIDE[begins] : ADD[skip > 0 ? 2 : begins];
  add[units - 1](bits->first, bits->step, sums, bits->n, tables, skip);
}

#endif
