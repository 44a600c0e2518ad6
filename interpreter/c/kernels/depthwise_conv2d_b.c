/* DEPTHWISE_CONV_2D of bits with bit filters: 32 channels at a time, each bit of a word its own dot product.
 *
 * The xor of a tap's input word and filter word has a 1 in every channel whose product is -1. How many a channel
 * has seen is counted in binary, bit k of all 32 counts together in one word, plane[k]: adding a word of ones and
 * zeros is a carry that ripples through the planes, two operations and a copy each for 32 channels. Nine words are
 * added by seven carry-save adders at once. Where the output is bits, counts stay in planes: they are compared with
 * planes of bounds, three operations each for 32 channels.
 *
 * On an ARM1176, 28x28 pixels of 128 channels by 3x3 with zeros around take 5.1 instructions a channel with an output of
 * bits (2.3 of them inside the image, in assembler), 15.1 of int32, 14.3 of floats; were 46.8, 42.4, 57.0 when all taps
 * rippled and all counts were taken out of the planes one by one. */
#include "bits.h"
#include "core.h"
#include "store.h"
#include "window.h"

/* The counts of 32 channels: bit k of each in one word. a to d are bits 0 to 3, enough for a 3x3 window, and stay
 * in registers; high[0] is bit 4. `used`: how many of high. */
typedef struct counters {
  uint32_t a, b, c, d;
  int32_t used;
  uint32_t high[28];
} counters;

static inline void reset(counters *n) {
  n->a = n->b = n->c = n->d = 0;
  for (int32_t k = 0; k < n->used; ++k) n->high[k] = 0;
}

/* Adds `ones` to *plane; returns the carry. */
static inline uint32_t ripple(uint32_t *plane, uint32_t ones) {
  const uint32_t carry = *plane & ones;
  *plane ^= ones;
  return carry;
}

XL_INLINE void count_up(counters *n, uint32_t ones) {
  ones = ripple(&n->d, ripple(&n->c, ripple(&n->b, ripple(&n->a, ones))));
  for (int32_t k = 0; k < n->used; ++k) ones = ripple(&n->high[k], ones);
}

/* The highest bit that a count of up to `taps` has above bit 3. */
static int32_t high_planes(int32_t taps) {
  int32_t planes = 0;
  for (taps >>= 4; taps > 0; taps >>= 1) ++planes;
  return planes;
}

