/* Windows of bits with bit filters, some of whose weights may be 0, over some number of bit planes.
 *
 * With n weights that are not 0 and lie inside, of which d_p differ from plane p, its dot product is n - 2 * d_p.
 * Plane p counts 2^p times, so that P of them give n * (2^P - 1) - 2 * the sum of 2^p * d_p. */
#include <string.h>

#include "bits.h"
#include "volume.h"
#include "xor_popcount.h"

typedef struct volume {
  const xl_volume *v;
  const uint32_t *filters;
  const uint32_t *zeros; /* NULL: no weight is 0 */
  int32_t group_c, group_out;
  ptrdiff_t pixel;     /* words of an input pixel */
  ptrdiff_t row_words; /* of a gathered window, and of a filter */
  int32_t row_bits;
  uint32_t *rows;   /* workspace: a row a plane, */
  uint32_t *inside; /* 1 in every bit that counts, */
  uint32_t *blank;  /* 0 in all of them, */
  int32_t *real;    /* and the number of weights of each filter that are not 0 */
} volume;

static volume volume_of(const xl_volume *v, void *workspace) {
  volume c;
  c.v = v;
  c.filters = c.zeros = NULL;
  c.group_c = xl_volume_group_c(v);
  c.group_out = v->out_c / v->groups;
  c.pixel = xl_words(v->in_c);
  c.row_bits = xl_volume_taps(v) * c.group_c;
  c.row_words = xl_words(c.row_bits);
  c.rows = (uint32_t *)workspace;
  if (c.rows == NULL) {
    c.inside = c.blank = NULL;
    c.real = NULL;
  } else {
    c.inside = c.rows + v->planes * c.row_words;
    c.blank = c.inside + c.row_words;
    c.real = (int32_t *)(c.blank + c.row_words);
  }
  return c;
}

uint64_t xl_volume_b_workspace(const xl_volume *v) {
  const volume c = volume_of(v, NULL);
  const uint64_t rows = (uint64_t)v->planes + 1 + (v->masked ? 1 : 0);
  return (rows * (uint64_t)c.row_words + (v->masked ? (uint64_t)v->out_c : 0)) * 4;
}

/* Appends one tap, of channels `first` and on, to each of the writers of a row; pixel is NULL outside. */
static void put_tap(const volume *c, xl_bit_writer *out, const uint32_t *pixel, int32_t first) {
  const int32_t plane_c = c->v->in_c / c->v->planes;
  for (int32_t p = 0; p < c->v->planes; ++p) {
    if (pixel == NULL) {
      xl_put_same(&out[p], c->v->pad_value < 0 ? UINT32_MAX : 0, c->group_c);
    } else {
      xl_put_row(&out[p], pixel, p * plane_c + first, c->group_c);
    }
  }
}

/* The window of output pixel `at` in every plane, and what of it is inside. image: of this batch element; first: the
 * group's first channel. Returns the number of bits that count. */
XL_APART int32_t gather(const volume *c, const uint32_t *image, const int32_t *at, int32_t first) {
  const xl_axis *axis = c->v->axis;
  xl_bit_writer out[8], inside = xl_write_bits(c->inside);
  int32_t bits = 0;
  for (int32_t p = 0; p < c->v->planes; ++p) out[p] = xl_write_bits(c->rows + p * c->row_words);
  for (int32_t i = 0; i < axis[0].window; ++i) {
    const int32_t z = xl_volume_tap(c->v, 0, at[0], i);
    for (int32_t j = 0; j < axis[1].window; ++j) {
      const int32_t y = xl_volume_tap(c->v, 1, at[1], j);
      const ptrdiff_t line = ((ptrdiff_t)z * axis[1].in + y) * axis[2].in;
      for (int32_t k = 0; k < axis[2].window; ++k) {
        const int32_t x = xl_volume_tap(c->v, 2, at[2], k);
        const int seen = z >= 0 && y >= 0 && x >= 0;
        const int counts = seen || c->v->pad_value != 0;
        put_tap(c, out, seen ? image + (line + x) * c->pixel : NULL, first);
        xl_put_same(&inside, counts ? UINT32_MAX : 0, c->group_c);
        bits += counts ? c->group_c : 0;
      }
    }
  }
  for (int32_t p = 0; p < c->v->planes; ++p) xl_end_row(&out[p]);
  xl_end_row(&inside);
  return bits;
}

/* real[i] = how many of `bits` weights inside are not 0, for n filters from `zeros` on. counts: for a block's use. */
static void count_real(const volume *c, const uint32_t *zeros, int32_t n, int32_t bits, uint32_t *counts, int32_t *real) {
  if (bits == c->row_bits) {
    xl_count_differing(c->blank, zeros, c->row_words, n, counts);
  } else {
    xl_count_differing_masked(c->blank, c->inside, zeros, c->row_words, n, counts);
  }
  for (int32_t i = 0; i < n; ++i) real[i] = bits - (int32_t)counts[i];
}

