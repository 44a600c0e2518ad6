/* Epilogues on pairs of counts.
 *
 * A bit is 1 where bits - 2 * count < threshold, that is, where count is at least a limit: floor((bits - threshold) / 2)
 * + 1. Of a window that reaches over the edge, with 2 e elements fewer, it is the same limit for count + e. So limits
 * are made once a block, and both counts of a pair are compared in one step: usub16 and sel on ARMv6. The bits of the
 * first filters of 16 pairs are gathered in the low half of a word, those of the second in the high half; then the
 * halves are shuffled. */
#include "lookup_store.h"

#include "bits.h"
#include "core.h"
#include "lookup.h"

/* Bit 0 and bit 16: whether each half of a is at least that of b. */
XL_INLINE uint32_t at_least(uint32_t a, uint32_t b) {
#ifdef XL_CORE_ARMV6
  uint32_t greater;
  __asm__("usub16 %0, %1, %2\n\tsel %0, %3, %4" : "=&r"(greater) : "r"(a), "r"(b), "r"(0x00010001u), "r"(0) : "cc");
  return greater;
#else
  return ((a & 0xffffu) >= (b & 0xffffu) ? 1u : 0) | (a >> 16 >= b >> 16 ? 0x10000u : 0);
#endif
}

/* Exchanges the bits of `field` with those `by` higher. */
XL_INLINE uint32_t exchange(uint32_t x, uint32_t field, int by) {
  const uint32_t t = (x ^ x >> by) & field;
  return x ^ t ^ t << by;
}

/* Bit i of the low half to bit 2 i, of the high half to 2 i + 1. */
static uint32_t shuffle(uint32_t x) {
  x = exchange(x, 0x0000ff00u, 8);
  x = exchange(x, 0x00f000f0u, 4);
  x = exchange(x, 0x0c0c0c0cu, 2);
  return exchange(x, 0x22222222u, 1);
}

static uint32_t limit_of(int32_t bits, int32_t threshold) {
  const int64_t twice = (int64_t)bits - threshold;
  const int64_t limit = (twice - (twice < 0)) / 2 + 1; /* rounded down */
  return (uint32_t)(limit < 0 ? 0 : limit > UINT16_MAX ? UINT16_MAX : limit); /* no count is UINT16_MAX */
}

/* Where filters begin at an even one, and windows lack an even number of elements. */
static void store_pairs(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, void *out) {
  const uint32_t fewer = (uint32_t)(b->bits - bits) / 2 * 0x10001u;
  uint32_t *word = (uint32_t *)out + b->first / XL_WORD_BITS;
  const uint32_t *limits = b->limits;
  int32_t at = b->first % XL_WORD_BITS / 2;
  for (int32_t left = (b->n + 1) / 2; left > 0; ++word) {
    const int32_t n = xl_min32(left, XL_WORD_BITS / 2 - at);
    uint32_t gathered = 0;
    for (int32_t i = 0; i < n; ++i) gathered |= at_least(pairs[i] + fewer, limits[i]) << (at + i);
    gathered = shuffle(gathered);
    *word = at == 0 ? gathered : *word | gathered;
    at = 0;
    left -= n;
    pairs += n;
    limits += n;
  }
}

XL_INLINE int32_t dot_of(const uint32_t *pairs, int32_t i, int32_t bits) {
  return bits - 2 * (int32_t)(pairs[i / 2] >> 16 * (i % 2) & 0xffffu);
}

static void store_bits(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, void *out) {
  const int32_t *threshold = b->channels->threshold + b->first;
  for (int32_t i = 0; i < b->n; ++i) {
    const int32_t channel = b->first + i, at = channel % XL_WORD_BITS;
    uint32_t *word = (uint32_t *)out + channel / XL_WORD_BITS;
    const uint32_t bit = (dot_of(pairs, i, bits) < threshold[i] ? 1u : 0) << at;
    *word = at == 0 ? bit : *word | bit;
  }
}

xl_store_pixel xl_lookup_begin_b(xl_lookup_block *b) {
  const int32_t *threshold = b->channels->threshold + b->first;
  if (b->first % 2 != 0 || b->tap % 2 != 0) return store_bits;
  for (int32_t i = 0; i < b->pairs; ++i) {
    const uint32_t low = 2 * i < b->n ? limit_of(b->bits, threshold[2 * i]) : UINT16_MAX;
    const uint32_t high = 2 * i + 1 < b->n ? limit_of(b->bits, threshold[2 * i + 1]) : UINT16_MAX;
    b->limits[i] = low | high << 16;
  }
  return store_pairs;
}

static void store_i32(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, void *out) {
  int32_t *y = (int32_t *)out + b->first;
  for (int32_t i = 0; i < b->n; ++i) y[i] = dot_of(pairs, i, bits);
}

xl_store_pixel xl_lookup_begin_i32(xl_lookup_block *b) {
  (void)b;
  return store_i32;
}

XL_INLINE float finished(float dot, const float *scale, const float *bias) {
  if (scale != NULL) dot *= *scale;
  return bias != NULL ? dot + *bias : dot;
}

#ifdef XL_CORE_FLOATS
/* A scale and a bias that change nothing. */
#define EIGHT(x) x, x, x, x, x, x, x, x
enum { MOST = 40 };
static const float ONES[MOST] = {EIGHT(1.0f), EIGHT(1.0f), EIGHT(1.0f), EIGHT(1.0f), EIGHT(1.0f)};
static const float NOTHING[MOST] = {EIGHT(-0.0f), EIGHT(-0.0f), EIGHT(-0.0f), EIGHT(-0.0f), EIGHT(-0.0f)};
#if XL_LOOKUP_UNITS * XL_LOOKUP_UNIT > 40
#error "a block has more filters than there are ones"
#endif
#endif

static void store_f32(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, void *out) {
  const xl_channels *c = b->channels;
  float *y = (float *)out + b->first;
  const float *scale = c->scale == NULL ? NULL : c->scale + b->first;
  const float *bias = c->bias == NULL ? NULL : c->bias + b->first;
  int32_t done = 0;
#ifdef XL_CORE_FLOATS
  done = b->n / 4 * 4;
  if (done > 0) {
    const float *times = scale == NULL ? ONES : scale, *plus = bias == NULL ? NOTHING : bias;
    xl_core_store_pairs_f32(pairs, done / 4, bits, times, plus, y);
  }
#endif
  for (int32_t i = done; i < b->n; ++i) {
    y[i] = finished((float)dot_of(pairs, i, bits), scale == NULL ? NULL : scale + i, bias == NULL ? NULL : bias + i);
  }
  if (c->activation->apply != NULL) c->activation->apply(c->activation, y, y, (size_t)b->n);
}

xl_store_pixel xl_lookup_begin_f32(xl_lookup_block *b) {
  (void)b;
  return store_f32;
}
