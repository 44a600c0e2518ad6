/* Rows of bits: reading them at any bit, writing them one after the other. Internal. */
#ifndef XL_BITS_H
#define XL_BITS_H

#include <stddef.h>
#include <stdint.h>

#define XL_WORD_BITS 32

/* For inner loops that are written once and compiled for several constant arguments. */
#ifdef __GNUC__
#define XL_INLINE static inline __attribute__((always_inline))
#else
#define XL_INLINE static inline
#endif

/* For what not every op runs and has much on the stack: it lies there only while this runs. */
#ifdef __GNUC__
#define XL_APART static __attribute__((noinline))
#else
#define XL_APART static
#endif

/* 1 << i. A loop over a word's bits that looks them up vectorises where shifts by different amounts do not. */
extern const uint32_t xl_lane_bit[XL_WORD_BITS];

static inline ptrdiff_t xl_words(ptrdiff_t bits) { return (bits + XL_WORD_BITS - 1) / XL_WORD_BITS; }

/* A word whose n lowest bits are 1; n is 1 to 32. */
static inline uint32_t xl_low_bits(int32_t n) { return UINT32_MAX >> (XL_WORD_BITS - n); }

static inline int32_t xl_min32(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t xl_max32(int32_t a, int32_t b) { return a > b ? a : b; }

/* Appends bits to a row. `word` holds the `fill` (0 to 31) bits that have not been written yet. */
typedef struct xl_bit_writer {
  uint32_t *out;
  uint32_t word;
  int32_t fill;
} xl_bit_writer;

static inline xl_bit_writer xl_write_bits(uint32_t *out) {
  xl_bit_writer w = {out, 0, 0};
  return w;
}

/* Appends the n lowest of `bits`, 1 to 32; those above are 0. */
static inline void xl_put(xl_bit_writer *w, uint32_t bits, int32_t n) {
  w->word |= bits << w->fill;
  if (w->fill + n >= XL_WORD_BITS) {
    *w->out++ = w->word;
    w->word = w->fill ? bits >> (XL_WORD_BITS - w->fill) : 0; /* what did not fit */
    n -= XL_WORD_BITS;
  }
  w->fill += n;
}

/* Appends `count` equal bits: `fill` is 0 or UINT32_MAX. */
static inline void xl_put_same(xl_bit_writer *w, uint32_t fill, int32_t count) {
  for (; count > XL_WORD_BITS; count -= XL_WORD_BITS) xl_put(w, fill, XL_WORD_BITS);
  if (count > 0) xl_put(w, fill & xl_low_bits(count), count);
}

/* Bits first to first + n - 1 of a row, n is 1 to 32; those above are 0. Reads no word that holds none of them. */
static inline uint32_t xl_bits_at(const uint32_t *row, int32_t first, int32_t n) {
  const int32_t shift = first % XL_WORD_BITS;
  row += first / XL_WORD_BITS;
  uint32_t bits = row[0] >> shift;
  if (shift + n > XL_WORD_BITS) bits |= row[1] << (XL_WORD_BITS - shift);
  return bits & xl_low_bits(n);
}

/* Appends `count` bits of the row `from`, beginning with bit `first`. Reads no word that holds none of them. */
static inline void xl_put_row(xl_bit_writer *w, const uint32_t *from, int32_t first, int32_t count) {
  const int32_t shift = first % XL_WORD_BITS;
  from += first / XL_WORD_BITS;
  for (; count > 0; ++from) {
    const int32_t n = xl_min32(count, XL_WORD_BITS);
    uint32_t bits = from[0] >> shift;
    if (shift + n > XL_WORD_BITS) bits |= from[1] << (XL_WORD_BITS - shift);
    xl_put(w, bits & xl_low_bits(n), n);
    count -= n;
  }
}

/* Ends the row: its last word gets 0 in the bits that are left. Returns where the next row begins. */
static inline uint32_t *xl_end_row(xl_bit_writer *w) {
  if (w->fill > 0) *w->out++ = w->word;
  w->word = 0;
  w->fill = 0;
  return w->out;
}

#endif
