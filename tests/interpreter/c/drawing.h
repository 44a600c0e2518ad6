/* Numbers and rows of bits for test programs, drawn at random: the same on every machine. */
#ifndef DRAWING_H
#define DRAWING_H

#include <stdint.h>
#include <stdlib.h>

static uint32_t state = 1;

static inline uint32_t random_word(void) {
  state = state * 1664525u + 1013904223u;
  return (state >> 16) | (state * 2246822519u & 0xffff0000u);
}

static inline int32_t below(int32_t n) { return (int32_t)(random_word() % (uint32_t)n); }

static inline float random_float(void) { return (float)(below(2001) - 1000) / 512.0f; }

static inline int32_t words(int32_t bits) { return (bits + 31) / 32; }

/* Rows of random bits, unused ones 0; memory ends where they do. */
static inline uint32_t *random_rows(int32_t rows, int32_t bits) {
  const int32_t n = words(bits);
  uint32_t *out = (uint32_t *)malloc((size_t)rows * (size_t)n * 4 + 1);
  for (int32_t i = 0; i < rows * n; ++i) {
    const int32_t used = bits - i % n * 32;
    out[i] = random_word() & (used >= 32 ? UINT32_MAX : (1u << used) - 1);
  }
  return out;
}

#endif
