/* Walking over all axes of a tensor but its last. Internal. */
#ifndef XL_AXES_H
#define XL_AXES_H

#include <stdint.h>

/* The number of rows: the product of all axes but the last. */
static inline int32_t xl_rows(const int32_t *shape, int32_t rank) {
  int32_t rows = 1;
  for (int32_t a = 0; a + 1 < rank; ++a) rows *= shape[a];
  return rows;
}

/* The index of the next row, the axis before the last running fastest. */
static inline void xl_next_row(int32_t *index, const int32_t *shape, int32_t rank) {
  for (int32_t a = rank - 2; a >= 0; --a) {
    if (++index[a] < shape[a]) return;
    index[a] = 0;
  }
}

#endif
