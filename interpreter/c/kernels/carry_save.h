/* Counting bits without a popcount instruction (Harley and Seal). Internal.
 *
 * A carry-save adder takes three words and gives two: in every bit position, sum + 2 * carry = a + b + c. It costs
 * five logical operations. A tree of seven of them reduces eight words to one word of weight eight; only that one
 * is counted, and what is left of weights one, two and four is carried into the next eight words. So eight words
 * cost 7 * 5 operations and one count of about twelve, 6 a word, in place of twelve. */
#ifndef XL_CARRY_SAVE_H
#define XL_CARRY_SAVE_H

#include "machine_word.h"

/* The bits of every byte are summed in place, then the multiplication adds all bytes into the highest. */
static inline uint32_t xl_count_bits(xl_machine_word w) {
  const xl_machine_word ones = (xl_machine_word)~(xl_machine_word)0 / 255; /* 0x0101...01 */
  w -= (w >> 1) & (ones * 0x55);
  w = (w & (ones * 0x33)) + ((w >> 2) & (ones * 0x33));
  w = (w + (w >> 4)) & (ones * 0x0f);
  return (uint32_t)((w * ones) >> (8 * (sizeof w - 1)));
}

/* sum + 2 * (the result) = sum + a + b, in every bit position. */
static inline xl_machine_word xl_carry_save(xl_machine_word *sum, xl_machine_word a, xl_machine_word b) {
  const xl_machine_word half = a ^ b;
  const xl_machine_word carry = (a & b) | (half & *sum);
  *sum ^= half;
  return carry;
}

/* Word k of (a xor w) & mask; no mask where it is NULL. */
static inline xl_machine_word xl_differing(const uint32_t *a, const uint32_t *mask, const uint32_t *w,
                                           ptrdiff_t k) {
  const xl_machine_word d = xl_load(a + k * XL_WORDS_EACH) ^ xl_load(w + k * XL_WORDS_EACH);
  return mask == NULL ? d : d & xl_load(mask + k * XL_WORDS_EACH);
}

static inline uint32_t xl_count_carry_save(const uint32_t *a, const uint32_t *mask, const uint32_t *w,
                                           ptrdiff_t words) {
  const ptrdiff_t n = words / XL_WORDS_EACH;
  xl_machine_word one = 0, two = 0, four = 0;
  uint32_t count = 0;
  ptrdiff_t k = 0;
  for (; k + 8 <= n; k += 8) {
    xl_machine_word d[8];
    for (int i = 0; i < 8; ++i) d[i] = xl_differing(a, mask, w, k + i);
    const xl_machine_word two_a = xl_carry_save(&one, d[0], d[1]);
    const xl_machine_word two_b = xl_carry_save(&one, d[2], d[3]);
    const xl_machine_word two_c = xl_carry_save(&one, d[4], d[5]);
    const xl_machine_word two_d = xl_carry_save(&one, d[6], d[7]);
    const xl_machine_word four_a = xl_carry_save(&two, two_a, two_b);
    const xl_machine_word four_b = xl_carry_save(&two, two_c, two_d);
    count += 8 * xl_count_bits(xl_carry_save(&four, four_a, four_b));
  }
  if (k > 0) count += 4 * xl_count_bits(four) + 2 * xl_count_bits(two) + xl_count_bits(one);
  for (; k < n; ++k) count += xl_count_bits(xl_differing(a, mask, w, k));
  for (ptrdiff_t i = n * XL_WORDS_EACH; i < words; ++i) {
    count += xl_count_bits(mask == NULL ? a[i] ^ w[i] : (a[i] ^ w[i]) & mask[i]);
  }
  return count;
}

#endif
