/* DENSE of integers, see integers.h: each row of x against every filter, both widened a chunk at a time. */
#include "integers.h"

/* The dot products of one row with `units` filters, up to a tile of them. */
static void dot_row(const xl_integers *kind, const xl_numbers *x, const xl_weights *w, ptrdiff_t row, int32_t unit,
                    int32_t units, int32_t *dots) {
  int16_t tile[XL_TILE_I16][XL_CHUNK_I16], numbers[XL_CHUNK_I16];
  int32_t sums[XL_TILE_I16] = {0};
  for (int32_t at = 0; at < x->channels; at += XL_CHUNK_I16) {
    const int32_t n = xl_min32(x->channels - at, XL_CHUNK_I16);
    kind->widen(x, row, at, n, numbers);
    xl_fill_i16(numbers + n, 0, xl_filled_i16(n) - n);
    xl_weigh_tile(kind->weigh, w, unit, unit + units - 1, at, n, tile);
    xl_dot_tile_i16(numbers, (const int16_t(*)[XL_CHUNK_I16])tile, n, sums);
  }
  for (int32_t u = 0; u < units; ++u) dots[u] = sums[u];
}

static void run(const xl_op *op, const xl_integers *kind) {
  const xl_dense_params *p = (const xl_dense_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const xl_numbers x = {op->in[0], p->features, p->input_multiplier, p->input_zero_point};
  const xl_weights w = xl_weights_of(op, p->masked, p->features);
  char *out = (char *)op->out;
  int32_t dots[XL_BLOCK];
  for (int32_t r = 0; r < p->rows; ++r, out += 4 * xl_output_words(kind, p->units)) {
    for (int32_t first = 0; first < p->units; first += XL_BLOCK) {
      const int32_t n = xl_min32(p->units - first, XL_BLOCK);
      for (int32_t u = 0; u < n; u += XL_TILE_I16) {
        dot_row(kind, &x, &w, r, first + u, xl_min32(XL_TILE_I16, n - u), dots + u);
      }
      kind->store(&channels, first, n, dots, out);
    }
  }
}

XL_INTEGER_OP(xl_dense);
