/* MAX_POOL_2D of floats and of bits.
 *
 * Among signs the largest is +1 unless all are -1; with bit 1 for -1 that is the AND of the bits. Where a
 * channel's flip bit is 1, the smallest is wanted: the largest of the flipped signs, flipped back. */
#include <string.h>

#include "bits.h"
#include "core.h"
#include "parallel.h"
#include "trim.h"
#include "variant.h"
#include "window.h"

/* Joins `words` 4-byte elements of one input pixel to the output pixel. */
typedef void (*join)(const void *x, const uint32_t *flip, int32_t words, void *y);

static void join_f32(const void *x, const uint32_t *flip, int32_t words, void *y) {
  const float *a = (const float *)x;
  float *b = (float *)y;
  (void)flip;
  for (int32_t c = 0; c < words; ++c) b[c] = ((a[c] > b[c]) | (a[c] != a[c])) ? a[c] : b[c]; /* NaN stays */
}

static void join_b(const void *x, const uint32_t *flip, int32_t words, void *y) {
  const uint32_t *a = (const uint32_t *)x;
  uint32_t *b = (uint32_t *)y;
  if (flip == NULL) {
    for (int32_t c = 0; c < words; ++c) b[c] &= a[c];
  } else {
    for (int32_t c = 0; c < words; ++c) b[c] = ((b[c] ^ flip[c]) & (a[c] ^ flip[c])) ^ flip[c];
  }
}

/* words: 4-byte elements of a pixel. */
typedef struct pool {
  const xl_op *op;
  const xl_pool2d_params *p;
  const uint32_t *flip;
  int32_t words;
  join add;
} pool;

#ifdef XL_CORE_COUNTS
/* One word of `pixels` output pixels whose windows have so many lines and taps, without vectors. Words from one to the
 * next: of x, of output pixels; `step` of windows, `line` of lines. */
XL_INLINE void join_words(const uint32_t *x, ptrdiff_t words, ptrdiff_t step, ptrdiff_t line, int32_t lines, int32_t taps,
                          uint32_t flip, int32_t pixels, uint32_t *out) {
  for (; pixels > 0; --pixels, x += step, out += words) {
    uint32_t all = UINT32_MAX;
    if (lines == 2 && taps == 2) {
      all = (x[0] ^ flip) & (x[words] ^ flip) & (x[line] ^ flip) & (x[line + words] ^ flip);
    } else {
      for (int32_t i = 0; i < lines; ++i) {
        for (int32_t j = 0; j < taps; ++j) all &= x[i * line + j * words] ^ flip;
      }
    }
    *out = all ^ flip;
  }
}

/* A line of output pixels: those whose windows lie inside it in one go. */
static void pool_words(const pool *c, const uint32_t *image, xl_span h, uint32_t *out) {
  const xl_window *win = &c->p->window;
  const ptrdiff_t words = c->words, line = words * win->in_w, step = words * win->stride_w;
  const uint32_t *top = image + (h.start + h.begin) * line;
  for (int32_t x = 0, run; x < win->out_w; x += run) {
    const xl_span w = xl_span_w(win, x);
    const int32_t room = win->in_w - win->window_w - w.start;
    run = w.begin == 0 && room >= 0 ? xl_min32(room / win->stride_w + 1, win->out_w - x) : 1;
    for (ptrdiff_t i = 0; i < words; ++i) {
      join_words(top + (w.start + w.begin) * words + i, words, step, line, xl_span_count(h), xl_span_count(w),
                 c->flip == NULL ? 0 : c->flip[i], run, out + x * words + i);
    }
  }
}
#endif

/* Lines of the output, of all images. The first element under the window is copied, the others are joined. */
static void pool_lines(void *context, int32_t begin, int32_t end, int32_t worker) {
  const pool *c = (const pool *)context;
  const xl_window *win = &c->p->window;
  const ptrdiff_t pixel = (ptrdiff_t)c->words * 4, line = pixel * win->in_w;
  char *out = (char *)c->op->out + (ptrdiff_t)begin * win->out_w * pixel;
  (void)worker;
  for (int32_t l = begin; l < end; ++l) {
    const char *image = (const char *)c->op->in[0] + l / win->out_h * (line * win->in_h);
    const xl_span h = xl_span_h(win, l % win->out_h);
#ifdef XL_CORE_COUNTS
    if (!XL_SMALL && c->add == join_b) { /* 396 bytes on Cortex-M4 */
      pool_words(c, (const uint32_t *)(const void *)image, h, (uint32_t *)(void *)out);
      out += win->out_w * pixel;
      continue;
    }
#endif
    for (int32_t x = 0; x < win->out_w; ++x, out += pixel) {
      const xl_span w = xl_span_w(win, x);
      const char *first = image + (h.start + h.begin) * line + (w.start + w.begin) * pixel;
#ifdef XL_CORE_FLOATS
      if (c->add == join_f32 && c->words % 4 == 0) {
        const ptrdiff_t skip = line - xl_span_count(w) * pixel;
        for (ptrdiff_t i = 0; i < pixel; i += 16) {
          xl_core_max4_f32((const float *)(const void *)(first + i), pixel, xl_span_count(w), xl_span_count(h), skip,
                           (float *)(void *)(out + i));
        }
        continue;
      }
#endif
      memcpy(out, first, (size_t)pixel);
      for (int32_t i = 0; i < xl_span_count(h); ++i) {
        for (int32_t j = i == 0; j < xl_span_count(w); ++j) {
          c->add(first + i * line + j * pixel, c->flip, c->words, out);
        }
      }
    }
  }
}

static void run_pool(const xl_op *op, const uint32_t *flip, int32_t words, join add) {
  const xl_pool2d_params *p = (const xl_pool2d_params *)op->params;
  const xl_window *win = &p->window;
  pool c = {op, p, flip, words, add};
  xl_parallel(op, pool_lines, &c, p->batch * win->out_h, xl_grain((ptrdiff_t)win->in_w * win->stride_h * words * 4));
}

void XL_KERNEL(max_pool2d_f32)(const xl_op *op) {
  run_pool(op, NULL, ((const xl_pool2d_params *)op->params)->channels, join_f32);
}

void XL_KERNEL(max_pool2d_b)(const xl_op *op) {
  const int32_t channels = ((const xl_pool2d_params *)op->params)->channels;
  run_pool(op, (const uint32_t *)op->in[1], (int32_t)xl_words(channels), join_b);
}