/* out[i] = base + times * count i. */
#ifdef XL_CORE_COUNTS /* no vectors: bits of two planes are paired, then pairs, so that eight counts lie in a word */
XL_INLINE void read_planes(const counters *n, int32_t base, int32_t times, int32_t *out) {
  const uint32_t odd = 0x55555555, pair = 0x33333333;
  const uint32_t ab_even = (n->a & odd) | (n->b & odd) << 1, ab_odd = (n->a >> 1 & odd) | (n->b & ~odd);
  const uint32_t cd_even = (n->c & odd) | (n->d & odd) << 1, cd_odd = (n->c >> 1 & odd) | (n->d & ~odd);
  const uint32_t f0 = (ab_even & pair) | (cd_even & pair) << 2, f2 = (ab_even >> 2 & pair) | (cd_even & ~pair);
  const uint32_t f1 = (ab_odd & pair) | (cd_odd & pair) << 2, f3 = (ab_odd >> 2 & pair) | (cd_odd & ~pair);
#define COUNT(f, shift) (base + times * (int32_t)(f >> (shift) & 15))
#define FOUR(i) \
  out[i] = COUNT(f0, i), out[i + 1] = COUNT(f1, i), out[i + 2] = COUNT(f2, i), out[i + 3] = COUNT(f3, i)
  FOUR(0), FOUR(4), FOUR(8), FOUR(12), FOUR(16), FOUR(20), FOUR(24), FOUR(28);
#else
XL_INLINE void read_planes(const counters *n, int32_t base, int32_t times, int32_t *out) {
  for (int i = 0; i < XL_BLOCK; ++i) {
    const uint32_t lane = xl_lane_bit[i];
    const uint32_t count = (n->a & lane ? 1u : 0) | (n->b & lane ? 2u : 0) | (n->c & lane ? 4u : 0) | (n->d & lane ? 8u : 0);
    out[i] = base + times * (int32_t)count;
  }
#endif
  for (int32_t k = 0; k < n->used; ++k) {
    for (int i = 0; i < XL_BLOCK; ++i) out[i] += n->high[k] & xl_lane_bit[i] ? times * (16 << k) : 0;
  }
}

static void read_counts(const counters *n, int32_t *counts) { read_planes(n, 0, 1, counts); }
static void read_dots(const counters *n, int32_t taps, int32_t *dots) { read_planes(n, taps, -2, dots); }

/* sum + 2 * (the result) = a + b + c, in every channel. */
XL_INLINE uint32_t add_three(uint32_t a, uint32_t b, uint32_t c, uint32_t *sum) {
  const uint32_t half = a ^ b;
  *sum = half ^ c;
  return (a & b) | (half & c);
}

/* The counts of the nine taps of a 3x3 window that lies inside the image. line: words from a line of x to the next,
 * pixel: from a tap to the next one, tap: the same of the filter. */
XL_INLINE void count_nine(const uint32_t *x, ptrdiff_t line, ptrdiff_t pixel, const uint32_t *filter, ptrdiff_t tap,
                          counters *n) {
  uint32_t sums[3], carries[3], twos, fours;
  for (int i = 0; i < 3; ++i, x += line, filter += 3 * tap) {
    const uint32_t a = x[0] ^ filter[0], b = x[pixel] ^ filter[tap], c = x[2 * pixel] ^ filter[2 * tap];
    carries[i] = add_three(a, b, c, &sums[i]);
  }
  const uint32_t carry = add_three(sums[0], sums[1], sums[2], &n->a);
  fours = add_three(carries[0], carries[1], carries[2], &twos);
  const uint32_t again = twos & carry;
  n->b = twos ^ carry;
  n->c = fours ^ again;
  n->d = fours & again;
}

/* The input bits that output channels first to first + n - 1 see: channel c of the pixel stands m times. */
static uint32_t spread(const uint32_t *pixel, int32_t first, int32_t n, int32_t m) {
  if (m == 1) return pixel[first / XL_WORD_BITS];
  uint32_t word = 0;
  int32_t c = first / m, left = m - first % m;
  for (int32_t i = 0; i < n; ++i) {
    word |= (pixel[c / XL_WORD_BITS] >> (c % XL_WORD_BITS) & 1u) << i;
    if (--left == 0) {
      ++c;
      left = m;
    }
  }
  return word;
}

/* Output channels first to first + n - 1 of one pixel; returns the number of taps that count. */
XL_INLINE int32_t count_block(const xl_conv2d_params *p, const uint32_t *image, const uint32_t *filter, xl_span h,
                           xl_span w, int32_t first, int32_t n, counters *counted) {
  const xl_window *win = &p->window;
  const ptrdiff_t pixel = xl_words(p->in_c), tap = xl_words(p->out_c);
  const int32_t m = p->out_c / p->in_c;
  const uint32_t outside = p->pad_value < 0 ? xl_low_bits(n) : 0;
  filter += first / XL_WORD_BITS;
  for (int32_t i = 0; i < win->window_h; ++i) {
    const ptrdiff_t y = h.start + (ptrdiff_t)i * win->dilation_h;
    for (int32_t j = 0; j < win->window_w; ++j, filter += tap) {
      if (i >= h.begin && i < h.end && j >= w.begin && j < w.end) {
        const uint32_t *at = image + (y * win->in_w + w.start + (ptrdiff_t)j * win->dilation_w) * pixel;
        count_up(counted, spread(at, first, n, m) ^ *filter);
      } else if (p->pad_value != 0) {
        count_up(counted, outside ^ *filter);
      }
    }
  }
  return p->pad_value == 0 ? xl_span_count(h) * xl_span_count(w) : win->window_h * win->window_w;
}

/* As `spread`, of the channels of one plane, which begin at bit `plane` of the pixel. */
static uint32_t spread_plane(const uint32_t *pixel, int32_t plane, int32_t first, int32_t n, int32_t m) {
  if (m == 1) return xl_bits_at(pixel, plane + first, n);
  uint32_t word = 0;
  for (int32_t i = 0; i < n; ++i) {
    const int32_t c = plane + (first + i) / m;
    word |= (pixel[c / XL_WORD_BITS] >> (c % XL_WORD_BITS) & 1u) << i;
  }
  return word;
}

/* Where masks or bit planes are. Counts taps whose weight is not 0 and differs from plane `plane`; or with plane -1,
 * taps that count and whose weight is 0. zeros: NULL where no weight is 0. */
static void count_general(const xl_conv2d_params *p, const uint32_t *image, const uint32_t *filter,
                          const uint32_t *zeros, xl_span h, xl_span w, int32_t first, int32_t n, int32_t plane,
                          counters *counted) {
  const xl_window *win = &p->window;
  const ptrdiff_t pixel = xl_words(p->in_c), tap = xl_words(p->out_c);
  const int32_t plane_c = p->in_c / p->planes, m = p->out_c / plane_c;
  ptrdiff_t at = first / XL_WORD_BITS;
  reset(counted);
  for (int32_t i = 0; i < win->window_h; ++i) {
    const ptrdiff_t y = h.start + (ptrdiff_t)i * win->dilation_h;
    for (int32_t j = 0; j < win->window_w; ++j, at += tap) {
      const int inside = i >= h.begin && i < h.end && j >= w.begin && j < w.end;
      const uint32_t zero = zeros == NULL ? 0 : zeros[at];
      if (!inside && p->pad_value == 0) continue;
      if (plane < 0) {
        count_up(counted, zero);
        continue;
      }
      uint32_t bits = p->pad_value < 0 ? xl_low_bits(n) : 0;
      if (inside) {
        const uint32_t *from = image + (y * win->in_w + w.start + (ptrdiff_t)j * win->dilation_w) * pixel;
        bits = spread_plane(from, plane * plane_c, first, n, m);
      }
      count_up(counted, (bits ^ filter[at]) & ~zero);
    }
  }
}

/* Where masks or bit planes are: output channels from `first` on of one pixel, their dot products as derived in
 * volume_b.c. What is counted is taken off twice, so that no sum leaves the range of dot products. */
static void finish_general(const xl_op *op, const uint32_t *image, xl_span h, xl_span w, int32_t first,
                           xl_store_dots store, void *out) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const uint32_t *filter = (const uint32_t *)op->in[1], *zeros = p->masked ? (const uint32_t *)op->in[5] : NULL;
  const int32_t window = p->window.window_h * p->window.window_w, n = xl_min32(p->out_c - first, XL_BLOCK);
  const int32_t taps = p->pad_value == 0 ? xl_span_count(h) * xl_span_count(w) : window;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  int32_t counts[XL_BLOCK] = {0}, dots[XL_BLOCK];
  counters counted;
  counted.used = high_planes(window);
  if (zeros != NULL) {
    count_general(p, image, filter, zeros, h, w, first, n, -1, &counted);
    read_counts(&counted, counts);
  }
  for (int32_t i = 0; i < n; ++i) dots[i] = (taps - counts[i]) * ((1 << p->planes) - 1);
  for (int32_t plane = 0; plane < p->planes; ++plane) {
    count_general(p, image, filter, zeros, h, w, first, n, plane, &counted);
    read_counts(&counted, counts);
    for (int32_t i = 0; i < n; ++i) {
      const int32_t differing = counts[i] << plane;
      dots[i] = (dots[i] - differing) - differing;
    }
  }
  store(&channels, first, n, dots, out);
}

