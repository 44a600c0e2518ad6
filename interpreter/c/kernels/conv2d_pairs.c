/* CONV_2D of integers where a core multiplies pairs of int16 (core.h, XL_CORE_PAIRS): filters are widened once, and
 * windows gathered as the core reads them. */
#include "conv2d_pairs.h"

#include "core.h"
#include "window.h"

#ifdef XL_CORE_PAIRS

typedef xl_pairs_shape shape;

/* Workspace: dot products of a strip, [3 * triples][XL_BLOCK]; filters of a chunk, pair i of filters 2 f and 2 f + 1 in
 * [f][i][0 and 1]; a strip, pair i of pixel 3 t + p in [t][i][p]. Where lines are widened first, the bytes at which those
 * that windows of one line see begin, one line behind the other, and these lines: line y, counted from the padding, is
 * number y modulo the window's height. */
typedef struct conv {
  const xl_conv2d_params *p;
  const xl_integers *kind;
  shape s;
  xl_numbers x;
  xl_weights w;
  xl_channels channels;
  int32_t *dots;
  uint32_t *filters, *strip, *begins;
  int16_t *ring; /* NULL where windows are gathered from the image */
  xl_core_widen *widen;
} conv;

/* Where the element behind `to` lies: two to a word, and one word of three pixels is this one's. */
XL_INLINE int16_t *behind(int16_t *to) { return to + ((uintptr_t)to % 4 == 0 ? 1 : 5); }

static int16_t *put_outside(const conv *c, ptrdiff_t n, int16_t *to) {
  for (; n > 0; --n, to = behind(to)) *to = (int16_t)c->p->pad_value;
  return to;
}

static int16_t *put_signs(const conv *c, ptrdiff_t at, int32_t first, ptrdiff_t n, int16_t *to) {
  int16_t signs[XL_WORD_BITS];
  for (; n > 0; n -= XL_WORD_BITS, first += XL_WORD_BITS) {
    const ptrdiff_t some = n < XL_WORD_BITS ? n : XL_WORD_BITS;
    c->kind->widen(&c->x, at, first, some, signs);
    for (ptrdiff_t i = 0; i < some; ++i, to = behind(to)) *to = signs[i];
  }
  return to;
}

/* The windows of one line of output pixels: line y of image n. made: lines of the image before it are in the ring. */
typedef struct line {
  int32_t n, y, made;
  xl_span h;
} line;

static void begin_line(const conv *c, line *l) {
  const xl_window *win = &c->p->window;
  l->h = xl_span_h(win, l->y);
  if (c->ring == NULL) return;
  const int32_t height = win->window_h, first = l->y * win->stride_h - win->pad_top;
  if (l->y == 0 || l->made < first) l->made = first;
  int32_t slot = (l->made + win->pad_top) % height;
  for (; l->made < first + height; ++l->made, slot = slot + 1 < height ? slot + 1 : 0) {
    xl_widen_line(c->p, c->kind->widen, &c->x, l->n, l->made, (win->out_w - 1) * win->stride_w + win->window_w,
                  c->ring + slot * c->s.ring_line);
  }
  for (int32_t i = 0; i < height; ++i, slot = slot + 1 < height ? slot + 1 : 0) { /* the first one is behind the last */
    c->begins[i] = (uint32_t)(slot * c->s.ring_line * (ptrdiff_t)sizeof *c->ring);
  }
}

/* The windows of output pixels x to x + n - 1 of a line, from the ring. left: how many fit in the first one's triple. */
static void gather_run(const conv *c, int32_t x, int32_t n, int32_t left, int16_t *to) {
  const xl_window *win = &c->p->window;
  xl_core_windows w;
  w.step = (ptrdiff_t)win->stride_w * c->s.group_c * (ptrdiff_t)sizeof *to;
  w.x = c->ring + (ptrdiff_t)x * win->stride_w * c->s.group_c;
  w.begins = c->begins;
  w.rows = win->window_h;
  w.n = (ptrdiff_t)win->window_w * c->s.group_c;
  w.to = to;
  w.pixels = n;
  w.left = left;
  w.skip = 3 * (c->s.pairs - 1) * (ptrdiff_t)sizeof(uint32_t);
  xl_core_gather(&w);
}

