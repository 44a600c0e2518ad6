#include "view.h"

#include <string.h>

/* Goes on to the next run of the last axis: adds to *at what lies between. Returns 0 behind the last one. */
static int next_run(const xl_view *v, int32_t *index, int64_t *at) {
  for (int32_t a = v->rank - 2; a >= 0; --a) {
    *at += v->step[a];
    if (++index[a] < v->extent[a]) return 1;
    *at -= v->step[a] * v->extent[a];
    index[a] = 0;
  }
  return 0;
}

/* The same view with as few axes as possible, for longer runs. */
static xl_view joined(const xl_view *v) {
  xl_view j = xl_empty_view();
  j.first = v->first;
  for (int32_t a = 0; a < v->rank; ++a) {
    const int32_t last = j.rank - 1;
    if (v->extent[a] == 1) continue;
    if (last >= 0 && j.step[last] == v->extent[a] * v->step[a]) {
      j.extent[last] *= v->extent[a];
      j.step[last] = v->step[a];
    } else {
      xl_add_axis(&j, v->extent[a], v->step[a]);
    }
  }
  if (j.rank == 0) xl_add_axis(&j, 1, 1);
  return j;
}

#define COPY_VIEW(suffix, type)                                                  \
  void xl_copy_view_##suffix(const type *x, const xl_view *view, type *y) {      \
    const xl_view v = joined(view);                                              \
    const int32_t n = v.extent[v.rank - 1];                                      \
    const ptrdiff_t step = (ptrdiff_t)v.step[v.rank - 1];                        \
    int32_t index[2 * XL_MAX_RANK] = {0};                                        \
    int64_t at = v.first;                                                        \
    do {                                                                         \
      const type *from = x + at;                                                 \
      if (step == 1) {                                                           \
        memcpy(y, from, (size_t)n * sizeof *y);                                  \
      } else {                                                                   \
        for (int32_t i = 0; i < n; ++i) y[i] = from[i * step];                   \
      }                                                                          \
      y += n;                                                                    \
    } while (next_run(&v, index, &at));                                          \
  }                                                                              \
  typedef int copy_view_##suffix##_takes_a_semicolon

COPY_VIEW(f32, float);
COPY_VIEW(8, uint8_t);

/* Appends n bits that lie `step` apart. */
static void put_strided(xl_bit_writer *out, const uint32_t *x, int64_t at, int64_t step, int32_t n) {
  while (n > 0) {
    const int32_t some = xl_min32(n, XL_WORD_BITS);
    uint32_t word = 0;
    for (int32_t i = 0; i < some; ++i, at += step) {
      word |= (x[at / XL_WORD_BITS] >> (at % XL_WORD_BITS) & 1u) << i;
    }
    xl_put(out, word, some);
    n -= some;
  }
}

void xl_copy_view_b(const uint32_t *x, const xl_view *v, int32_t pieces, uint32_t *y) {
  const int32_t n = v->extent[v->rank - 1];
  const int64_t step = v->step[v->rank - 1];
  int32_t index[2 * XL_MAX_RANK] = {0}, piece = 0;
  int64_t at = v->first;
  xl_bit_writer out = xl_write_bits(y);
  do {
    if (step == 1) {
      xl_put_row(&out, x + at / XL_WORD_BITS, (int32_t)(at % XL_WORD_BITS), n);
    } else {
      put_strided(&out, x, at, step, n);
    }
    if (++piece == pieces) {
      xl_end_row(&out);
      piece = 0;
    }
  } while (next_run(v, index, &at));
}
