/* Counting differing bits with Helium, the vectors of Cortex-M55 and M85.
 *
 * There is no popcount of vectors: sixteen bytes' bits are summed within each byte by shifts and masks. Two filters
 * at once: four words of both cost three loads and, for each filter, an EOR, ten that count and one that adds all
 * bytes to a register; 3.5 instructions a word with the loop's own. What is beyond the end of a row is predicated:
 * it loads as 0 on both sides and nothing is read there. */
#include "core.h"

#ifdef XL_CORE_MVE

#include <arm_mve.h>

#include "bits.h"

#define VECTOR 4 /* words */

/* The sum of all bits of x, added to count. */
XL_INLINE uint32_t add_bits(uint32_t count, uint32x4_t words) {
  uint8x16_t x = vreinterpretq_u8_u32(words);
  x = vsubq_u8(x, vandq_u8(vshrq_n_u8(x, 1), vdupq_n_u8(0x55)));
  x = vaddq_u8(vandq_u8(x, vdupq_n_u8(0x33)), vandq_u8(vshrq_n_u8(x, 2), vdupq_n_u8(0x33)));
  return vaddvaq_u8(count, vandq_u8(vaddq_u8(x, vshrq_n_u8(x, 4)), vdupq_n_u8(0x0f)));
}

/* An odd filter is counted twice. */
void xl_core_count_differing_apart(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, ptrdiff_t stride,
                                   int32_t n, uint32_t *counts) {
  const uint32_t left = (uint32_t)words % VECTOR;
  const uint32_t *const end = row + (words - (ptrdiff_t)left);
  for (int32_t i = 0; i < n; i += 2) {
    const uint32_t *x = row, *v = weights, *w = i + 1 < n ? weights + stride : weights;
    uint32_t first = 0, second = 0;
    weights = w + stride;
    for (; x != end; x += VECTOR, v += VECTOR, w += VECTOR) {
      const uint32x4_t d = vld1q_u32(x);
      first = add_bits(first, veorq_u32(d, vld1q_u32(v)));
      second = add_bits(second, veorq_u32(d, vld1q_u32(w)));
    }
    if (left > 0) {
      const mve_pred16_t inside = vctp32q(left);
      const uint32x4_t d = vld1q_z_u32(x, inside);
      first = add_bits(first, veorq_u32(d, vld1q_z_u32(v, inside)));
      second = add_bits(second, veorq_u32(d, vld1q_z_u32(w, inside)));
    }
    counts[i] = first;
    if (i + 1 < n) counts[i + 1] = second;
  }
}

#endif
