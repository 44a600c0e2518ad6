/* Binary dot products with the machine's popcount instruction where it has one, else with carry-save adders.
 *
 * On x86 popcnt is no part of the base instruction set: both versions are compiled and one is chosen at run time.
 * Carry-save adders may be written for one core (core.h). XL_PORTABLE leaves only what every C99 compiler takes. */
#include "xor_popcount.h"

#include "bits.h"
#include "carry_save.h"
#include "core.h"
#include "machine_word.h"

#if defined(XL_PORTABLE)
#define HAS_INSTRUCTION 0
#elif defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__)) && !defined(__POPCNT__)
#define HAS_INSTRUCTION __builtin_cpu_supports("popcnt")
#define WITH_INSTRUCTION __attribute__((target("popcnt")))
#elif defined(__GNUC__) && \
    (defined(__POPCNT__) || defined(__aarch64__) || defined(__wasm__) || defined(__riscv_zbb))
#define HAS_INSTRUCTION 1
#define WITH_INSTRUCTION
#else
#define HAS_INSTRUCTION 0
#endif

int xl_has_popcount(void) { return HAS_INSTRUCTION; }

#ifdef WITH_INSTRUCTION

WITH_INSTRUCTION static inline uint32_t popcount(xl_machine_word w) {
  return (uint32_t)(sizeof w == 8 ? __builtin_popcountll(w) : __builtin_popcount((uint32_t)w));
}

/* Four rows of weights at once: each word of the row is loaded once for the four, and the four counts are
 * independent, so that the popcounts overlap. A word then costs an xor with a load, a popcount and an addition.
 * Every bit counts where mask is NULL; inlined, so that this is known where it is called. */
WITH_INSTRUCTION XL_INLINE void count_four(const uint32_t *row, const uint32_t *mask, const uint32_t *weights,
                                           ptrdiff_t words, uint32_t *counts) {
  const uint32_t *w0 = weights, *w1 = w0 + words, *w2 = w1 + words, *w3 = w2 + words;
  uint32_t c0 = 0, c1 = 0, c2 = 0, c3 = 0;
  ptrdiff_t k = 0;
  for (; k + XL_WORDS_EACH <= words; k += XL_WORDS_EACH) {
    const xl_machine_word a = xl_load(row + k), m = mask == NULL ? ~(xl_machine_word)0 : xl_load(mask + k);
    c0 += popcount((a ^ xl_load(w0 + k)) & m);
    c1 += popcount((a ^ xl_load(w1 + k)) & m);
    c2 += popcount((a ^ xl_load(w2 + k)) & m);
    c3 += popcount((a ^ xl_load(w3 + k)) & m);
  }
  for (; k < words; ++k) {
    const uint32_t a = row[k], m = mask == NULL ? UINT32_MAX : mask[k];
    c0 += popcount((a ^ w0[k]) & m);
    c1 += popcount((a ^ w1[k]) & m);
    c2 += popcount((a ^ w2[k]) & m);
    c3 += popcount((a ^ w3[k]) & m);
  }
  counts[0] = c0;
  counts[1] = c1;
  counts[2] = c2;
  counts[3] = c3;
}

WITH_INSTRUCTION XL_INLINE uint32_t count_one(const uint32_t *row, const uint32_t *mask, const uint32_t *w,
                                              ptrdiff_t words) {
  uint32_t count = 0;
  ptrdiff_t k = 0;
  for (; k + XL_WORDS_EACH <= words; k += XL_WORDS_EACH) {
    const xl_machine_word d = xl_load(row + k) ^ xl_load(w + k);
    count += popcount(mask == NULL ? d : d & xl_load(mask + k));
  }
  for (; k < words; ++k) count += popcount(mask == NULL ? row[k] ^ w[k] : (row[k] ^ w[k]) & mask[k]);
  return count;
}

WITH_INSTRUCTION XL_INLINE void count_all(const uint32_t *row, const uint32_t *mask, const uint32_t *weights,
                                          ptrdiff_t words, int32_t n, uint32_t *counts) {
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) count_four(row, mask, weights + i * words, words, counts + i);
  for (; i < n; ++i) counts[i] = count_one(row, mask, weights + i * words, words);
}

WITH_INSTRUCTION static void count_instruction(const uint32_t *row, const uint32_t *weights, ptrdiff_t words,
                                               int32_t n, uint32_t *counts) {
  count_all(row, NULL, weights, words, n, counts);
}

WITH_INSTRUCTION static void count_masked_instruction(const uint32_t *row, const uint32_t *mask,
                                                      const uint32_t *weights, ptrdiff_t words, int32_t n,
                                                      uint32_t *counts) {
  count_all(row, mask, weights, words, n, counts);
}

WITH_INSTRUCTION static void count_ternary_instruction(const uint32_t *row, const uint32_t *mask,
                                                       const uint32_t *weights, const uint32_t *zeros,
                                                       ptrdiff_t words, int32_t n, uint32_t *counts) {
  for (int32_t i = 0; i < n; ++i, weights += words, zeros += words) {
    uint32_t count = 0;
    ptrdiff_t k = 0;
    for (; k + XL_WORDS_EACH <= words; k += XL_WORDS_EACH) {
      count += popcount((xl_load(row + k) ^ xl_load(weights + k)) & xl_load(mask + k) & ~xl_load(zeros + k));
    }
    for (; k < words; ++k) count += popcount((row[k] ^ weights[k]) & mask[k] & ~zeros[k]);
    counts[i] = count;
  }
}

#endif

void xl_count_differing(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, int32_t n,
                        uint32_t *counts) {
#ifdef WITH_INSTRUCTION
  if (HAS_INSTRUCTION) {
    count_instruction(row, weights, words, n, counts);
    return;
  }
#endif
#ifdef XL_CORE_COUNTS
  xl_core_count_differing(row, weights, words, n, counts);
#else
  for (int32_t i = 0; i < n; ++i) counts[i] = xl_count_carry_save(row, NULL, weights + i * words, NULL, words);
#endif
}

void xl_count_differing_masked(const uint32_t *row, const uint32_t *mask, const uint32_t *weights, ptrdiff_t words,
                               int32_t n, uint32_t *counts) {
#ifdef WITH_INSTRUCTION
  if (HAS_INSTRUCTION) {
    count_masked_instruction(row, mask, weights, words, n, counts);
    return;
  }
#endif
  for (int32_t i = 0; i < n; ++i) counts[i] = xl_count_carry_save(row, mask, weights + i * words, NULL, words);
}

void xl_count_differing_ternary(const uint32_t *row, const uint32_t *mask, const uint32_t *weights,
                                const uint32_t *zeros, ptrdiff_t words, int32_t n, uint32_t *counts) {
#ifdef WITH_INSTRUCTION
  if (HAS_INSTRUCTION) {
    count_ternary_instruction(row, mask, weights, zeros, words, n, counts);
    return;
  }
#endif
  for (int32_t i = 0; i < n; ++i) {
    counts[i] = xl_count_carry_save(row, mask, weights + i * words, zeros + i * words, words);
  }
}
