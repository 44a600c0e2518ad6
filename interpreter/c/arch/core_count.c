/* Rows of any length, where a core's own loop (thumb1.c, thumb2.c, riscv.c) counts so many words at once, since its
 * sums are bytes; and rows side by side, where it counts those that lie apart (mve.c as well). */
#include "core.h"

#ifdef XL_CORE_MOST_WORDS

static uint32_t count_long(const uint32_t *row, const uint32_t *weights, ptrdiff_t words) {
  uint32_t total = 0;
  for (ptrdiff_t k = 0; k < words; k += XL_CORE_MOST_WORDS) {
    const ptrdiff_t left = words - k;
    uint32_t some;
    xl_core_count_some(row + k, weights + k, (uint32_t)(left < XL_CORE_MOST_WORDS ? left : XL_CORE_MOST_WORDS), 1, &some,
                       0);
    total += some;
  }
  return total;
}

void xl_core_count_differing_apart(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, ptrdiff_t stride,
                                   int32_t n, uint32_t *counts) {
  if (words <= XL_CORE_MOST_WORDS) {
    if (n > 0) xl_core_count_some(row, weights, (uint32_t)words, n, counts, 4 * (stride - words));
    return;
  }
  for (int32_t i = 0; i < n; ++i, weights += stride) counts[i] = count_long(row, weights, words);
}

#endif

#ifdef XL_CORE_COUNTS_APART

void xl_core_count_differing(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, int32_t n,
                             uint32_t *counts) {
  xl_core_count_differing_apart(row, weights, words, words, n, counts);
}

#endif
