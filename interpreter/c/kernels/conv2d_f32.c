/* CONV_2D of floats, with float or bit filters.
 *
 * The windows of STRIP output pixels are gathered side by side, element k of all of them next to each other. Then
 * TILE filters at a time go over the strip: an element of a filter is used STRIP times, a gathered element TILE
 * times, and the sums stay in registers. A sum is made of the sums of CHUNK elements, which keeps rounding errors
 * small in long windows. Its order is the same whatever the strip: a pixel's value does not depend on where it
 * lies. */
#include <string.h>

#include "bits.h"
#include "core.h"
#include "dots_f32.h"
#include "lanes.h"
#include "store.h"
#include "trim.h"
#include "window.h"

#define STRIP 8
#define TILE 4
#define CHUNK XL_WORD_BITS
#define FEW 2 /* so many pixels at the end of an image are done one by one: a strip costs as much as three */

typedef struct conv {
  const xl_conv2d_params *p;
  int32_t group_c, group_out; /* input and output channels of a group */
  ptrdiff_t k;                /* elements of a window */
  const float *x;
  const float *weights;       /* one of these two is NULL */
  const uint32_t *bits;
  const uint32_t *zeros;      /* beside bits: 1 where a weight is 0; NULL where none is */
  float *strip;               /* workspace: [k][STRIP] */
} conv;

uint64_t xl_conv2d_f32_workspace(const xl_conv2d_params *p) {
  const uint64_t taps = (uint64_t)p->window.window_h * (uint64_t)p->window.window_w;
  return taps * (uint64_t)(p->in_c / p->groups) * (XL_WITH_TILES ? STRIP : 1) * sizeof(float);
}

/* n floats from `from` on, or zeros where it is NULL, to every stride-th of `to`. */
static void spread(const float *from, ptrdiff_t n, float *to, ptrdiff_t stride) {
#ifdef XL_CORE_FLOATS
  if (from != NULL) {
    xl_core_spread_f32(from, n, to, stride);
    return;
  }
#endif
  for (ptrdiff_t e = 0; e < n; ++e) to[e * stride] = from == NULL ? 0.0f : from[e];
}

/* Output pixel `index` of the whole batch: its window becomes column 0 of `to`, whose rows are `stride` apart. Taps
 * that are neighbours in memory are copied together. */
static void gather(const conv *c, int32_t index, int32_t group, float *to, ptrdiff_t stride) {
  const xl_window *win = &c->p->window;
  const int32_t x = index % win->out_w, y = index / win->out_w % win->out_h, n = index / win->out_w / win->out_h;
  const xl_span h = xl_span_h(win, y), w = xl_span_w(win, x);
  const float *image = c->x + (ptrdiff_t)n * win->in_h * win->in_w * c->p->in_c + group * c->group_c;
  const int32_t together = win->dilation_w == 1 && c->p->groups == 1 ? xl_max32(xl_span_count(w), 1) : 1;
  for (int32_t i = 0; i < win->window_h; ++i) {
    const ptrdiff_t row = h.start + (ptrdiff_t)i * win->dilation_h;
    for (int32_t j = 0; j < win->window_w;) {
      const int inside = i >= h.begin && i < h.end && j >= w.begin && j < w.end;
      const int32_t taps = inside ? together : 1;
      const ptrdiff_t elements = (ptrdiff_t)taps * c->group_c;
      const ptrdiff_t at = row * win->in_w + w.start + (ptrdiff_t)j * win->dilation_w;
      spread(inside ? image + at * c->p->in_c : NULL, elements, to, stride);
      to += elements * stride;
      j += taps;
    }
  }
}

XL_INLINE void add_pair(float *sums, xl_f32x4 a, xl_f32x4 b) {
  xl_store4(sums, xl_add4(xl_load4(sums), a));
  xl_store4(sums + XL_LANES, xl_add4(xl_load4(sums + XL_LANES), b));
}

/* Adds to sums[f][s] the dot product of k elements of filter f and of pixel s of the strip. */
static void tile_f32(const float *x, const float *const *w, ptrdiff_t k, float sums[TILE][STRIP]) {
  const float *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
  xl_f32x4 a0 = xl_splat4(0), a1 = a0, a2 = a0, a3 = a0; /* pixels 0 to 3 */
  xl_f32x4 b0 = a0, b1 = a0, b2 = a0, b3 = a0;           /* pixels 4 to 7 */
  for (ptrdiff_t i = 0; i < k; ++i, x += STRIP) {
    const xl_f32x4 a = xl_load4(x), b = xl_load4(x + XL_LANES);
    const xl_f32x4 s0 = xl_splat4(w0[i]), s1 = xl_splat4(w1[i]), s2 = xl_splat4(w2[i]), s3 = xl_splat4(w3[i]);
    a0 = xl_add_product4(a0, a, s0), b0 = xl_add_product4(b0, b, s0);
    a1 = xl_add_product4(a1, a, s1), b1 = xl_add_product4(b1, b, s1);
    a2 = xl_add_product4(a2, a, s2), b2 = xl_add_product4(b2, b, s2);
    a3 = xl_add_product4(a3, a, s3), b3 = xl_add_product4(b3, b, s3);
  }
  add_pair(sums[0], a0, b0);
  add_pair(sums[1], a1, b1);
  add_pair(sums[2], a2, b2);
  add_pair(sums[3], a3, b3);
}

