/* DEPTHWISE_CONV_2D of floats, with float or bit filters: tap by tap into the output pixel, and where there are
 * registers for it, 16 channels at a time, so that a tap costs two loads, a product and a sum for every 4 channels
 * and not a load and a store of the sum besides. The order of the sums is the same. */
#include <string.h>

#include "bits.h"
#include "core.h"
#include "lanes.h"
#include "parallel.h"
#include "store.h"
#include "variant.h"
#include "window.h"

#define UNPACKED 256 /* so many bits of a filter are floats at a time, where the core has no other way to add them */

/* y[c * m + i] += x[c] * w[c * m + i], i < m. zeros: of add_tap_ternary alone. */
static void add_tap_f32(const float *x, const void *filter, const uint32_t *zeros, int32_t in_c, int32_t m,
                        float *y) {
  (void)zeros;
  const float *w = (const float *)filter;
#ifdef XL_CORE_FLOATS
  if (m == 1) {
    xl_core_scale_f32(x, w, y, in_c, y);
    return;
  }
#endif
  if (m == 1) {
    for (int32_t c = 0; c < in_c; ++c) y[c] += x[c] * w[c];
    return;
  }
  for (int32_t c = 0; c < in_c; ++c, y += m, w += m) {
    for (int32_t i = 0; i < m; ++i) y[i] += x[c] * w[i];
  }
}

/* The same with a filter of signs. */
static void add_tap_bits(const float *x, const void *filter, const uint32_t *zeros, int32_t in_c, int32_t m,
                         float *y) {
  (void)zeros;
  const uint32_t *w = (const uint32_t *)filter;
#ifdef XL_CORE_FLOATS
  for (int32_t c = 0, n; m == 1 && c < in_c; c += n) {
    float signs[UNPACKED];
    n = xl_min32(in_c - c, UNPACKED);
    xl_core_unpack_f32(w + c / XL_WORD_BITS, n, signs);
    xl_core_scale_f32(x + c, signs, y + c, n, y + c);
  }
  if (m == 1) return;
#endif
  if (m == 1) {
    for (; in_c >= XL_WORD_BITS; in_c -= XL_WORD_BITS, x += XL_WORD_BITS, y += XL_WORD_BITS) {
      const uint32_t word = *w++;
      for (int i = 0; i < XL_WORD_BITS; ++i) y[i] += xl_flip(x[i], word & xl_lane_bit[i] ? 0x80000000u : 0);
    }
  }
  for (int32_t c = 0, o = 0; c < in_c; ++c) {
    for (int32_t i = 0; i < m; ++i, ++o) y[o] += xl_flip(x[c], xl_flip_of(w, o));
  }
}

/* The same where weights whose bit of `zeros` is 1 are 0. */
static void add_tap_ternary(const float *x, const void *filter, const uint32_t *zeros, int32_t in_c, int32_t m,
                            float *y) {
  const uint32_t *w = (const uint32_t *)filter;
  if (m == 1) {
    for (; in_c >= XL_WORD_BITS; in_c -= XL_WORD_BITS, x += XL_WORD_BITS, y += XL_WORD_BITS) {
      const uint32_t word = *w++, zero = *zeros++;
      for (int i = 0; i < XL_WORD_BITS; ++i) {
        const float value = xl_flip(x[i], word & xl_lane_bit[i] ? 0x80000000u : 0);
        y[i] += zero & xl_lane_bit[i] ? 0.0f : value;
      }
    }
  }
  for (int32_t c = 0, o = 0; c < in_c; ++c) {
    for (int32_t i = 0; i < m; ++i, ++o) {
      const float value = xl_flip(x[c], xl_flip_of(w, o));
      y[o] += xl_flip_of(zeros, o) ? 0.0f : value;
    }
  }
}

typedef void (*add_tap)(const float *x, const void *filter, const uint32_t *zeros, int32_t in_c, int32_t m,
                        float *y);

typedef struct depthwise {
  const xl_op *op;
  const xl_conv2d_params *p;
  xl_channels channels;
  const uint32_t *zeros; /* NULL unless p->masked */
  ptrdiff_t tap_bytes;   /* of the filter of one tap */
  add_tap add;
} depthwise;

/* Channels `first` and on of one output pixel; first is 0 but for float filters with one output a channel. */
static void add_taps(const depthwise *c, const float *image, xl_span h, xl_span w, int32_t first, float *y) {
  const xl_conv2d_params *p = c->p;
  const xl_window *win = &p->window;
  const char *filter = (const char *)((const float *)c->op->in[1] + first);
  memset(y + first, 0, (size_t)(p->out_c - first) * sizeof *y);
  for (int32_t i = h.begin; i < h.end; ++i) {
    const float *line = image + (h.start + (ptrdiff_t)i * win->dilation_h) * win->in_w * p->in_c;
    for (int32_t j = w.begin; j < w.end; ++j) {
      const float *x = line + (w.start + (ptrdiff_t)j * win->dilation_w) * p->in_c;
      const ptrdiff_t at = ((ptrdiff_t)i * win->window_w + j) * c->tap_bytes;
      c->add(x + first, filter + at, c->zeros == NULL ? NULL : c->zeros + at / 4, p->in_c - first, p->out_c / p->in_c,
             y + first);
    }
  }
}

