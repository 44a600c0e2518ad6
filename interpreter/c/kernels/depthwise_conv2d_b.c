/* DEPTHWISE_CONV_2D of bits with bit filters: 32 channels at a time, each bit of a word its own dot product.
 *
 * The xor of a tap's input word and filter word has a 1 in every channel whose product is -1. How many a channel
 * has seen is counted in binary, bit k of all 32 counts together in one word, plane[k]: adding a word of ones and
 * zeros is a carry that ripples through the planes, two operations and a copy each for 32 channels. */
#include "bits.h"
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

static inline void add_plane(uint32_t plane, uint32_t weight, uint32_t *counts) {
  for (int i = 0; i < XL_BLOCK; ++i) counts[i] |= plane & xl_lane_bit[i] ? weight : 0;
}

static void read_counts(const counters *n, uint32_t *counts) {
  for (int i = 0; i < XL_BLOCK; ++i) {
    const uint32_t lane = xl_lane_bit[i];
    counts[i] = (n->a & lane ? 1u : 0) | (n->b & lane ? 2u : 0) | (n->c & lane ? 4u : 0) | (n->d & lane ? 8u : 0);
  }
  for (int32_t k = 0; k < n->used; ++k) add_plane(n->high[k], 16u << k, counts);
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
  uint32_t counts[XL_BLOCK] = {0};
  int32_t dots[XL_BLOCK];
  counters counted;
  counted.used = high_planes(window);
  if (zeros != NULL) {
    count_general(p, image, filter, zeros, h, w, first, n, -1, &counted);
    read_counts(&counted, counts);
  }
  for (int32_t i = 0; i < n; ++i) dots[i] = (taps - (int32_t)counts[i]) * ((1 << p->planes) - 1);
  for (int32_t plane = 0; plane < p->planes; ++plane) {
    count_general(p, image, filter, zeros, h, w, first, n, plane, &counted);
    read_counts(&counted, counts);
    for (int32_t i = 0; i < n; ++i) {
      const int32_t differing = (int32_t)(counts[i] << plane);
      dots[i] = (dots[i] - differing) - differing;
    }
  }
  store(&channels, first, n, dots, out);
}

/* By one of the two, the other is NULL and known to be. out_words: 4-byte words of an output pixel. */
XL_INLINE void each_block(const xl_op *op, xl_store store, xl_store_dots store_dots, ptrdiff_t out_words) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_window *win = &p->window;
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const uint32_t *image = (const uint32_t *)op->in[0];
  char *out = (char *)op->out;
  uint32_t counts[XL_BLOCK];
  counters counted;
  counted.used = high_planes(win->window_h * win->window_w);
  for (int32_t b = 0; b < p->batch; ++b) {
    for (int32_t y = 0; y < win->out_h; ++y) {
      const xl_span h = xl_span_h(win, y);
      for (int32_t x = 0; x < win->out_w; ++x) {
        const xl_span w = xl_span_w(win, x);
        for (int32_t first = 0; first < p->out_c; first += XL_BLOCK) {
          const int32_t n = xl_min32(p->out_c - first, XL_BLOCK);
          if (store_dots != NULL) {
            finish_general(op, image, h, w, first, store_dots, out);
            continue;
          }
          reset(&counted);
          const int32_t taps = count_block(p, image, (const uint32_t *)op->in[1], h, w, first, n, &counted);
          read_counts(&counted, counts);
          store(&channels, first, n, taps, counts, out);
        }
        out += out_words * 4;
      }
    }
    image += (ptrdiff_t)win->in_h * win->in_w * xl_words(p->in_c);
  }
}

XL_APART void convolve_plain(const xl_op *op, xl_store store, ptrdiff_t out_words) {
  each_block(op, store, NULL, out_words);
}

XL_APART void convolve_general(const xl_op *op, xl_store_dots store_dots, ptrdiff_t out_words) {
  each_block(op, NULL, store_dots, out_words);
}

/* store_dots: what `store` does with counts. */
static void convolve(const xl_op *op, xl_store store, xl_store_dots store_dots, ptrdiff_t out_words) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  if (p->planes > 1 || p->masked) {
    convolve_general(op, store_dots, out_words);
  } else {
    convolve_plain(op, store, out_words);
  }
}

void xl_depthwise_conv2d_b_b_b(const xl_op *op) {
  convolve(op, xl_store_b, xl_store_dots_b, xl_words(((const xl_conv2d_params *)op->params)->out_c));
}

void xl_depthwise_conv2d_b_b_i32(const xl_op *op) {
  convolve(op, xl_store_i32, xl_store_dots_i32, ((const xl_conv2d_params *)op->params)->out_c);
}

void xl_depthwise_conv2d_b_b_f32(const xl_op *op) {
  convolve(op, xl_store_f32, xl_store_dots_f32, ((const xl_conv2d_params *)op->params)->out_c);
}
