/* Binary convolution by look-up in tables that are made on the fly: for machines without a popcount instruction.
 * Internal.
 *
 * A run is a few bits of one tap. For a block of filters a table holds, for each value that a few bits of x can take,
 * in how many of them each filter differs: packed side by side, so that one addition adds them for all. The tables of a
 * run are used by all pixels of a chunk. What is added up fits its lane for XL_LOOKUP_MOST_RUNS runs and is then moved
 * to counts of 16 bits.
 *
 * A core makes the tables and adds their entries; units are what it adds in one step, some filters wide.
 *
 *   XL_LOOKUP_UNIT        filters of a unit, and XL_LOOKUP_UNIT_BYTES of it
 *   XL_LOOKUP_UNITS       the most units of a block
 *   XL_LOOKUP_RUN_BITS    of x, in XL_LOOKUP_ENTRIES entries of all tables
 *   XL_LOOKUP_X_BYTES     what a run of one pixel of x takes after xl_lookup_spread; 0 where it is read as it is
 *   XL_LOOKUP_LINE_BYTES  of an xl_lookup_line
 *   XL_LOOKUP_..._COST    instructions: the tables of a run, and of each unit; a pixel with a run, and of each unit
 */
#ifndef XL_LOOKUP_H
#define XL_LOOKUP_H

#include "core.h"
#include "xlite.h"

#ifdef XL_CORE_ARMV6_VFP /* arch/armv6_lookup.c */
#define XL_LOOKUP_UNIT 6
#define XL_LOOKUP_UNIT_BYTES 8
#define XL_LOOKUP_UNITS 6
#define XL_LOOKUP_RUN_BITS 16
#define XL_LOOKUP_ENTRIES 128
#define XL_LOOKUP_X_BYTES 8
#define XL_LOOKUP_RUN_COST 390
#define XL_LOOKUP_UNIT_COST 255
#define XL_LOOKUP_PIXEL_COST 10
#define XL_LOOKUP_PIXEL_UNIT_COST 3
#define XL_LOOKUP_LINE_BYTES 16
#else /* lookup_words.c */
#define XL_LOOKUP_UNIT 4
#define XL_LOOKUP_UNIT_BYTES 4
#define XL_LOOKUP_UNITS 4
#ifndef XL_LOOKUP_RUN_BITS
#define XL_LOOKUP_RUN_BITS 32 /* or 8 or 16, with smaller tables */
#endif
#define XL_LOOKUP_ENTRIES (XL_LOOKUP_RUN_BITS / 4 * 16)
#define XL_LOOKUP_X_BYTES 0
#define XL_LOOKUP_RUN_COST 60
#define XL_LOOKUP_UNIT_COST (14 * XL_LOOKUP_RUN_BITS)
#define XL_LOOKUP_PIXEL_COST (XL_LOOKUP_RUN_BITS + 10)
#define XL_LOOKUP_PIXEL_UNIT_COST (XL_LOOKUP_RUN_BITS / 2)
#define XL_LOOKUP_LINE_BYTES sizeof(xl_lookup_line)
#endif

/* The tables of a run and the sums of a chunk take so many bytes together: a first-level cache, and a bit less. */
#ifndef XL_LOOKUP_CACHE_BYTES
#define XL_LOOKUP_CACHE_BYTES 15872
#endif

#define XL_LOOKUP_ENTRY_BYTES (XL_LOOKUP_UNITS * XL_LOOKUP_UNIT_BYTES)
#define XL_LOOKUP_MOST_RUNS (255 / XL_LOOKUP_RUN_BITS)
#define XL_LOOKUP_PAIRS (XL_LOOKUP_UNIT / 2) /* words of counts of a unit: two filters each, the first one's low */

/* Neighbouring output pixels of one line that look at neighbouring pixels of x. The assembler knows the order. */
typedef struct xl_lookup_line {
  const uint8_t *x; /* of the first pixel */
  ptrdiff_t step;   /* bytes from one to the next */
  uint8_t *sums;
  int32_t n;
} xl_lookup_line;

/* Run `run` of n pixels of x, each `words` words, to `out`. */
void xl_lookup_spread(const uint32_t *x, ptrdiff_t words, int32_t run, int32_t n, uint8_t *out);

/* Tables for `units` units of filters. w: the run's bits of the first filter, XL_LOOKUP_RUN_BITS of them; those of the
 * next one are `step` bytes behind. tables: XL_LOOKUP_ENTRIES entries of XL_LOOKUP_ENTRY_BYTES. */
void xl_lookup_tables(const uint8_t *w, ptrdiff_t step, int32_t units, uint8_t *tables);

#ifdef XL_CORE_ARMV6_VFP
/* What tables of a unit are made with: only the lanes that are named are in them, the others never differ, if their
 * bits are 0. */
typedef struct xl_lookup_lanes {
  double base, half;
} xl_lookup_lanes;
xl_lookup_lanes xl_lookup_lanes_of(uint32_t lanes);

/* Tables of rows, each lane's at an address of its own, and their run `offset` bytes behind it. wide: of 32 bits, in
 * XL_LOOKUP_WIDE_ENTRIES entries, for XL_LOOKUP_WIDE_UNITS units at most. An entry is the power of two of bytes that
 * holds the units. */
#define XL_LOOKUP_WIDE_ENTRIES 448
#define XL_LOOKUP_WIDE_UNITS 2
void xl_lookup_tables_of(const uint8_t *const *rows, ptrdiff_t offset, int32_t units, int wide,
                         const xl_lookup_lanes *lanes, uint8_t *tables);

/* n runs of bits, the first one at `first` and each `step` bytes behind the one before. Wide ones are aligned to 4
 * bytes, others to 2. */
typedef struct xl_lookup_bits {
  const uint8_t *first;
  ptrdiff_t step;
  int32_t n;
} xl_lookup_bits;

/* Adds their entries to the sums of so many units for each of them, with `skip` bytes between; 0 of them if wide. */
void xl_lookup_add_filters(const xl_lookup_bits *bits, uint8_t *sums, ptrdiff_t skip, int32_t units, int wide,
                           const uint8_t *tables);
#endif

/* Adds the entries for the x of each line, `offset` bytes behind its x, to its sums. shift: of x's bits in the word
 * there, where they are read as they are. */
void xl_lookup_add(const xl_lookup_line *lines, int32_t n, int32_t units, ptrdiff_t offset, int32_t shift,
                   const uint8_t *tables);

/* Clears the sums of n units. */
void xl_lookup_clear(uint8_t *sums, int32_t n);

/* Moves the sums of n units to the counts, or adds them if these are not the first, and clears them. */
void xl_lookup_widen(uint8_t *sums, int32_t n, int first, uint32_t *pairs);

#endif