/* As count_block, where a channel of the output sees one of the input. The four lowest planes are not in memory. */
static int32_t count_same(const xl_conv2d_params *p, const uint32_t *image, const uint32_t *filter, xl_span h, xl_span w,
                          int32_t block, counters *counted) {
  const xl_window *win = &p->window;
  const ptrdiff_t words = xl_words(p->out_c), tap = win->dilation_w * words;
  const int zeros = p->pad_value == 0;
  const int32_t begin = zeros ? w.begin : 0, end = zeros ? w.end : win->window_w;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  for (int32_t k = 0; k < counted->used; ++k) counted->high[k] = 0;
  for (int32_t i = zeros ? h.begin : 0; i < (zeros ? h.end : win->window_h); ++i) {
    const int inside = i >= h.begin && i < h.end;
    const ptrdiff_t y = h.start + (ptrdiff_t)i * win->dilation_h;
    const uint32_t *f = filter + ((ptrdiff_t)i * win->window_w + begin) * words + block;
    const uint32_t *x = image + (y * win->in_w + w.start) * words + begin * tap + block;
    for (int32_t j = begin; j < end; ++j, f += words, x += tap) {
      uint32_t ones = p->pad_value < 0 ? ~*f : *f;
      if (inside && j >= w.begin && j < w.end) ones = *x ^ *f;
      ones = ripple(&d, ripple(&c, ripple(&b, ripple(&a, ones))));
      for (int32_t k = 0; k < counted->used; ++k) ones = ripple(&counted->high[k], ones);
    }
  }
  counted->a = a, counted->b = b, counted->c = c, counted->d = d;
  return zeros ? xl_span_count(h) * xl_span_count(w) : win->window_h * win->window_w;
}

