/* DENSE of bits with bit filters: each row of x against every filter. Filters with masks and bit planes go by
 * volume.h. */
#include "bits.h"
#include "store.h"
#include "trim.h"
#include "volume.h"
#include "xor_popcount.h"

static int is_plain(const xl_dense_params *p) { return p->planes == 1 && !p->masked; }

uint64_t xl_dense_b_b_workspace(const xl_dense_params *p) {
  const xl_volume v = xl_volume_of_dense(p);
  return !XL_WITH_VOLUMES || is_plain(p) ? 0 : xl_volume_b_workspace(&v);
}

XL_APART void dense_volume(const xl_op *op, xl_store_dots store, ptrdiff_t out_words) {
  if (XL_WITH_VOLUMES) {
    const xl_volume v = xl_volume_of_dense((const xl_dense_params *)op->params);
    xl_volume_b(op, &v, store, out_words);
  }
}

/* out_words: 4-byte words of an output row. */
XL_APART void dense_plain(const xl_op *op, xl_store store, ptrdiff_t out_words) {
  const xl_dense_params *p = (const xl_dense_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const ptrdiff_t words = xl_words(p->features);
  const uint32_t *x = (const uint32_t *)op->in[0];
  char *out = (char *)op->out;
  uint32_t counts[XL_BLOCK];
  for (int32_t r = 0; r < p->rows; ++r) {
    const uint32_t *filters = (const uint32_t *)op->in[1];
    for (int32_t u = 0; u < p->units; u += XL_BLOCK) {
      const int32_t n = xl_min32(p->units - u, XL_BLOCK);
      xl_count_differing(x, filters, words, n, counts);
      store(&channels, u, n, p->features, counts, out);
      filters += n * words;
    }
    x += words;
    out += out_words * 4;
  }
}

/* store_dots: what `store` does with counts. */
static void dense(const xl_op *op, xl_store store, xl_store_dots store_dots, ptrdiff_t out_words) {
  if (XL_WITH_VOLUMES && !is_plain((const xl_dense_params *)op->params)) {
    dense_volume(op, store_dots, out_words);
  } else {
    dense_plain(op, store, out_words);
  }
}

void xl_dense_b_b_b(const xl_op *op) {
  dense(op, xl_store_b, xl_store_dots_b, xl_words(((const xl_dense_params *)op->params)->units));
}

void xl_dense_b_b_i32(const xl_op *op) {
  dense(op, xl_store_i32, xl_store_dots_i32, ((const xl_dense_params *)op->params)->units);
}

void xl_dense_b_b_f32(const xl_op *op) {
  dense(op, xl_store_f32, xl_store_dots_f32, ((const xl_dense_params *)op->params)->units);
}