/* The window of output pixel x of a line, its channels `first` and on. Taps that are neighbours in memory are widened
 * together. */
static void gather(const conv *c, const line *l, int32_t x, int32_t first, int16_t *to) {
  const xl_window *win = &c->p->window;
  const xl_span h = l->h, w = xl_span_w(win, x);
  const ptrdiff_t group_c = c->s.group_c, pixel = c->x.channels;
  const ptrdiff_t before = w.begin * group_c, after = (win->window_w - w.end) * group_c;
  const int together = win->dilation_w == 1 && c->p->groups == 1;
  const int32_t times = together ? 1 : xl_span_count(w);
  const ptrdiff_t step = together ? xl_span_count(w) * group_c : group_c;
  ptrdiff_t at = ((ptrdiff_t)l->n * win->in_h + h.start + (ptrdiff_t)h.begin * win->dilation_h) * win->in_w;
  at += w.start + w.begin * win->dilation_w;
  const uint8_t *from = (const uint8_t *)c->x.data + at * pixel + first;
  if (h.begin == h.end || w.begin == w.end) {
    to = put_outside(c, c->s.k, to);
  } else {
    to = put_outside(c, h.begin * (ptrdiff_t)win->window_w * group_c, to);
    for (int32_t i = h.begin; i < h.end; ++i) {
      if (before > 0) to = put_outside(c, before, to);
      if (c->kind->input_bits) {
        for (int32_t j = 0; j < xl_span_count(w); ++j) {
          to = put_signs(c, at + (ptrdiff_t)j * win->dilation_w, first, group_c, to);
        }
      } else {
        for (int32_t j = 0; j < times; ++j) {
          to = c->widen(from + j * win->dilation_w * pixel, step, to, c->x.multiplier, c->x.zero_point);
        }
      }
      if (after > 0) to = put_outside(c, after, to);
      at += (ptrdiff_t)win->dilation_h * win->in_w;
      from += (ptrdiff_t)win->dilation_h * win->in_w * pixel;
    }
    to = put_outside(c, (win->window_h - h.end) * (ptrdiff_t)win->window_w * group_c, to);
  }
  if (c->s.k % 2 != 0) *to = 0;
}

/* How many filters, n at most, are in a block from filter `first` on. */
static int32_t some_of_block(int32_t first, int32_t n) { return xl_min32(n, XL_BLOCK - first % XL_BLOCK); }

/* Filters of one block; where their number is odd the last one stands there twice. Returns how many do. */
static int32_t widen_filters(const conv *c, int32_t first, int32_t n, uint32_t *filters) {
  for (int32_t f = 0; f < n + n % 2; ++f) {
    const int32_t row = first + (f < n ? f : n - 1);
    uint32_t *to = filters + f / 2 * 2 * c->s.pairs + f % 2;
    for (ptrdiff_t at = 0; at < c->s.k; at += XL_CHUNK_I16) {
      int16_t weights[XL_CHUNK_I16 + XL_WORD_BITS];
      const ptrdiff_t some = c->s.k - at < XL_CHUNK_I16 ? c->s.k - at : XL_CHUNK_I16;
      c->kind->weigh(&c->w, row, at, some, weights);
      if (some % 2 != 0) weights[some] = 0;
      for (ptrdiff_t i = 0; i < some; i += 2, to += 2) {
        *to = (uint16_t)weights[i] | (uint32_t)(uint16_t)weights[i + 1] << 16;
      }
    }
  }
  return n + n % 2;
}

