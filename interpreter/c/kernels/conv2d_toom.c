/* CONV_2D of integers with windows of seven columns and a stride of two, the stem of ResNets, in fewer products: where a
 * core multiplies pairs of int16 (core.h, XL_CORE_PAIRS).
 *
 * In one line of the window and one channel, four neighbouring outputs y(k) are those of a filter g of four taps on the
 * even columns e, and of one h of three on the odd columns o: y(k) = sum of g(t) e(k + t) + sum of h(t) o(k + t), 28
 * products. Toom and Cook (S. Winograd, Arithmetic Complexity of Computations, 1980) need as many as there are inputs,
 * 7 + 6 = 13. With M(x) the product of x - p over some points p, M(x) / (x - p) = sum of b(p, j) x^j, whose value at p
 * is N(p), and g(p) = sum of g(t) p^t, the first sum is
 *
 *   y(k) = sum over p of p^k (g(p) / N(p)) (sum of b(p, j) e(j))
 *
 * and for y(3) one more, the last tap of g times the sum of M(j) e(j), which is called the point at infinity: that is how
 * Lagrange's polynomial through the points gives back x^(k + t). Sums over lines, channels, and even and odd columns are
 * made at each point, and outputs from them once behind it all; what is made of inputs serves all filters, what is made
 * of filters all pixels.
 *
 * Points are 0, 1, -1, 2, -2 and infinity, and for four taps 3 too. With M' the product without 3, M(x) = M'(x) (x - 3):
 * at the common points e is what e'(j) = e(j + 1) - 3 e(j) is without 3. So e' and o are a pair of int16 that goes
 * through the same sums. Numbers stay whole: 120 / N(p) is an integer at every point, and all is 120 times too large
 * until the end. Of numbers up to 819 in magnitude, inputs at the points are at most 40 * 819 < 2^15; int8 weights, 120 *
 * 128 < 2^14; sums are exact modulo 2^32, and the result is below 2^31, as xl_toom_is_exact looks. */
#include "conv2d_toom.h"

#include "core.h"
#include "window.h"

#ifdef XL_CORE_PAIRS

enum { WIDTH = XL_TOOM_WIDTH, OUTPUTS = XL_TOOM_OUTPUTS, COMMON = XL_TOOM_POINTS - 1, POINTS = XL_TOOM_POINTS };
enum { TILES = XL_TOOM_TILES };

/* Workspace: dot products of a strip, [tile][output][XL_BLOCK]; filters of a chunk, pair i of filters 2 f and 2 f + 1 in
 * [f][i][0 and 1]; a strip, pair i of tile 3 t + p in [t][i][p]; the lines of the image that windows see, at the points:
 * line y, counted from the padding, is number y modulo the window's height, its words are [tile][point][channel]; and one
 * line of numbers. */
typedef struct conv {
  const xl_conv2d_params *p;
  const xl_integers *kind;
  xl_toom_shape s;
  xl_numbers x;
  xl_weights w;
  xl_channels channels;
  uint32_t *filters, *strip;
  int32_t *dots;
  uint32_t *ring;
  int16_t *numbers;
  char *out;
} conv;

XL_INLINE uint32_t pair_of(int32_t low, int32_t high) { return ((uint32_t)low & 0xffff) | (uint32_t)high << 16; }

/* One line of a filter, with taps `step` apart, at the points: the pairs of common ones `point` words apart. */
static void filter_line(const int16_t *weights, ptrdiff_t step, uint32_t *pairs, ptrdiff_t point, uint32_t *last) {
  const int32_t g0 = weights[0], g1 = weights[2 * step], g2 = weights[4 * step], g3 = weights[6 * step];
  const int32_t h0 = weights[step], h1 = weights[3 * step], h2 = weights[5 * step];
  pairs[0] = pair_of(-10 * g0, 30 * h0);
  pairs[point] = pair_of(10 * (g0 + g1 + g2 + g3), -20 * (h0 + h1 + h2));
  pairs[2 * point] = pair_of(5 * (g0 - g1 + g2 - g3), -20 * (h0 - h1 + h2));
  pairs[3 * point] = pair_of(-5 * (g0 + 2 * g1 + 4 * g2 + 8 * g3), 5 * (h0 + 2 * h1 + 4 * h2));
  pairs[4 * point] = pair_of(-(g0 - 2 * g1 + 4 * g2 - 8 * g3), 5 * (h0 - 2 * h1 + 4 * h2));
  pairs[5 * point] = pair_of(120 * g3, 120 * h2);
  *last = (uint32_t)(g0 + 3 * g1 + 9 * g2 + 27 * g3);
}