/* The same with up to 32 signs of each filter, w[f]: no product, the sign of x changes where the bit is 1. */
static void tile_bits(const float *x, const uint32_t *w, ptrdiff_t k, float sums[TILE][STRIP]) {
  uint32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
  xl_f32x4 a0 = xl_splat4(0), a1 = a0, a2 = a0, a3 = a0;
  xl_f32x4 b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (ptrdiff_t i = 0; i < k; ++i, x += STRIP) {
    const xl_f32x4 a = xl_load4(x), b = xl_load4(x + XL_LANES);
    const xl_u32x4 s0 = xl_splat4_u32(w0 << 31), s1 = xl_splat4_u32(w1 << 31);
    const xl_u32x4 s2 = xl_splat4_u32(w2 << 31), s3 = xl_splat4_u32(w3 << 31);
    a0 = xl_add4(a0, xl_flip4(a, s0)), b0 = xl_add4(b0, xl_flip4(b, s0));
    a1 = xl_add4(a1, xl_flip4(a, s1)), b1 = xl_add4(b1, xl_flip4(b, s1));
    a2 = xl_add4(a2, xl_flip4(a, s2)), b2 = xl_add4(b2, xl_flip4(b, s2));
    a3 = xl_add4(a3, xl_flip4(a, s3)), b3 = xl_add4(b3, xl_flip4(b, s3));
    w0 >>= 1, w1 >>= 1, w2 >>= 1, w3 >>= 1;
  }
  add_pair(sums[0], a0, b0);
  add_pair(sums[1], a1, b1);
  add_pair(sums[2], a2, b2);
  add_pair(sums[3], a3, b3);
}

/* One pixel, its window contiguous: the same sums in the same order. */
static void column_f32(const float *x, const float *const *w, ptrdiff_t k, float sums[TILE][STRIP]) {
  const float *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
  float t0 = 0, t1 = 0, t2 = 0, t3 = 0;
  for (ptrdiff_t i = 0; i < k; ++i) {
    t0 += x[i] * w0[i];
    t1 += x[i] * w1[i];
    t2 += x[i] * w2[i];
    t3 += x[i] * w3[i];
  }
  sums[0][0] += t0, sums[1][0] += t1, sums[2][0] += t2, sums[3][0] += t3;
}

static void column_bits(const float *x, const uint32_t *w, ptrdiff_t k, float sums[TILE][STRIP]) {
  float t0 = 0, t1 = 0, t2 = 0, t3 = 0;
  for (ptrdiff_t i = 0; i < k; ++i) {
    t0 += xl_flip(x[i], xl_flip_of(w, i));
    t1 += xl_flip(x[i], xl_flip_of(w + 1, i));
    t2 += xl_flip(x[i], xl_flip_of(w + 2, i));
    t3 += xl_flip(x[i], xl_flip_of(w + 3, i));
  }
  sums[0][0] += t0, sums[1][0] += t1, sums[2][0] += t2, sums[3][0] += t3;
}

/* Word `at` of each of these filters. */
static void words_of(const conv *c, const uint32_t *rows, int32_t filter, int32_t last, ptrdiff_t at,
                     uint32_t *w) {
  for (int f = 0; f < TILE; ++f) w[f] = rows[xl_min32(filter + f, last) * xl_words(c->k) + at];
}

/* Bit i of a word as a weight: w has its sign, and it is 0 where that of z is 1. */
XL_INLINE float weight_of(uint32_t w, uint32_t z, ptrdiff_t i) {
  const float sign = w & xl_lane_bit[i] ? -1.0f : 1.0f;
  return z & xl_lane_bit[i] ? 0.0f : sign;
}

/* With up to 32 signs and zeros of each filter, as floats: a product costs no more than changing a sign, and each of
 * these serves a whole strip. */
XL_APART void tile_masked(const float *x, const uint32_t *w, const uint32_t *z, ptrdiff_t k, int width,
                          float sums[TILE][STRIP]) {
  float weights[TILE][CHUNK];
  for (int f = 0; f < TILE; ++f) {
    for (int i = 0; i < CHUNK; ++i) weights[f][i] = weight_of(w[f], z[f], i);
  }
  const float *const rows[TILE] = {weights[0], weights[1], weights[2], weights[3]};
  (width == 1 ? column_f32 : tile_f32)(x, rows, k, sums);
}