#if defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__)
/* All channels of one output pixel but those that are left over, for float filters with one output a channel; how
 * many they are. */
static int32_t sum_taps(const xl_conv2d_params *p, const float *image, const float *filter, xl_span h, xl_span w,
                        float *y) {
  const xl_window *win = &p->window;
  const ptrdiff_t step = (ptrdiff_t)win->dilation_w * p->in_c;
  int32_t c = 0;
  for (; c + 4 * XL_LANES <= p->in_c; c += 4 * XL_LANES, y += 4 * XL_LANES) {
    xl_f32x4 s0 = xl_splat4(0), s1 = s0, s2 = s0, s3 = s0;
    for (int32_t i = h.begin; i < h.end; ++i) {
      const ptrdiff_t line = (h.start + (ptrdiff_t)i * win->dilation_h) * win->in_w;
      const float *x = image + (line + w.start + (ptrdiff_t)w.begin * win->dilation_w) * p->in_c + c;
      const float *tap = filter + ((ptrdiff_t)i * win->window_w + w.begin) * p->in_c + c;
      for (int32_t j = w.begin; j < w.end; ++j, x += step, tap += p->in_c) {
        s0 = xl_add_product4(s0, xl_load4(x), xl_load4(tap));
        s1 = xl_add_product4(s1, xl_load4(x + XL_LANES), xl_load4(tap + XL_LANES));
        s2 = xl_add_product4(s2, xl_load4(x + 2 * XL_LANES), xl_load4(tap + 2 * XL_LANES));
        s3 = xl_add_product4(s3, xl_load4(x + 3 * XL_LANES), xl_load4(tap + 3 * XL_LANES));
      }
    }
    xl_store4(y, s0);
    xl_store4(y + XL_LANES, s1);
    xl_store4(y + 2 * XL_LANES, s2);
    xl_store4(y + 3 * XL_LANES, s3);
  }
  return c;
}
#else
static int32_t sum_taps(const xl_conv2d_params *p, const float *image, const float *filter, xl_span h, xl_span w,
                        float *y) {
  (void)p, (void)image, (void)filter, (void)h, (void)w, (void)y;
  return 0;
}
#endif

/* Lines of the output, of all images. */
static void convolve_lines(void *context, int32_t begin, int32_t end, int32_t worker) {
  const depthwise *c = (const depthwise *)context;
  const xl_conv2d_params *p = c->p;
  const xl_window *win = &p->window;
  const int sums = c->add == add_tap_f32 && p->in_c == p->out_c;
  float *out = (float *)c->op->out + (ptrdiff_t)begin * win->out_w * p->out_c;
  (void)worker;
  for (int32_t l = begin; l < end; ++l) {
    const float *image = (const float *)c->op->in[0] + l / win->out_h * ((ptrdiff_t)win->in_h * win->in_w * p->in_c);
    const xl_span h = xl_span_h(win, l % win->out_h);
    for (int32_t x = 0; x < win->out_w; ++x, out += p->out_c) {
      const xl_span w = xl_span_w(win, x);
      const int32_t done = sums ? sum_taps(p, image, (const float *)c->op->in[1], h, w, out) : 0;
      if (done < p->out_c) add_taps(c, image, h, w, done, out);
      xl_finish_f32(&c->channels, 0, p->out_c, out);
    }
  }
}

static void convolve(const xl_op *op, ptrdiff_t tap_bytes, add_tap add) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  const xl_window *win = &p->window;
  depthwise c = {op, p, xl_channels_of(op, &p->activation), NULL, tap_bytes, add};
  if (p->masked) c.zeros = (const uint32_t *)op->in[5];
  xl_parallel(op, convolve_lines, &c, p->batch * win->out_h,
              xl_grain((ptrdiff_t)win->out_w * p->out_c * win->window_h * (ptrdiff_t)sizeof(float)));
}

void XL_KERNEL(depthwise_conv2d_f32_f32_f32)(const xl_op *op) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  convolve(op, p->out_c * (ptrdiff_t)sizeof(float), add_tap_f32);
}

void XL_KERNEL(depthwise_conv2d_f32_b_f32)(const xl_op *op) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  convolve(op, xl_words(p->out_c) * 4, p->masked ? add_tap_ternary : add_tap_bits);
}
