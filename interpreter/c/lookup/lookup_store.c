/* Epilogues on pairs of counts.
 *
 * A bit is 1 where bits - 2 * count < threshold, that is, where count is at least a limit: floor((bits - threshold) / 2)
 * + 1. Of a window that reaches over the edge, with 2 e elements fewer, it is the same limit for count + e. So limits
 * are made once a block, and both counts of a pair are compared in one step: usub16 and sel on ARMv6. The bits of the
 * first filters of 16 pairs are gathered in the low half of a word, those of the second in the high half; then the
 * halves are shuffled.
 *
 * Floats are made of both counts of a pair without a conversion, where windows have an even number of elements
 * (arch/armv6_lookup_store.c). */
#include "lookup_store.h"

#include "bits.h"
#include "core.h"
#include "lookup.h"

static uint32_t limit_of(int32_t bits, int32_t threshold) {
  const int64_t twice = (int64_t)bits - threshold;
  const int64_t limit = (twice - (twice < 0)) / 2 + 1; /* rounded down */
  return (uint32_t)(limit < 0 ? 0 : limit > UINT16_MAX ? UINT16_MAX : limit); /* no count is UINT16_MAX */
}

#ifdef XL_CORE_ARMV6
/* Where filters begin at an even one, and windows lack an even number of elements. */
static void store_pairs(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, int32_t n, void *out) {
  const int32_t at = b->first % XL_WORD_BITS / 2, of_pixel = (b->n + 1) / 2;
  uint32_t *word = (uint32_t *)out + b->first / XL_WORD_BITS;
  xl_core_signs p = {pairs, b->limits, word, n, of_pixel, XL_WORD_BITS / 2 - at, at == 0 ? 0 : UINT32_MAX,
                     0,     0,         0,    {0x0000ff00u, 0x00f000f0u, 0x0c0c0c0cu, 0x22222222u}};
  p.skip_pairs = (b->pairs - of_pixel) * (ptrdiff_t)4;
  p.step = b->pixel_bytes;
  p.fewer = (uint32_t)(b->bits - bits) / 2 * 0x10001u;
  (p.fewer == 0 ? xl_core_store_signs : xl_core_store_signs_of_fewer)(&p);
}
#else
/* Bits i and 16 + i, i < n <= 16: whether each half of pairs[i], with `fewer` added, is at least that of limits[i]. */
XL_INLINE uint32_t at_least(const uint32_t *pairs, const uint32_t *limits, int32_t n, uint32_t fewer) {
  uint32_t gathered = 0;
  for (int32_t i = 0; i < n; ++i) {
    const uint32_t a = pairs[i] + fewer, b = limits[i];
    gathered |= ((a & 0xffffu) >= (b & 0xffffu) ? 1u << i : 0) | (a >> 16 >= b >> 16 ? 0x10000u << i : 0);
  }
  return gathered;
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

static void store_pixel(const xl_lookup_block *b, uint32_t fewer, const uint32_t *pairs, uint32_t *word) {
  const uint32_t *limits = b->limits;
  int32_t at = b->first % XL_WORD_BITS / 2;
  for (int32_t left = (b->n + 1) / 2; left > 0; ++word) {
    const int32_t n = xl_min32(left, XL_WORD_BITS / 2 - at);
    const uint32_t gathered = shuffle(at_least(pairs, limits, n, fewer) << at);
    *word = at == 0 ? gathered : *word | gathered;
    at = 0;
    left -= n;
    pairs += n;
    limits += n;
  }
}

/* Where filters begin at an even one, and windows lack an even number of elements. */
static void store_pairs(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, int32_t n, void *out) {
  const uint32_t fewer = (uint32_t)(b->bits - bits) / 2 * 0x10001u;
  char *word = (char *)out + b->first / XL_WORD_BITS * 4;
  for (; n > 0; --n, pairs += b->pairs, word += b->pixel_bytes) {
    store_pixel(b, fewer, pairs, (uint32_t *)(void *)word);
  }
}
#endif

XL_INLINE int32_t dot_of(const uint32_t *pairs, int32_t i, int32_t bits) {
  return bits - 2 * (int32_t)(pairs[i / 2] >> 16 * (i % 2) & 0xffffu);
}

static void store_bits(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, int32_t n, void *out) {
  const int32_t *threshold = b->channels->threshold + b->first;
  char *row = (char *)out;
  for (; n > 0; --n, pairs += b->pairs, row += b->pixel_bytes) {
    for (int32_t i = 0; i < b->n; ++i) {
      const int32_t channel = b->first + i, at = channel % XL_WORD_BITS;
      uint32_t *word = (uint32_t *)(void *)row + channel / XL_WORD_BITS;
      const uint32_t bit = (dot_of(pairs, i, bits) < threshold[i] ? 1u : 0) << at;
      *word = at == 0 ? bit : *word | bit;
    }
  }
}

xl_store_pixels xl_lookup_begin_b(xl_lookup_block *b) {
  const int32_t *threshold = b->channels->threshold + b->first;
  if (b->first % 2 != 0 || b->tap % 2 != 0) return store_bits;
  for (int32_t i = 0; i < b->pairs; ++i) {
    const uint32_t low = 2 * i < b->n ? limit_of(b->bits, threshold[2 * i]) : UINT16_MAX;
    const uint32_t high = 2 * i + 1 < b->n ? limit_of(b->bits, threshold[2 * i + 1]) : UINT16_MAX;
    b->limits[i] = low | high << 16;
  }
  return store_pairs;
}

static void store_i32(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, int32_t n, void *out) {
  char *row = (char *)out + b->first * (ptrdiff_t)4;
  for (; n > 0; --n, pairs += b->pairs, row += b->pixel_bytes) {
    int32_t *y = (int32_t *)(void *)row;
    for (int32_t i = 0; i < b->n; ++i) y[i] = dot_of(pairs, i, bits);
  }
}

xl_store_pixels xl_lookup_begin_i32(xl_lookup_block *b) {
  (void)b;
  return store_i32;
}

/* One pixel's counts as floats, each product and sum rounded. */
static void finish(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, float *y) {
  const xl_channels *c = b->channels;
  const float *scale = c->scale == NULL ? NULL : c->scale + b->first;
  const float *bias = c->bias == NULL ? NULL : c->bias + b->first;
  for (int32_t i = 0; i < b->n; ++i) {
    float dot = (float)dot_of(pairs, i, bits);
    if (scale != NULL) dot *= scale[i];
    y[i] = bias != NULL ? dot + bias[i] : dot;
  }
}

#ifdef XL_CORE_FLOATS
/* Whether that is a ReLU and nothing else. */
static int is_relu(const xl_activation *a) {
  return a->apply == xl_relu && a->alpha == 0.0f && a->threshold == 0.0f && a->max_value > 3.4028235e38f;
}

/* All pixels at once where there is no odd filter and no odd window. Returns whether they are stored, *done: finished,
 * with the activation. */
static int store_all(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, int32_t n, float *y, int *done) {
  const xl_channels *c = b->channels;
  if (b->n % 2 != 0 || bits % 2 != 0) return 0;
  const int relu = c->scale == NULL && c->bias == NULL && is_relu(c->activation);
  xl_core_pixels p = {pairs, y, NULL, NULL, n, b->n / 8, b->n % 8 / 2, 0, 0, 0, 0};
  p.skip_pairs = (b->pairs - b->n / 2) * (ptrdiff_t)4;
  p.skip_y = b->pixel_bytes - b->n * (ptrdiff_t)4;
  p.scale = c->scale == NULL ? NULL : c->scale + b->first;
  p.bias = c->bias == NULL ? NULL : c->bias + b->first;
  p.half = (uint32_t)bits / 2 * 0x10001u;
  p.most = 16777216.0f + (float)bits;
  (p.scale == NULL ? p.bias == NULL ? relu ? xl_core_store_relu_f32 : xl_core_store_dots : xl_core_store_biased
   : p.bias == NULL ? xl_core_store_scaled : xl_core_store_finished)(&p);
  *done = relu;
  return 1;
}
#else
static int store_all(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, int32_t n, float *y, int *done) {
  (void)b, (void)bits, (void)pairs, (void)n, (void)y, (void)done;
  return 0;
}
#endif

static void store_f32(const xl_lookup_block *b, int32_t bits, const uint32_t *pairs, int32_t n, void *out) {
  const xl_activation *a = b->channels->activation;
  char *row = (char *)out + b->first * (ptrdiff_t)4;
  int done = 0;
  const int stored = store_all(b, bits, pairs, n, (float *)(void *)row, &done);
  if (stored && (done || a->apply == NULL)) return;
  for (; n > 0; --n, pairs += b->pairs, row += b->pixel_bytes) {
    float *y = (float *)(void *)row;
    if (!stored) finish(b, bits, pairs, y);
    if (a->apply != NULL) a->apply(a, y, y, (size_t)b->n);
  }
}

xl_store_pixels xl_lookup_begin_f32(xl_lookup_block *b) {
  (void)b;
  return store_f32;
}