/* Filters first to first + n - 1; where their number is odd the last one stands there twice. The strip has room for a
 * filter's weights. */
static void make_filters(const conv *c, int32_t first, int32_t n) {
  const int32_t in_c = c->p->in_c;
  int16_t *weights = (int16_t *)(void *)c->strip;
  for (int32_t f = 0; f < n + n % 2; ++f) {
    uint32_t *to = c->filters + f / 2 * 2 * c->s.words + f % 2, *last = to + (ptrdiff_t)2 * COMMON * c->s.lines;
    c->kind->weigh(&c->w, first + (f < n ? f : n - 1), 0, c->w.k, weights);
    for (int32_t i = 0; i < c->s.lines; ++i, to += 2) {
      uint32_t at_last;
      filter_line(weights + i / in_c * WIDTH * in_c + i % in_c, in_c, to, (ptrdiff_t)2 * c->s.lines, &at_last);
      uint32_t *pair = last + i / 2 * 2;
      *pair = i % 2 == 0 ? at_last & 0xffff : *pair | at_last << 16;
    }
  }
}

/* One channel of a tile, with columns `step` apart in x, at the points, as far apart. Pairs are made and added up as low +
 * 2^16 high, where a low number below 0 borrows from the high one: 2^15 more, and its bit inverted again, give it back.
 * 5 instructions for each of 6 pairs, 12 for sums of them, 9 for what is borrowed, 4 for the last point. */
#define BORROWED 0x8000u
XL_INLINE void tile_line(const int16_t *x, ptrdiff_t step, uint32_t *to) {
  uint32_t w[6], e[7];
  for (int j = 0; j < 7; ++j) e[j] = (uint32_t)(int32_t)x[2 * j * step];
  for (int j = 0; j < 6; ++j) {
    w[j] = e[j + 1] - e[j] - 2 * e[j] + ((uint32_t)(int32_t)x[(2 * j + 1) * step] << 16);
  }
  const uint32_t a = w[4] - 4 * w[2] + BORROWED, b = w[3] - 4 * w[1];
  const uint32_t c = w[4] - w[2] + BORROWED, d = w[3] - w[1];
  to[0] = (c + 4 * (w[0] - w[2])) ^ BORROWED;
  to[step] = (a + b) ^ BORROWED;
  to[2 * step] = (a - b) ^ BORROWED;
  to[3 * step] = (c + 2 * d) ^ BORROWED;
  to[4 * step] = (c - 2 * d) ^ BORROWED;
  to[5 * step] = (w[5] - w[3] - 4 * d + BORROWED) ^ BORROWED;
  to[6 * step] = e[5] - 4 * e[3] - e[3] + 4 * e[1];
}

/* Line y of image n, which may lie outside, to its place in the ring. */
static void make_line(const conv *c, int32_t n, int32_t y, uint32_t *to) {
  const ptrdiff_t in_c = c->p->in_c;
  xl_widen_line(c->p, c->kind->widen, &c->x, n, y, c->s.columns, c->numbers);
  const int16_t *x = c->numbers;
  for (int32_t t = 0; t < c->s.tiles; ++t, x += XL_TOOM_STEP * in_c, to += POINTS * in_c) {
    for (ptrdiff_t i = 0; i < in_c; ++i) tile_line(x + i, in_c, to + i);
  }
}

/* Where the core's next tile is: tile t of line y of image n, whose window begins in line `slot` of the ring. Lines of the
 * image before `made` are there. */
typedef struct place {
  int32_t n, y, t, slot, made;
} place;

static void begin_line(const conv *c, place *at) {
  const xl_window *win = &c->p->window;
  const int32_t first = at->y * win->stride_h - win->pad_top;
  at->slot = (at->y * win->stride_h) % win->window_h;
  if (at->y == 0 || at->made < first) at->made = first;
  for (; at->made < first + win->window_h; ++at->made) {
    make_line(c, at->n, at->made, c->ring + (at->made + win->pad_top) % win->window_h * c->s.ring_line);
  }
}

