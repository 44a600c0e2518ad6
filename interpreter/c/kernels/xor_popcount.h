/* Counting where a row of bits differs from rows of weights: the inner loop of every binary dot product.
 *
 * With signs as bits (1 means -1) a product is -1 exactly where two bits differ, so a dot product of K signs is
 * (K - d) - d with d = popcount(a xor w). Unused bits are 0 on both sides and cancel. Internal. */
#ifndef XL_XOR_POPCOUNT_H
#define XL_XOR_POPCOUNT_H

#include <stddef.h>
#include <stdint.h>

/* Whether the machine's popcount instruction is used. */
int xl_has_popcount(void);

/* counts[i] = in how many bits `row` differs from row i of `weights`, i < n; all rows have `words` words. */
void xl_count_differing(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, int32_t n,
                        uint32_t *counts);

/* The same of the bits that are 1 in `mask`. */
void xl_count_differing_masked(const uint32_t *row, const uint32_t *mask, const uint32_t *weights, ptrdiff_t words,
                               int32_t n, uint32_t *counts);

/* The same of the bits that are 1 in `mask` and 0 in row i of `zeros`, the weights that are 0. */
void xl_count_differing_ternary(const uint32_t *row, const uint32_t *mask, const uint32_t *weights,
                                const uint32_t *zeros, ptrdiff_t words, int32_t n, uint32_t *counts);

#endif