/* count_block, or count_nine where it serves. */
XL_INLINE int32_t count_any(const xl_conv2d_params *p, const uint32_t *image, const uint32_t *filter, xl_span h,
                            xl_span w, int32_t first, int32_t n, counters *counted) {
  const xl_window *win = &p->window;
  if (win->window_h == 3 && win->window_w == 3 && xl_span_count(h) * xl_span_count(w) == 9 && p->in_c == p->out_c) {
    const ptrdiff_t words = xl_words(p->out_c), block = first / XL_WORD_BITS;
    count_nine(image + (h.start * (ptrdiff_t)win->in_w + w.start) * words + block, win->dilation_h * win->in_w * words,
               win->dilation_w * words, filter + block, words, counted);
    return 9;
  }
  if (p->in_c == p->out_c) return count_same(p, image, filter, h, w, first / XL_WORD_BITS, counted);
  reset(counted);
  return count_block(p, image, filter, h, w, first, n, counted);
}

/* By one of two ways, which is known where this is inlined. out_words: 4-byte words of an output pixel. */
XL_INLINE void each_block(const xl_op *op, xl_store_dots store, int plain, ptrdiff_t out_words) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_window *win = &p->window;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const uint32_t *image = (const uint32_t *)op->in[0];
  char *out = (char *)op->out;
  int32_t dots[XL_BLOCK];
  counters counted;
  counted.used = high_planes(win->window_h * win->window_w);
  for (int32_t b = 0; b < p->batch; ++b) {
    for (int32_t y = 0; y < win->out_h; ++y) {
      const xl_span h = xl_span_h(win, y);
      for (int32_t x = 0; x < win->out_w; ++x) {
        const xl_span w = xl_span_w(win, x);
        for (int32_t first = 0; first < p->out_c; first += XL_BLOCK) {
          const int32_t n = xl_min32(p->out_c - first, XL_BLOCK);
          if (!plain) {
            finish_general(op, image, h, w, first, store, out);
            continue;
          }
          read_dots(&counted, count_any(p, image, (const uint32_t *)op->in[1], h, w, first, n, &counted), dots);
          store(&channels, first, n, dots, out);
        }
        out += out_words * 4;
      }
    }
    image += (ptrdiff_t)win->in_h * win->in_w * xl_words(p->in_c);
  }
}