/* A tile's words as the core reads them. The channels are those of all pixels. */
XL_INLINE void gather(const conv *c, const place *at, uint32_t *to, int32_t in_c) {
  const int32_t height = c->p->window.window_h;
  const ptrdiff_t tile = (ptrdiff_t)at->t * POINTS * in_c, point = (ptrdiff_t)3 * (c->s.lines - in_c);
  int16_t *last = (int16_t *)(void *)(to + (ptrdiff_t)3 * COMMON * c->s.lines);
  int odd = 0; /* which half of a word is next */
  for (int32_t i = 0, slot = at->slot; i < height; ++i) {
    const uint32_t *from = c->ring + slot * c->s.ring_line + tile;
    uint32_t *pair = to + (ptrdiff_t)3 * in_c * i;
    for (int q = 0; q < COMMON; ++q, pair += point) {
      for (int32_t j = 0; j < in_c; ++j, pair += 3) *pair = *from++;
    }
    for (int32_t j = 0; j < in_c; ++j, last += odd ? 5 : 1, odd ^= 1) *last = (int16_t)*from++;
    if (++slot == height) slot = 0;
  }
  if (odd) *last = 0;
}

/* To the tile behind it. */
static void next_tile(const conv *c, place *at) {
  if (++at->t < c->s.tiles) return;
  at->t = 0;
  if (++at->y == c->p->window.out_h) at->y = 0, ++at->n;
}

/* Outputs of filters first to first + n - 1, of one block, from `dots`, for `tiles` tiles from `at` on. */
static void store_tiles(const conv *c, place at, int32_t tiles, int32_t first, int32_t n) {
  const xl_window *win = &c->p->window;
  const ptrdiff_t pixel_bytes = 4 * xl_output_words(c->kind, c->p->out_c);
  const int32_t *dots = c->dots;
  for (int32_t i = 0; i < tiles; ++i, dots += OUTPUTS * XL_BLOCK, next_tile(c, &at)) {
    const int32_t outputs = xl_min32(OUTPUTS, win->out_w - at.t * OUTPUTS);
    char *out = c->out + (((ptrdiff_t)at.n * win->out_h + at.y) * win->out_w + at.t * OUTPUTS) * pixel_bytes;
    for (int32_t k = 0; k < outputs; ++k, out += pixel_bytes) {
      c->kind->store(&c->channels, first, n, dots + k * XL_BLOCK, out);
    }
  }
}

/* Filters first to first + n - 1, whole blocks but the last, whose pairs are ready, for all tiles. */
static void convolve(const conv *c, int32_t first, int32_t n) {
  const int32_t tiles = c->p->batch * c->p->window.out_h * c->s.tiles;
  place at = {0, 0, 0, 0, 0};
  for (int32_t i = 0; i < tiles; i += TILES) {
    const int32_t some = xl_min32(TILES, tiles - i);
    const place begin = at;
    uint32_t *triple = c->strip;
    for (int32_t j = 0; j < some; ++j, next_tile(c, &at)) {
      if (at.t == 0) begin_line(c, &at);
      if (c->p->in_c == 3) {
        gather(c, &at, triple + j % 3, 3); /* a constant, for the compiler */
      } else {
        gather(c, &at, triple + j % 3, c->p->in_c);
      }
      if (j % 3 == 2) triple += 3 * c->s.words;
    }
    const uint32_t *w = c->filters;
    for (int32_t f = first; f < first + n; f += XL_BLOCK) {
      const int32_t block = xl_min32(XL_BLOCK, first + n - f);
      for (int32_t k = 0; k < block; k += 2, w += 2 * c->s.words) {
        xl_core_toom(c->strip, w, c->s.lines, c->s.last, (some + 2) / 3, c->dots + k);
      }
      store_tiles(c, begin, some, f, block);
    }
  }
}

void xl_conv2d_toom(const xl_op *op, const xl_integers *kind) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  conv c;
  c.p = p;
  c.kind = kind;
  c.s = xl_toom_shape_of(p);
  c.x = xl_numbers_of(op, p);
  c.w = xl_weights_of(op, p->masked, (ptrdiff_t)c.s.lines * WIDTH);
  c.channels = xl_channels_of(op, &p->activation);
  c.out = (char *)op->out;
  c.dots = (int32_t *)op->workspace; /* first: the core stores doubles */
  c.filters = (uint32_t *)(c.dots + TILES * OUTPUTS * XL_BLOCK);
  c.strip = c.filters + c.s.chunk * c.s.words;
  c.ring = c.strip + TILES * c.s.words;
  c.numbers = (int16_t *)(void *)(c.ring + p->window.window_h * c.s.ring_line);
  for (int32_t first = 0; first < p->out_c; first += c.s.chunk) {
    const int32_t n = xl_min32(c.s.chunk, p->out_c - first);
    make_filters(&c, first, n);
    convolve(&c, first, n);
  }
}

#endif
