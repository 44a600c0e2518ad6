/* Reading a tensor in another order: TRANSPOSE, SLICE and TILE are copies through a view. Internal.
 *
 * A view has axes like a tensor, and a step along each in elements of what it looks at. Bits are counted from the
 * first one of the tensor on, unused ones at the end of rows included. */
#ifndef XL_VIEW_H
#define XL_VIEW_H

#include "bits.h"
#include "xlite.h"

typedef struct xl_view {
  int32_t rank;
  int64_t first; /* where its first element is */
  int32_t extent[2 * XL_MAX_RANK];
  int64_t step[2 * XL_MAX_RANK];
} xl_view;

static inline xl_view xl_empty_view(void) {
  xl_view v;
  v.rank = 0;
  v.first = 0;
  return v;
}

/* Adds an axis behind the others. */
static inline void xl_add_axis(xl_view *v, int32_t extent, int64_t step) {
  v->extent[v->rank] = extent;
  v->step[v->rank] = step;
  ++v->rank;
}

/* The steps of a tensor of this shape: in elements, or in bits where bits is 1. */
static inline void xl_steps_of(const int32_t *shape, int32_t rank, int bits, int64_t *steps) {
  int64_t step = 1;
  for (int32_t a = rank - 1; a >= 0; --a) {
    steps[a] = step;
    step *= bits && a == rank - 1 ? xl_words(shape[a]) * XL_WORD_BITS : shape[a];
  }
}

/* Copies what the view sees, in order. pieces: how often the last axis of the view makes up a row of the output. */
void xl_copy_view_f32(const float *x, const xl_view *v, float *y);
void xl_copy_view_8(const uint8_t *x, const xl_view *v, uint8_t *y);
void xl_copy_view_b(const uint32_t *x, const xl_view *v, int32_t pieces, uint32_t *y);

#endif