/* Filters first to first + n - 1, whose pairs are ready, and `pixels` output pixels, whose windows are. */
static void convolve_strip(const conv *c, int32_t first, int32_t n, int32_t pixels, char *out) {
  const ptrdiff_t pixel_bytes = 4 * xl_output_words(c->kind, c->p->out_c);
  const uint32_t *w = c->filters;
  for (int32_t f = first, some; f < first + n; f += some) {
    some = some_of_block(f, first + n - f);
    for (int32_t i = 0; i < some; i += 2, w += 2 * c->s.pairs) {
      xl_core_dot_pairs(c->strip, w, c->s.pairs, (pixels + 2) / 3, c->dots + i);
    }
    for (int32_t s = 0; s < pixels; ++s) {
      c->kind->store(&c->channels, f, some, c->dots + s * XL_BLOCK, out + s * pixel_bytes);
    }
  }
}

static void convolve_group(const conv *c, int32_t group, int32_t pixels, char *out) {
  const ptrdiff_t pixel_bytes = 4 * xl_output_words(c->kind, c->p->out_c);
  const int32_t end = (group + 1) * c->s.group_out, strip = 3 * c->s.triples;
  const xl_window *win = &c->p->window;
  for (int32_t first = group * c->s.group_out, n; first < end; first += n) {
    n = xl_min32(end - first, c->s.chunk - first % XL_BLOCK); /* whole blocks but the first and last */
    uint32_t *filters = c->filters;
    for (int32_t f = first; f < first + n; f += some_of_block(f, first + n - f)) {
      filters += widen_filters(c, f, some_of_block(f, first + n - f), filters) * c->s.pairs;
    }
    line l = {0, 0, 0, {0, 0, 0}};
    int32_t x = 0;
    for (int32_t index = 0; index < pixels; index += strip) {
      const int32_t some = xl_min32(strip, pixels - index);
      for (int32_t s = 0, run; s < some; s += run) {
        if (x == 0) begin_line(c, &l);
        run = c->ring == NULL ? 1 : xl_min32(some - s, win->out_w - x);
        uint32_t *to = c->strip + s / 3 * 3 * c->s.pairs + s % 3;
        if (c->ring == NULL) {
          gather(c, &l, x, group * c->s.group_c, (int16_t *)(void *)to);
        } else {
          gather_run(c, x, run, 3 - s % 3, (int16_t *)(void *)to);
        }
        x += run;
        if (x == win->out_w) {
          x = 0;
          if (++l.y == win->out_h) l.y = 0, ++l.n;
        }
      }
      convolve_strip(c, first, n, some, out + index * pixel_bytes);
    }
  }
}

void xl_conv2d_pairs(const xl_op *op, const xl_integers *kind) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
  conv c;
  c.p = p;
  c.kind = kind;
  c.s = xl_pairs_shape_of(p);
  c.x = xl_numbers_of(op, p);
  c.w = xl_weights_of(op, p->masked, c.s.k);
  c.channels = xl_channels_of(op, &p->activation);
  c.dots = (int32_t *)op->workspace; /* first: the core stores doubles */
  c.filters = (uint32_t *)(c.dots + 3 * c.s.triples * XL_BLOCK);
  c.strip = c.filters + c.s.chunk * c.s.pairs;
  c.begins = c.strip + 3 * c.s.triples * c.s.pairs;
  c.ring = c.s.ring_line > 0 && !kind->input_bits ? (int16_t *)(void *)(c.begins + p->window.window_h) : NULL;
  const int as_it_is = p->input_multiplier == 1;
  c.widen = as_it_is ? xl_core_widen_i8 : xl_core_widen_products_i8;
  if (kind->widen == xl_widen_u8) c.widen = as_it_is ? xl_core_widen_u8 : xl_core_widen_products_u8;
  const int32_t pixels = p->batch * p->window.out_h * p->window.out_w;
  for (int32_t g = 0; g < p->groups; ++g) convolve_group(&c, g, pixels, (char *)op->out);
}

#endif
