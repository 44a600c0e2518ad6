/* The AVX-512 intrinsics that arch/x86_avx512*.c use, computed lane by lane, so that its tiles can be tested where
 * the machine does not have them. */
#ifndef EMULATED_AVX512_H
#define EMULATED_AVX512_H

#include <stdint.h>
#include <string.h>

typedef int32_t __m512i __attribute__((vector_size(64)));
typedef float __m512 __attribute__((vector_size(64)));
typedef int16_t __m256i __attribute__((vector_size(32)));
typedef int16_t emulated_words __attribute__((vector_size(64)));
typedef uint32_t __mmask32;

#define EMULATED static inline __attribute__((always_inline))

EMULATED __m512i _mm512_set1_epi32(int32_t x) { return (__m512i){0} + x; }
EMULATED __m512i _mm512_setzero_si512(void) { return (__m512i){0}; }
EMULATED __m512i _mm512_load_si512(const void *p) { return *(const __m512i *)p; }
EMULATED __m512i _mm512_add_epi32(__m512i a, __m512i b) { return a + b; }
EMULATED __m512i _mm512_andnot_si512(__m512i a, __m512i b) { return ~a & b; }

/* Bit 4a + 2b + c of the table, for every bit. */
EMULATED __m512i _mm512_ternarylogic_epi32(__m512i a, __m512i b, __m512i c, int table) {
  __m512i y = {0};
  for (int i = 0; i < 8; ++i) {
    if (table >> i & 1) y |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
  }
  return y;
}

EMULATED __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) { return a * b + c; } /* rounded twice */

EMULATED __m512i _mm512_popcnt_epi32(__m512i a) {
  for (int i = 0; i < 16; ++i) a[i] = __builtin_popcount((uint32_t)a[i]);
  return a;
}

EMULATED __m256i _mm512_cvtepi32_epi16(__m512i a) {
  __m256i y = {0};
  for (int i = 0; i < 16; ++i) y[i] = (int16_t)a[i];
  return y;
}

EMULATED __mmask32 _mm512_cmpgt_epi16_mask(__m512i a, __m512i b) {
  const emulated_words greater = (emulated_words)a > (emulated_words)b;
  __mmask32 mask = 0;
  for (int i = 0; i < 32; ++i) mask |= (uint32_t)(greater[i] & 1) << i;
  return mask;
}

EMULATED __m256i _mm256_load_si256(const __m256i *p) { return *p; }
EMULATED void _mm256_store_si256(__m256i *p, __m256i a) { *p = a; }
EMULATED __m256i _mm256_add_epi16(__m256i a, __m256i b) { return a + b; }

#endif