/* The least counts of 32 channels for which the output is -1, inverted: bit k of each in one word. `taps`: how many of a
 * window count. */
typedef struct bounds {
  uint32_t planes[4 + 28];
  int32_t taps;
} bounds;

/* The words of a filter of nine taps, and behind them the bounds where all taps count. */
enum { NINE = 9 };
typedef struct whole {
  uint32_t filter[NINE];
  bounds bounds;
} whole;

/* taps - 2 * count < threshold from count = floor((taps - threshold) / 2) + 1 on. Channels from n on have no such. */
static void find_bounds(const int32_t *threshold, int32_t n, int32_t taps, int32_t planes, bounds *b) {
  b->taps = taps;
  for (int32_t k = 0; k < planes; ++k) b->planes[k] = 0;
  for (int32_t i = 0; i < XL_BLOCK; ++i) {
    const int64_t room = i < n ? (int64_t)taps - threshold[i] : 2 * (int64_t)taps;
    const int32_t least = room < 0 ? 0 : room > 2 * (int64_t)taps ? taps + 1 : (int32_t)(room / 2) + 1;
    for (int32_t k = 0; k < planes; ++k) b->planes[k] |= (~(uint32_t)least >> k & 1) << i;
  }
}

/* Where count >= bound: the carry out of count + inverted bound + 1. */
XL_INLINE uint32_t reached(const counters *n, const bounds *b) {
  uint32_t carry = n->a | b->planes[0];
  carry = (n->b & b->planes[1]) | (carry & (n->b | b->planes[1]));
  carry = (n->c & b->planes[2]) | (carry & (n->c | b->planes[2]));
  carry = (n->d & b->planes[3]) | (carry & (n->d | b->planes[3]));
  for (int32_t k = 0; k < n->used; ++k) {
    carry = (n->high[k] & b->planes[4 + k]) | (carry & (n->high[k] | b->planes[4 + k]));
  }
  return carry;
}

/* The channels of one block of all pixels: n of them from `first` on, which see a channel of the input each. `other`:
 * where as many taps counted as at the last pixel at a border. */
typedef struct block {
  const xl_op *op;
  int32_t first, n;
  counters counted;
  whole whole;
  bounds other;
} block;

/* One output word, of one pixel. */
static uint32_t signs_at(block *c, const uint32_t *image, xl_span h, xl_span w) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)c->op->params;
  const int32_t taps = count_same(p, image, (const uint32_t *)c->op->in[1], h, w, c->first / XL_WORD_BITS, &c->counted);
  if (taps == c->whole.bounds.taps) return reached(&c->counted, &c->whole.bounds);
  if (taps != c->other.taps) {
    find_bounds((const int32_t *)c->op->in[4] + c->first, c->n, taps, 4 + c->counted.used, &c->other);
  }
  return reached(&c->counted, &c->other);
}

/* `windows` of them, 3x3 without dilation, that lie inside the image. pixel: words from a tap, and from an output, to the
 * next; line: from a line to the next; step: from a window to the next. */
static void signs_of_nine(const block *c, const uint32_t *x, ptrdiff_t pixel, ptrdiff_t line, ptrdiff_t step,
                          int32_t windows, uint32_t *out) {
#ifdef XL_CORE_ARMV6
  const ptrdiff_t word = sizeof *x;
  xl_core_depthwise_signs(x, c->whole.filter, pixel * word, line * word, step * word, windows, out);
#else
  counters counted;
  counted.used = 0;
  for (int32_t i = 0; i < windows; ++i, x += step, out += pixel) {
    count_nine(x, line, pixel, c->whole.filter, 1, &counted);
    *out = reached(&counted, &c->whole.bounds);
  }
#endif
}

