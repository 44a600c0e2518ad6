/* CONV_2D of integers, see integers.h.
 *
 * The windows of STRIP output pixels are gathered one after the other, each as one row of int16 in the order of a
 * filter's elements. Then a tile of filters at a time goes over them, a chunk of which is widened once a strip. A core
 * that multiplies pairs of int16 has ways of its own, where the workspace is as large as they ask for. */
#include "conv2d_pairs.h"
#include "conv2d_toom.h"
#include "core.h"
#include "integers.h"
#include "window.h"

#define STRIP 4

typedef struct conv {
  const xl_conv2d_params *p;
  const xl_integers *kind;
  xl_numbers x;
  xl_weights w;
  int32_t group_c, group_out; /* input and output channels of a group */
  ptrdiff_t row;              /* elements of a gathered window, filled */
  int16_t *rows;              /* workspace: [STRIP][row], */
  int32_t *dots;              /* [STRIP][XL_BLOCK] */
} conv;

static ptrdiff_t window_elements(const xl_conv2d_params *p) {
  return (ptrdiff_t)p->window.window_h * p->window.window_w * (p->in_c / p->groups);
}

uint64_t xl_conv2d_integer_workspace(const xl_conv2d_params *p) {
  const uint64_t row = (uint64_t)xl_filled_i16(window_elements(p));
  const uint64_t bytes = STRIP * (row * sizeof(int16_t) + XL_BLOCK * sizeof(int32_t));
#ifdef XL_CORE_PAIRS
  return xl_conv2d_workspace_of_pairs(p, bytes);
#else
  return bytes;
#endif
}

/* The part of a line of the window that lies inside the image: `count` taps from column `left` on. */
static void gather_line(const conv *c, ptrdiff_t line, int32_t left, int32_t count, int32_t first, int16_t *to) {
  const xl_window *win = &c->p->window;
  if (win->dilation_w == 1 && c->p->groups == 1 && !c->kind->input_bits) { /* neighbours in memory */
    c->kind->widen(&c->x, line + left, 0, (ptrdiff_t)count * c->group_c, to);
    return;
  }
  for (int32_t j = 0; j < count; ++j, to += c->group_c) {
    c->kind->widen(&c->x, line + left + (ptrdiff_t)j * win->dilation_w, first, c->group_c, to);
  }
}

/* The window of output pixel `index` of the whole batch, its channels `first` and on. */
static void gather(const conv *c, int32_t index, int32_t first, int16_t *to) {
  const xl_window *win = &c->p->window;
  const int32_t x = index % win->out_w, y = index / win->out_w % win->out_h, n = index / win->out_w / win->out_h;
  const xl_span h = xl_span_h(win, y), w = xl_span_w(win, x);
  const ptrdiff_t line = (ptrdiff_t)win->window_w * c->group_c;
  const int16_t outside = (int16_t)c->p->pad_value;
  for (int32_t i = 0; i < win->window_h; ++i, to += line) {
    if (i < h.begin || i >= h.end || xl_span_count(w) == 0) {
      xl_fill_i16(to, outside, line);
      continue;
    }
    const ptrdiff_t row = (ptrdiff_t)n * win->in_h + h.start + (ptrdiff_t)i * win->dilation_h;
    const ptrdiff_t before = (ptrdiff_t)w.begin * c->group_c, inside = (ptrdiff_t)xl_span_count(w) * c->group_c;
    xl_fill_i16(to, outside, before);
    gather_line(c, row * win->in_w, w.start + w.begin * win->dilation_w, xl_span_count(w), first, to + before);
    xl_fill_i16(to + before + inside, outside, line - before - inside);
  }
  xl_fill_i16(to, 0, c->row - c->w.k);
}

