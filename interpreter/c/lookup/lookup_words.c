/* Look-up tables in 32-bit words, in plain C: a unit is four filters, a byte each, and an entry up to four words.
 *
 * A table is of four bits. For 16 filters, 4 bits and one pixel that is a shift and an and, four loads and four
 * additions: 11 operations, or 7 where one instruction loads several words; 4 to 6 for 32 products. Entries are made of
 * one another: with one more bit of x set, the count of each filter gets one more where its bit is 0 and one less where
 * it is 1. Where lanes borrow from each other on the way they pay back, since what comes out is 0 to 4 in each. */
#include "lookup.h"

#ifndef XL_CORE_ARMV6_VFP
#if XL_LOOKUP_ENTRY_BYTES != 16
#error "add_line takes an entry for 16 bytes"
#endif
#include <string.h>

#include "bits.h"

enum { TABLES = XL_LOOKUP_RUN_BITS / 4, ENTRIES = 16, BYTES = XL_LOOKUP_UNIT_BYTES };
static const uint32_t LANES = 0x01010101u;

XL_INLINE uint32_t load_run(const uint8_t *from) {
#if XL_LOOKUP_RUN_BITS == 32
  uint32_t w;
#elif XL_LOOKUP_RUN_BITS == 16
  uint16_t w;
#else
  uint8_t w;
#endif
  memcpy(&w, from, sizeof w);
  return w;
}

void xl_lookup_spread(const uint32_t *x, ptrdiff_t words, int32_t run, int32_t n, uint8_t *out) {
  (void)x, (void)words, (void)run, (void)n, (void)out; /* it is read as it is */
}

/* Bit i of each of four filters in a byte of its own: byte b of bytes[i / 8], shifted by i % 8. The order of the
 * lanes is 0, 2, 1, 3: taken apart in pairs they are in order. */
static void bytes_of(const uint8_t *w, ptrdiff_t step, uint32_t bytes[4]) {
  const uint32_t w0 = load_run(w), w1 = load_run(w + step), w2 = load_run(w + 2 * step), w3 = load_run(w + 3 * step);
  for (int half = 0; half < (XL_LOOKUP_RUN_BITS + 15) / 16; ++half) {
    const uint32_t a = (w0 >> 16 * half & 0xffffu) | (w1 >> 16 * half) << 16;
    const uint32_t b = (w2 >> 16 * half & 0xffffu) | (w3 >> 16 * half) << 16;
    bytes[2 * half] = (a & 0x00ff00ffu) | (b & 0x00ff00ffu) << 8;
    bytes[2 * half + 1] = (a >> 8 & 0x00ff00ffu) | (b & 0xff00ff00u);
  }
}

/* One word of each of the 16 entries of a table. w: its bits of the filters, in the lowest bits of each lane. */
XL_INLINE void make_table(uint32_t w, uint32_t *out) {
  uint32_t entry[ENTRIES], more[4];
  entry[0] = 0;
  for (int b = 0; b < 4; ++b) {
    const uint32_t ones = w >> b & LANES;
    entry[0] += ones;
    more[b] = LANES - (ones << 1);
  }
  for (int b = 0; b < 4; ++b) {
    for (int i = 0; i < 1 << b; ++i) entry[i + (1 << b)] = entry[i] + more[b];
  }
  for (int i = 0; i < ENTRIES; ++i) out[i * XL_LOOKUP_UNITS] = entry[i];
}

void xl_lookup_tables(const uint8_t *w, ptrdiff_t step, int32_t units, uint8_t *tables) {
  uint32_t *out = (uint32_t *)(void *)tables;
  for (int32_t u = 0; u < units; ++u, w += XL_LOOKUP_UNIT * step) {
    uint32_t bytes[4];
    bytes_of(w, step, bytes);
    for (int t = 0; t < TABLES; ++t) {
      make_table(bytes[t / 2] >> 4 * (t % 2), out + u + t * ENTRIES * XL_LOOKUP_UNITS);
    }
  }
}

/* Compiled for each number of units. */
XL_INLINE void add_line(const xl_lookup_line *line, int32_t units, ptrdiff_t offset, int32_t shift,
                        const uint8_t *tables) {
  const uint8_t *x = line->x + offset;
  uint32_t *sums = (uint32_t *)(void *)line->sums;
  for (int32_t i = 0; i < line->n; ++i, x += line->step, sums += units) {
    const uint32_t bits = *(const uint32_t *)(const void *)x >> shift;
    uint32_t s0 = sums[0], s1 = units > 1 ? sums[1] : 0, s2 = units > 2 ? sums[2] : 0, s3 = units > 3 ? sums[3] : 0;
    for (int t = 0; t < TABLES; ++t) {
      const uint32_t at = (t == 0 ? bits << 4 : bits >> 4 * (t - 1)) & 0xf0u; /* 16 times the four bits */
      const uint32_t *entry = (const uint32_t *)(const void *)(tables + at) + t * ENTRIES * XL_LOOKUP_UNITS;
      s0 += entry[0];
      if (units > 1) s1 += entry[1];
      if (units > 2) s2 += entry[2];
      if (units > 3) s3 += entry[3];
    }
    sums[0] = s0;
    if (units > 1) sums[1] = s1;
    if (units > 2) sums[2] = s2;
    if (units > 3) sums[3] = s3;
  }
}

void xl_lookup_add(const xl_lookup_line *lines, int32_t n, int32_t units, ptrdiff_t offset, int32_t shift,
                   const uint8_t *tables) {
  for (int32_t i = 0; i < n; ++i) {
    switch (units) {
      case 1: add_line(lines + i, 1, offset, shift, tables); break;
      case 2: add_line(lines + i, 2, offset, shift, tables); break;
      case 3: add_line(lines + i, 3, offset, shift, tables); break;
      default: add_line(lines + i, 4, offset, shift, tables); break;
    }
  }
}

void xl_lookup_clear(uint8_t *sums, int32_t n) { memset(sums, 0, (size_t)n * BYTES); }

void xl_lookup_widen(uint8_t *sums, int32_t n, int first, uint32_t *pairs) {
  uint32_t *s = (uint32_t *)(void *)sums;
  for (int32_t i = 0; i < n; ++i, pairs += 2) {
    pairs[0] = (first ? 0 : pairs[0]) + (s[i] & 0x00ff00ffu);
    pairs[1] = (first ? 0 : pairs[1]) + (s[i] >> 8 & 0x00ff00ffu);
    s[i] = 0;
  }
}

#endif