/* The same of one pixel, without room for the floats. */
static void column_masked(const float *x, const uint32_t *w, const uint32_t *z, ptrdiff_t k, float sums[TILE][STRIP]) {
  for (int f = 0; f < TILE; ++f) {
    float t = 0;
    for (ptrdiff_t i = 0; i < k; ++i) t += x[i] * weight_of(w[f], z[f], i);
    sums[f][0] += t;
  }
}

#ifdef XL_CORE_FLOATS
/* Elements at to at + n - 1 of `filters` filters from `filter` on, the second *step bytes behind the first: floats
 * where they lie, bits as floats in `room`. */
static const float *core_filters(const conv *c, int32_t filter, int32_t filters, ptrdiff_t at, ptrdiff_t n,
                                 float *room, ptrdiff_t *step) {
  if (!XL_WITH_BIT_FILTERS || (XL_WITH_FLOAT_FILTERS && c->weights != NULL)) {
    *step = c->k * (ptrdiff_t)sizeof(float);
    return c->weights + filter * c->k + at;
  }
  const ptrdiff_t words = xl_words(c->k);
  for (int32_t f = 0; f < filters; ++f) {
    xl_core_unpack_f32(c->bits + (filter + f) * words + at / XL_WORD_BITS, n, room + f * XL_LONG_CHUNK);
  }
  *step = XL_LONG_CHUNK * (ptrdiff_t)sizeof(float);
  return room;
}

/* As `tile` below, of one pixel. */
static void core_column(const conv *c, int32_t filter, int32_t last, float sums[TILE][STRIP]) {
  const int32_t filters = xl_min32(last - filter + 1, TILE);
  memset(sums, 0, TILE * sizeof sums[0]);
  for (ptrdiff_t i = 0; i < c->k; i += XL_LONG_CHUNK) {
    const ptrdiff_t n = c->k - i < XL_LONG_CHUNK ? c->k - i : XL_LONG_CHUNK;
    float room[TILE * XL_LONG_CHUNK], part[TILE];
    ptrdiff_t step;
    const float *w = core_filters(c, filter, filters, i, n, room, &step);
    xl_dots_of_rows(c->strip + i, w, step, n, filters, part);
    for (int32_t f = 0; f < filters; ++f) sums[f][0] += part[f];
  }
}

/* The outputs of two filters, of which the second may be the first again, for `pixels` pixels of a strip. */
static void core_pair(const conv *c, int32_t filter, int32_t filters, const xl_channels *channels, int32_t pixels,
                      float *out) {
  const ptrdiff_t step = c->p->out_c * (ptrdiff_t)sizeof(float);
  float room[2 * XL_LONG_CHUNK], sums[2 * STRIP];
  float constants[4] = {1.0f, 1.0f, -0.0f, -0.0f}; /* nothing changes by these */
  for (int32_t f = 0; f < filters; ++f) {
    if (channels->scale != NULL) constants[f] = channels->scale[filter + f];
    if (channels->bias != NULL) constants[2 + f] = channels->bias[filter + f];
  }
  for (ptrdiff_t i = 0; i < c->k; i += XL_LONG_CHUNK) {
    const ptrdiff_t n = c->k - i < XL_LONG_CHUNK ? c->k - i : XL_LONG_CHUNK;
    ptrdiff_t to_second;
    const float *w = core_filters(c, filter, filters, i, n, room, &to_second);
    if (filters == 1) to_second = 0;
    if (i == 0) {
      xl_core_dots_8x2(c->strip, w, to_second, n, sums);
      continue;
    }
    float part[2 * STRIP];
    xl_core_dots_8x2(c->strip + i * STRIP, w, to_second, n, part);
    for (int s = 0; s < 2 * STRIP; ++s) sums[s] += part[s];
  }
  if (filters == 2) {
    xl_core_finish_8x2(sums, step, constants, out + filter, pixels);
    return;
  }
  float both[2 * STRIP];
  xl_core_finish_8x2(sums, 2 * sizeof *both, constants, both, pixels);
  for (int32_t s = 0; s < pixels; ++s) out[s * (ptrdiff_t)c->p->out_c + filter] = both[2 * s];
}

/* As `convolve_strip` below, of whole strips, with scale and bias. */
static void core_strip(const conv *c, int32_t index, int32_t pixels, const xl_channels *channels, float *out) {
  if (pixels < STRIP) memset(c->strip, 0, (size_t)(c->k * STRIP) * sizeof *c->strip);
  for (int32_t g = 0; g < c->p->groups; ++g) {
    const int32_t first = g * c->group_out, end = first + c->group_out;
    for (int32_t s = 0; s < pixels; ++s) gather(c, index + s, g, c->strip + s, STRIP);
    for (int32_t f = first; f < end; f += 2) core_pair(c, f, xl_min32(end - f, 2), channels, pixels, out);
  }
}
#endif