/* The dot products of n filters with the gathered window. filter: the first one's row; channel: its output. What is
 * counted is taken off twice, so that no sum leaves the range of dot products. */
static void dot_block(const volume *c, ptrdiff_t filter, int32_t channel, int32_t n, int32_t bits, int32_t *dots) {
  const ptrdiff_t words = c->row_words, from = filter * words;
  const int32_t all = (1 << c->v->planes) - 1;
  uint32_t counts[XL_BLOCK];
  if (c->zeros == NULL) {
    for (int32_t i = 0; i < n; ++i) dots[i] = bits;
  } else if (!c->v->local && bits == c->row_bits) {
    memcpy(dots, c->real + channel, (size_t)n * sizeof *dots);
  } else {
    count_real(c, c->zeros + from, n, bits, counts, dots);
  }
  for (int32_t i = 0; i < n; ++i) dots[i] *= all;
  for (int32_t p = 0; p < c->v->planes; ++p) {
    const uint32_t *row = c->rows + p * words, *weights = c->filters + from;
    if (c->zeros != NULL) {
      xl_count_differing_ternary(row, c->inside, weights, c->zeros + from, words, n, counts);
    } else if (bits == c->row_bits) {
      xl_count_differing(row, weights, words, n, counts);
    } else {
      xl_count_differing_masked(row, c->inside, weights, words, n, counts);
    }
    for (int32_t i = 0; i < n; ++i) {
      const int32_t differing = (int32_t)(counts[i] << p);
      dots[i] = (dots[i] - differing) - differing;
    }
  }
}

/* The filters of group g on the gathered window. filters: how many of them lie before the first group's. */
XL_APART void finish_group(const volume *c, int32_t g, ptrdiff_t filters, int32_t bits, xl_store_dots store,
                           const xl_channels *channels, void *out) {
  const int32_t end = (g + 1) * c->group_out;
  int32_t dots[XL_BLOCK];
  for (int32_t f = g * c->group_out; f < end;) {
    const int32_t n = xl_min32(end - f, XL_BLOCK - f % XL_BLOCK);
    dot_block(c, filters + f, f, n, bits, dots);
    store(channels, f, n, dots, out);
    f += n;
  }
}

/* One output pixel, all groups. */
static void convolve_pixel(const volume *c, const uint32_t *image, const int32_t *at, ptrdiff_t filters,
                           xl_store_dots store, const xl_channels *channels, void *out) {
  for (int32_t g = 0; g < c->v->groups; ++g) {
    const int32_t bits = gather(c, image, at, g * c->group_c);
    finish_group(c, g, filters, bits, store, channels, out);
  }
}

/* The counts of weights that hold for every window that is wholly inside. */
XL_APART void count_whole_filters(const volume *c) {
  uint32_t counts[XL_BLOCK];
  memset(c->blank, 0, (size_t)c->row_words * sizeof *c->blank);
  if (c->v->local) return;
  for (int32_t f = 0; f < c->v->out_c; f += XL_BLOCK) {
    const int32_t n = xl_min32(c->v->out_c - f, XL_BLOCK);
    count_real(c, c->zeros + f * c->row_words, n, c->row_bits, counts, c->real + f);
  }
}

void xl_volume_b(const xl_op *op, const xl_volume *v, xl_store_dots store, ptrdiff_t out_words) {
  const xl_axis *axis = v->axis;
  const xl_channels channels = xl_channels_of(op, v->activation);
  const uint32_t *image = (const uint32_t *)op->in[0];
  char *out = (char *)op->out;
  volume c = volume_of(v, op->workspace);
  c.filters = (const uint32_t *)op->in[1];
  c.zeros = v->masked ? (const uint32_t *)op->in[5] : NULL;
  if (c.zeros != NULL) count_whole_filters(&c);
  for (int32_t n = 0; n < v->batch; ++n) {
    int32_t at[3];
    ptrdiff_t filters = 0;
    for (at[0] = 0; at[0] < axis[0].out; ++at[0]) {
      for (at[1] = 0; at[1] < axis[1].out; ++at[1]) {
        for (at[2] = 0; at[2] < axis[2].out; ++at[2], out += out_words * 4) {
          convolve_pixel(&c, image, at, filters, store, &channels, out);
          if (v->local) filters += v->out_c;
        }
      }
    }
    image += (ptrdiff_t)axis[0].in * axis[1].in * axis[2].in * c.pixel;
  }
}