/* Dot products of filters `filter` and on, up to a tile of them, with `pixels` rows: dots[pixel][filter - first]. */
static void dot_strip(const conv *c, int32_t filter, int32_t last, int32_t pixels, int32_t *dots) {
  const ptrdiff_t k = c->w.k;
  int16_t tile[XL_TILE_I16][XL_CHUNK_I16];
  int32_t sums[STRIP][XL_TILE_I16] = {{0}};
  for (ptrdiff_t at = 0; at < k; at += XL_CHUNK_I16) {
    const ptrdiff_t n = k - at < XL_CHUNK_I16 ? k - at : XL_CHUNK_I16;
    xl_weigh_tile(c->kind->weigh, &c->w, filter, last, at, n, tile);
    for (int32_t s = 0; s < pixels; ++s) {
      xl_dot_tile_i16(c->rows + s * c->row + at, (const int16_t(*)[XL_CHUNK_I16])tile, n, sums[s]);
    }
  }
  const int32_t filters = xl_min32(XL_TILE_I16, last - filter + 1);
  for (int32_t s = 0; s < pixels; ++s) {
    for (int32_t f = 0; f < filters; ++f) dots[s * XL_BLOCK + f] = sums[s][f];
  }
}

/* One group of `pixels` output pixels, whose windows are gathered. out: the first pixel. */
static void convolve_strip(const conv *c, int32_t group, int32_t pixels, const xl_channels *channels, char *out) {
  const ptrdiff_t pixel_bytes = 4 * xl_output_words(c->kind, c->p->out_c);
  const int32_t end = (group + 1) * c->group_out;
  for (int32_t first = group * c->group_out; first < end;) {
    const int32_t n = xl_min32(end - first, XL_BLOCK - first % XL_BLOCK);
    for (int32_t f = 0; f < n; f += XL_TILE_I16) dot_strip(c, first + f, first + n - 1, pixels, c->dots + f);
    for (int32_t s = 0; s < pixels; ++s) {
      c->kind->store(channels, first, n, c->dots + s * XL_BLOCK, out + s * pixel_bytes);
    }
    first += n;
  }
}

static void run(const xl_op *op, const xl_integers *kind) {
  const xl_conv2d_params *p = (const xl_conv2d_params *)op->params;
#ifdef XL_CORE_PAIRS
  /* a program made elsewhere may have less */
  if (!kind->input_bits && xl_conv2d_by_toom(p) && op->workspace_bytes >= xl_conv2d_toom_workspace(p)) {
    xl_conv2d_toom(op, kind);
    return;
  }
  if (xl_conv2d_in_pairs(p) && op->workspace_bytes >= xl_conv2d_pairs_workspace(p)) {
    xl_conv2d_pairs(op, kind);
    return;
  }
#endif
  const int32_t pixels = p->batch * p->window.out_h * p->window.out_w;
  const ptrdiff_t pixel_bytes = 4 * xl_output_words(kind, p->out_c);
  const xl_channels channels = xl_channels_of(op, &p->activation);
  const xl_numbers x = xl_numbers_of(op, p);
  const xl_weights w = xl_weights_of(op, p->masked, window_elements(p));
  conv c;
  c.p = p;
  c.kind = kind;
  c.x = x;
  c.w = w;
  c.group_c = p->in_c / p->groups;
  c.group_out = p->out_c / p->groups;
  c.row = xl_filled_i16(w.k);
  c.dots = (int32_t *)op->workspace;
  c.rows = (int16_t *)(c.dots + STRIP * XL_BLOCK);
  char *out = (char *)op->out;
  for (int32_t index = 0; index < pixels; index += STRIP, out += STRIP * pixel_bytes) {
    const int32_t some = xl_min32(STRIP, pixels - index);
    for (int32_t g = 0; g < p->groups; ++g) {
      for (int32_t s = 0; s < some; ++s) gather(&c, index + s, g * c.group_c, c.rows + s * c.row);
      convolve_strip(&c, g, some, &channels, out);
    }
  }
}

XL_INTEGER_OP(xl_conv2d);