/* The dot products of filters `filter` to filter + TILE - 1, in chunks; filters behind `last` are computed as
 * `last` and not used. */
static void tile(const conv *c, int32_t filter, int32_t last, int width, float sums[TILE][STRIP]) {
#ifdef XL_CORE_FLOATS
  if (c->zeros == NULL && width == 1) {
    core_column(c, filter, last, sums);
    return;
  }
#endif
  if (XL_WITH_TILES) {
    memset(sums, 0, TILE * sizeof sums[0]);
  } else {
    for (int f = 0; f < TILE; ++f) sums[f][0] = 0; /* there is no more than a column */
  }
  for (ptrdiff_t i = 0; i < c->k; i += CHUNK) {
    const ptrdiff_t n = c->k - i < CHUNK ? c->k - i : CHUNK;
    const float *x = c->strip + i * width;
    if (!XL_WITH_BIT_FILTERS || (XL_WITH_FLOAT_FILTERS && c->weights != NULL)) {
      const float *w[TILE];
      for (int f = 0; f < TILE; ++f) w[f] = c->weights + xl_min32(filter + f, last) * c->k + i;
      (!XL_WITH_TILES || width == 1 ? column_f32 : tile_f32)(x, w, n, sums);
    } else {
      uint32_t w[TILE], z[TILE];
      words_of(c, c->bits, filter, last, i / XL_WORD_BITS, w);
      if (!XL_WITH_ZERO_WEIGHTS || c->zeros == NULL) {
        (!XL_WITH_TILES || width == 1 ? column_bits : tile_bits)(x, w, n, sums);
        continue;
      }
      words_of(c, c->zeros, filter, last, i / XL_WORD_BITS, z);
      if (XL_WITH_TILES) {
        tile_masked(x, w, z, n, width, sums);
      } else {
        column_masked(x, w, z, n, sums);
      }
    }
  }
}

/* `pixels` output pixels from `index` on, which fill a strip of `width`. out: the first one's channels. */
static void convolve_strip(const conv *c, int32_t index, int32_t pixels, int width, float *out) {
  float sums[TILE][STRIP];
  if (pixels < width) memset(c->strip, 0, (size_t)(c->k * width) * sizeof *c->strip);
  for (int32_t g = 0; g < c->p->groups; ++g) {
    const int32_t first = g * c->group_out, last = first + c->group_out - 1;
    for (int32_t s = 0; s < pixels; ++s) gather(c, index + s, g, c->strip + s, width);
    for (int32_t f = first; f <= last; f += TILE) {
      const int32_t filters = xl_min32(last - f + 1, TILE);
      tile(c, f, last, width, sums);
      for (int32_t s = 0; s < pixels; ++s) {
        for (int32_t i = 0; i < filters; ++i) out[s * (ptrdiff_t)c->p->out_c + f + i] = sums[i][s];
      }
    }
  }
}

static void convolve(const xl_op *op, const float *weights, const uint32_t *bits) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const int32_t pixels = p->batch * p->window.out_h * p->window.out_w;
  float *out = (float *)op->out;
  conv c;
  c.p = p;
  c.group_c = p->in_c / p->groups;
  c.group_out = p->out_c / p->groups;
  c.k = (ptrdiff_t)p->window.window_h * p->window.window_w * c.group_c;
  c.x = (const float *)op->in[0];
  c.weights = weights;
  c.bits = bits;
  c.zeros = p->masked ? (const uint32_t *)op->in[5] : NULL;
  c.strip = (float *)op->workspace;
  for (int32_t i = 0; i < pixels;) {
    const int width = !XL_WITH_TILES || pixels - i <= FEW ? 1 : STRIP;
    const int32_t n = xl_min32(pixels - i, width);
#ifdef XL_CORE_FLOATS
    if (c.zeros == NULL && width == STRIP) {
      const xl_channels finished = {NULL, NULL, NULL, channels.activation};
      core_strip(&c, i, n, &channels, out);
      for (int32_t s = 0; s < n; ++s, out += p->out_c) xl_finish_f32(&finished, 0, p->out_c, out);
      i += n;
      continue;
    }
#endif
    convolve_strip(&c, i, n, width, out);
    for (int32_t s = 0; s < n; ++s, out += p->out_c) xl_finish_f32(&channels, 0, p->out_c, out);
    i += n;
  }
}

void xl_conv2d_f32_f32_f32(const xl_op *op) { convolve(op, (const float *)op->in[1], NULL); }

void xl_conv2d_f32_b_f32(const xl_op *op) { convolve(op, NULL, (const uint32_t *)op->in[1]); }
