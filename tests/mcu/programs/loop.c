/* What a word of the inner loop costs: WORDS words against 32 filters, as a convolution calls it. */
#include "board.h"
#include "xor_popcount.h"

#define FILTERS 32

static const uint32_t weights[FILTERS * WORDS];
static uint32_t row[WORDS], counts[FILTERS];

int main(void) {
  xl_count_differing(row, weights, WORDS, FILTERS, counts);
  return counts[0] != 0;
}
