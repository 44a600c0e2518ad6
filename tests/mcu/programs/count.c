/* The inner loop of binary dot products, compared with bits that are counted one by one: every number of words up to
 * 80 and some beyond 255, odd and even numbers of filters, and words that are all equal, where sums are largest. */
#include "board.h"
#include "xor_popcount.h"

#ifndef LONGEST
#define LONGEST 700
#endif
#define MOST_FILTERS 4

static uint32_t row[LONGEST], mask[LONGEST], weights[MOST_FILTERS * LONGEST], zeros[MOST_FILTERS * LONGEST];

static uint32_t next(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state ^ (state >> 15);
}

static uint32_t bits(uint32_t word) {
  uint32_t count = 0;
  for (; word; word &= word - 1) ++count;
  return count;
}

static int check(const char *name, ptrdiff_t words, int32_t n, const uint32_t *counts, int masked, int ternary) {
  for (int32_t f = 0; f < n; ++f) {
    uint32_t expected = 0;
    for (ptrdiff_t k = 0; k < words; ++k) {
      uint32_t differing = row[k] ^ weights[f * words + k];
      if (masked) differing &= mask[k];
      if (ternary) differing &= ~zeros[f * words + k];
      expected += bits(differing);
    }
    if (counts[f] == expected) continue;
    board_write(name);
    board_write(": words ");
    board_write_number((uint32_t)words);
    board_write(", filter ");
    board_write_number((uint32_t)f);
    board_write(", expected ");
    board_write_number(expected);
    board_write(", got ");
    board_write_number(counts[f]);
    board_write("\n");
    return 1;
  }
  return counts[n] != 77;
}

int main(void) {
  int bad = 0;
  for (int kind = 0; kind < 3; ++kind) { /* random, equal, all different */
    for (int i = 0; i < LONGEST; ++i) {
      row[i] = kind == 0 ? next() : 0;
      mask[i] = next();
    }
    for (int i = 0; i < MOST_FILTERS * LONGEST; ++i) {
      weights[i] = kind == 0 ? next() : kind == 1 ? 0 : UINT32_MAX;
      zeros[i] = next();
    }
    for (ptrdiff_t words = 1; words <= LONGEST; words += words < 80 ? 1 : 31) {
      const int32_t n = 1 + (int32_t)words % MOST_FILTERS;
      uint32_t counts[MOST_FILTERS + 1];
      counts[n] = 77;
      xl_count_differing(row, weights, words, n, counts);
      bad |= check("plain", words, n, counts, 0, 0);
      xl_count_differing_masked(row, mask, weights, words, n, counts);
      bad |= check("masked", words, n, counts, 1, 0);
      xl_count_differing_ternary(row, mask, weights, zeros, words, n, counts);
      bad |= check("ternary", words, n, counts, 1, 1);
    }
  }
  return bad;
}
