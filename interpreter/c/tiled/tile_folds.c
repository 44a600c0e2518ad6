/* What turns counts into outputs.
 *
 * A tile counts, for every pixel and channel, in how many bits a window differs from a filter, the padding taken as
 * +1. Where it is to be 0, the sum of the weights under it is one too many in the dot product. That sum depends on
 * the channel and on which taps lie outside: there are a few classes of pixels, the interior being one. So for each
 * class and channel
 *
 *   dot = D - factor * count     D = the weights' number (of all planes) - the sum of those outside
 *   dot < threshold              count > floor((D - threshold) / factor), the limit
 *
 * and neither needs more than 16 bits. */
#include "carry_save.h"
#include "tiles.h"
#include "window.h"

uint64_t xl_tile_folds_bytes(const xl_conv2d_params *conv) {
  const xl_tiles t = xl_tiles_of(8, conv);
  xl_classes y, x;
  xl_classes_of_window(conv, &y, &x);
  return (uint64_t)y.n * (uint64_t)x.n * (uint64_t)conv->groups * (uint64_t)t.blocks * XL_TILE_CHANNELS *
         sizeof(int16_t);
}

/* The sum of one filter's weights for one tap. */
static int32_t tap_sum(const xl_tiles *t, const uint32_t *filter, const uint32_t *mask, int32_t tap) {
  int32_t sum = 0;
  for (int32_t c = 0; c < t->group_c; c += XL_WORD_BITS) {
    const int32_t n = xl_min32(t->group_c - c, XL_WORD_BITS), first = tap * t->group_c + c;
    const uint32_t zero = mask == NULL ? 0 : xl_bits_at(mask, first, n);
    const uint32_t minus = xl_bits_at(filter, first, n) & ~zero;
    sum += n - (int32_t)xl_count_bits(zero) - 2 * (int32_t)xl_count_bits(minus);
  }
  return sum;
}

/* The taps of one filter: their sums, where there are few enough to keep them. */
enum { KEPT_TAPS = 128 };
typedef struct taps {
  const xl_tiles *tiles;
  const uint32_t *filter, *mask;
  int32_t kept; /* sums that are known */
  int32_t sums[KEPT_TAPS];
} taps;

static void begin_filter(taps *f, const uint32_t *filter, const uint32_t *mask, int32_t n) {
  f->filter = filter;
  f->mask = mask;
  f->kept = xl_min32(n, KEPT_TAPS);
  for (int32_t i = 0; i < f->kept; ++i) f->sums[i] = tap_sum(f->tiles, filter, mask, i);
}

/* The sum of a filter's weights outside the window of output (y, x). */
static int32_t outside_sum(const xl_conv2d_params *p, const taps *f, int32_t y, int32_t x) {
  const xl_span h = xl_span_h(&p->window, y), w = xl_span_w(&p->window, x);
  int32_t sum = 0;
  for (int32_t i = 0; i < p->window.window_h; ++i) {
    const int outside = i < h.begin || i >= h.end;
    for (int32_t j = 0; j < p->window.window_w; ++j) {
      if (!outside && j >= w.begin && j < w.end) continue;
      const int32_t tap = i * p->window.window_w + j;
      sum += tap < f->kept ? f->sums[tap] : tap_sum(f->tiles, f->filter, f->mask, tap);
    }
  }
  return sum;
}

static int16_t limit_of(int32_t dot, int32_t threshold, int32_t factor) {
  const int64_t difference = (int64_t)dot - threshold;
  const int64_t limit = (difference - (difference < 0 ? factor - 1 : 0)) / factor; /* rounded down */
  return (int16_t)(limit < -1 ? -1 : limit > INT16_MAX ? INT16_MAX : limit);
}

/* The folds of one filter for all classes; out: that of the first, the others are `step` apart. */
static void fold_filter(const xl_conv2d_params *p, const taps *f, const int32_t *threshold, int16_t *out,
                        ptrdiff_t step) {
  const int32_t factor = p->masked ? 1 : 2;
  xl_classes y, x;
  xl_classes_of_window(p, &y, &x);
  for (int32_t k = 0; k < y.n * x.n; ++k, out += step) {
    const int32_t out_y = xl_class_member(&y, k / x.n), out_x = xl_class_member(&x, k % x.n);
    const int32_t outside = p->pad_value == 0 ? outside_sum(p, f, out_y, out_x) : 0;
    const int32_t dot = f->tiles->planes_weight * (f->tiles->row_bits - outside);
    *out = threshold == NULL ? (int16_t)dot : limit_of(dot, *threshold, factor);
  }
}

void xl_tile_folds(const xl_conv2d_params *p, const uint32_t *filter, const uint32_t *mask, const int32_t *threshold,
                   int16_t *out) {
  const xl_tiles t = xl_tiles_of(8, p);
  const ptrdiff_t words = xl_words(t.row_bits);
  const int32_t padded = t.blocks * XL_TILE_CHANNELS, n_taps = p->window.window_h * p->window.window_w;
  const uint64_t all = xl_tile_folds_bytes(p) / sizeof *out;
  taps f;
  f.tiles = &t;
  for (uint64_t i = 0; i < all; ++i) out[i] = INT16_MAX; /* no count exceeds it: a bit of 0 where no filter is */
  for (int32_t g = 0; g < p->groups; ++g) {
    for (int32_t o = 0; o < t.group_out; ++o) {
      const int32_t channel = g * t.group_out + o;
      begin_filter(&f, filter + channel * words, mask == NULL ? NULL : mask + channel * words,
                   p->pad_value == 0 ? n_taps : 0);
      fold_filter(p, &f, threshold == NULL ? NULL : threshold + channel, out + (ptrdiff_t)g * padded + o,
                  (ptrdiff_t)p->groups * padded);
    }
  }
}