static void signs_of_line(block *c, const uint32_t *image, int32_t y, uint32_t *out) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)c->op->params;
  const xl_window *win = &p->window;
  const ptrdiff_t words = xl_words(p->out_c), line = win->in_w * words;
  const xl_span h = xl_span_h(win, y);
  const int nine = win->window_h == 3 && win->window_w == 3 && win->dilation_h == 1 && win->dilation_w == 1;
  const int32_t stride = win->stride_w, room = win->in_w - win->window_w + win->pad_left;
  int32_t begin = (win->pad_left + stride - 1) / stride, end = room < 0 ? 0 : room / stride + 1; /* windows inside */
  if (end > win->out_w) end = win->out_w;
  if (!nine || xl_span_count(h) != 3 || begin >= end) begin = end = win->out_w;
  for (int32_t x = 0; x < win->out_w; ++x) {
    if (x == begin) {
      const ptrdiff_t left = x * stride - win->pad_left, at = c->first / XL_WORD_BITS;
      signs_of_nine(c, image + h.start * line + left * words + at, words, line, stride * words, end - begin,
                    out + x * words);
      x = end - 1;
      continue;
    }
    out[x * words] = signs_at(c, image, h, xl_span_w(win, x));
  }
}

/* Bits from bits, where a channel of the output sees one of the input. */
XL_APART void convolve_signs(const xl_op *op) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_window *win = &p->window;
  const ptrdiff_t words = xl_words(p->out_c);
  const int32_t taps = win->window_h * win->window_w, lines = p->batch * win->out_h;
  block c;
  c.op = op;
  c.counted.used = high_planes(taps + 1); /* a bound may be one more than all taps */
  for (c.first = 0; c.first < p->out_c; c.first += XL_BLOCK) {
    c.n = xl_min32(p->out_c - c.first, XL_BLOCK);
    c.other.taps = -1;
    find_bounds((const int32_t *)op->in[4] + c.first, c.n, taps, 4 + c.counted.used, &c.whole.bounds);
    for (int32_t i = 0; i < NINE && i < taps; ++i) {
      c.whole.filter[i] = ((const uint32_t *)op->in[1])[i * words + c.first / XL_WORD_BITS];
    }
    const uint32_t *image = (const uint32_t *)op->in[0];
    uint32_t *out = (uint32_t *)op->out + c.first / XL_WORD_BITS;
    for (int32_t i = 0, y = 0; i < lines; ++i, out += win->out_w * words) {
      signs_of_line(&c, image, y, out);
      if (++y == win->out_h) y = 0, image += (ptrdiff_t)win->in_h * win->in_w * words;
    }
  }
}

XL_APART void convolve_plain(const xl_op *op, xl_store_dots store, ptrdiff_t out_words) {
  each_block(op, store, 1, out_words);
}

XL_APART void convolve_general(const xl_op *op, xl_store_dots store, ptrdiff_t out_words) {
  each_block(op, store, 0, out_words);
}

static void convolve(const xl_op *op, xl_store_dots store, ptrdiff_t out_words) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  if (p->planes > 1 || p->masked) {
    convolve_general(op, store, out_words);
  } else if (store == xl_store_dots_b && p->in_c == p->out_c) {
    convolve_signs(op);
  } else {
    convolve_plain(op, store, out_words);
  }
}

void xl_depthwise_conv2d_b_b_b(const xl_op *op) {
  convolve(op, xl_store_dots_b, xl_words(((const xl_conv2d_params *)op->params)->out_c));
}

void xl_depthwise_conv2d_b_b_i32(const xl_op *op) {
  convolve(op, xl_store_dots_i32, ((const xl_conv2d_params *)op->params)->out_c);
}

void xl_depthwise_conv2d_b_b_f32(const xl_op *op) {
  convolve(op, xl_store_dots_f32, ((const xl_conv2d_params *)op->params)->out_c);
}
