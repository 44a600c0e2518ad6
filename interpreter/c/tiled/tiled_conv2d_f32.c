/* CONV_2D of floats in register tiles, with float or bit filters.
 *
 * The output pixels of the whole batch are cut into tiles, and some tiles in a row make a group. For every block of
 * output channels and every chunk of a filter, the tiles of a group are computed one after the other: the chunk's
 * weights stay in the nearest cache. How a tile finds its windows:
 *
 *   directly  where it lies inside the image: read where it is, a line of the window as one run of x, or, where
 *             channels have groups or lines gaps, as one run a tap
 *   gathered  else each window is copied, padding included. In a tile with one window that reaches out of the
 *             image all are, so that its lines have one distance.
 *
 * A dot product is the sum of the dot products of chunks of CHUNK elements, each summed in order: that keeps rounding
 * errors small in long windows. The chunks are those of the op, not of the tile, so that a pixel's result does not
 * depend on where it lies. */
#include <string.h>

#include "parallel.h"
#include "store.h"
#include "tiles_f32.h"
#include "window.h"

#define CHUNK 128
#define GROUP_PIXELS 48
#define MIN_TILE 4 /* pixels of the smallest tile of any instruction set */
#define GATHER_FLOATS 32768 /* of the windows of a group, where they are more than one tile's */

typedef struct conv {
  const xl_conv2d_params *p;
  const xl_isa_f32 *isa;
  xl_tiles_f32 tiles;
  xl_channels channels;
  int bits;                 /* whether filters are */
  int32_t reach_h, reach_w; /* of a window, in pixels of x */
  int never;                /* windows are gathered; else some are */
  int32_t runs;             /* of a line of a window */
  int32_t n;                /* floats of a run */
  int32_t chunk_lines, chunk_runs, chunk_n; /* of a chunk: whole lines, or a run of one, or a part of a run */
  int32_t pixels, n_tiles;  /* of the whole batch */
  int32_t group, n_groups;  /* tiles of a group (of the last one fewer); groups of tiles */
  int32_t parts;            /* that a group's channel blocks are cut into */
  ptrdiff_t panel_floats;   /* scratch of one thread: a chunk of weights made of bits, */
  ptrdiff_t sums_floats;    /* a group's sums, */
  ptrdiff_t gather_floats;  /* a group's windows */
  const float *x;
  const uint32_t *filters;
  float *scratch;
  float *out;
} conv;

static int32_t ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

static conv conv_of(const xl_tiled_conv2d_params *t, int bits) {
  const xl_conv2d_params *p = &t->conv;
  const xl_window *w = &p->window;
  conv c;
  memset(&c, 0, sizeof c);
  c.p = p;
  c.isa = xl_isa_f32_for(t->isa, p);
  c.bits = bits;
  c.tiles = xl_tiles_f32_of(c.isa, p, bits);
  c.reach_h = (w->window_h - 1) * w->dilation_h + 1;
  c.reach_w = (w->window_w - 1) * w->dilation_w + 1;
  const int outside = w->pad_top > 0 || w->pad_left > 0 || (w->out_h - 1) * w->stride_h + c.reach_h > w->in_h ||
                      (w->out_w - 1) * w->stride_w + c.reach_w > w->in_w;
  c.never = !outside;
  c.runs = w->dilation_w > 1 || p->groups > 1 ? w->window_w : 1;
  c.n = c.tiles.k / w->window_h / c.runs;
  const int32_t line = c.runs * c.n;
  c.chunk_n = ceil_div(c.n, ceil_div(c.n, CHUNK));
  c.chunk_runs = line <= CHUNK ? c.runs : 1;
  c.chunk_lines = line >= CHUNK ? 1 : xl_min32(CHUNK / line, ceil_div(w->window_h, ceil_div(c.tiles.k, CHUNK)));
  c.pixels = p->batch * w->out_h * w->out_w;
  c.n_tiles = ceil_div(c.pixels, c.isa->pixels);
  const ptrdiff_t tile_floats = c.never ? 0 : (ptrdiff_t)c.isa->pixels * c.tiles.k;
  c.group = GROUP_PIXELS / c.isa->pixels;
  if (tile_floats > 0 && GATHER_FLOATS / tile_floats < c.group) {
    c.group = (int32_t)(GATHER_FLOATS / tile_floats > 1 ? GATHER_FLOATS / tile_floats : 1);
  }
  c.n_groups = ceil_div(c.n_tiles, c.group);
  c.group = ceil_div(c.n_tiles, c.n_groups);
  c.panel_floats = bits ? CHUNK * c.tiles.channels : 0;
  c.sums_floats = (ptrdiff_t)c.group * c.isa->pixels * c.tiles.channels;
  c.gather_floats = (c.group * tile_floats + 15) / 16 * 16;
  return c;
}

static uint64_t workspace(const xl_tiled_conv2d_params *t, int bits) {
  const conv c = conv_of(t, bits);
  return (uint64_t)(c.panel_floats + c.sums_floats + c.gather_floats) * sizeof(float) * (uint64_t)t->threads;
}

uint64_t xl_tiled_conv2d_f32_f32_workspace(const xl_tiled_conv2d_params *t) { return workspace(t, 0); }
uint64_t xl_tiled_conv2d_f32_b_workspace(const xl_tiled_conv2d_params *t) { return workspace(t, 1); }

/* ---- Windows ---------------------------------------------------------------------------------------------- */

typedef struct tile {
  xl_rows_f32 rows;
  int gathered; /* whether rows are copies */
  int32_t first, pixels;
  int32_t n[XL_F32_MAX_PIXELS], y[XL_F32_MAX_PIXELS], x[XL_F32_MAX_PIXELS];
} tile;

/* Tiles are of equal size but for one pixel: a small one at the end would cost as much as a full one. */
static void tile_at(const conv *c, int32_t index, tile *t) {
  const xl_window *w = &c->p->window;
  t->first = (int32_t)((int64_t)index * c->pixels / c->n_tiles);
  t->pixels = (int32_t)((int64_t)(index + 1) * c->pixels / c->n_tiles) - t->first;
  int32_t x = t->first % w->out_w, y = t->first / w->out_w % w->out_h, n = t->first / w->out_w / w->out_h;
  for (int32_t m = 0; m < t->pixels; ++m) {
    t->n[m] = n;
    t->y[m] = y;
    t->x[m] = x;
    if (++x == w->out_w) {
      x = 0;
      if (++y == w->out_h) {
        y = 0;
        ++n;
      }
    }
  }
}

/* The copy of a pixel's window. */
static void gather(const conv *c, const float *image, xl_span h, xl_span w, float *to) {
  const xl_window *win = &c->p->window;
  const int32_t n = c->tiles.group_c;
  const int joined = c->runs == 1 && win->window_w > 1;
  const int32_t together = joined ? xl_span_count(w) : 1;
  const size_t bytes = (size_t)together * (size_t)n * sizeof *to;
  memset(to, 0, (size_t)c->tiles.k * sizeof *to);
  for (int32_t i = h.begin; i < h.end; ++i) {
    const float *line = image + (ptrdiff_t)(h.start + i * win->dilation_h) * win->in_w * c->p->in_c;
    for (int32_t j = w.begin; j < w.end; j += together) {
      memcpy(to + ((ptrdiff_t)i * win->window_w + j) * n,
             line + (ptrdiff_t)(w.start + j * win->dilation_w) * c->p->in_c, bytes);
    }
  }
}

/* Where the tile reads the windows of one group of channels, after it had those of the group before. to: for those
 * that are gathered. */
static void find_windows(const conv *c, tile *t, int32_t group, float *to) {
  if (group > 0 && !t->gathered) {
    for (int32_t m = 0; m < t->pixels; ++m) t->rows.rows[m] += c->tiles.group_c;
    return;
  }
  const xl_window *win = &c->p->window;
  const ptrdiff_t pixel = c->p->in_c, line = pixel * win->in_w;
  const float *x = c->x + group * c->tiles.group_c;
  ptrdiff_t at[XL_F32_MAX_PIXELS];
  int32_t outside = 0;
  t->rows.runs = c->chunk_runs;
  for (int32_t m = 0; m < t->pixels; ++m) {
    const int32_t top = t->y[m] * win->stride_h - win->pad_top, left = t->x[m] * win->stride_w - win->pad_left;
    at[m] = (t->n[m] * (ptrdiff_t)win->in_h + top) * line + left * pixel;
    outside |= (top < 0) | (left < 0) | (top + c->reach_h > win->in_h) | (left + c->reach_w > win->in_w);
  }
  t->gathered = outside;
  if (!outside) {
    t->rows.line_step = win->dilation_h * line;
    t->rows.run_step = win->dilation_w * pixel;
    for (int32_t m = 0; m < t->pixels; ++m) t->rows.rows[m] = x + at[m];
    return;
  }
  t->rows.line_step = (ptrdiff_t)c->runs * c->n;
  t->rows.run_step = c->n;
  for (int32_t m = 0; m < t->pixels; ++m, to += c->tiles.k) {
    gather(c, x + t->n[m] * (ptrdiff_t)win->in_h * line, xl_span_h(win, t->y[m]), xl_span_w(win, t->x[m]), to);
    t->rows.rows[m] = to;
  }
}

/* ---- Tiles ------------------------------------------------------------------------------------------------ */

/* The sums of n tiles and one block of filters. */
static void multiply(const conv *c, const tile *tiles, int32_t n, const uint32_t *filters, float *panel,
                     float *sums) {
  const int32_t words = c->tiles.row_words, tile_sums = c->isa->pixels * c->tiles.channels;
  const int32_t height = c->p->window.window_h, runs = c->runs / c->chunk_runs, parts = ceil_div(c->n, c->chunk_n);
  for (int32_t line = 0; line < height; line += c->chunk_lines) {
    const int32_t lines = xl_min32(c->chunk_lines, height - line);
    for (int32_t part = 0; part < runs * parts; ++part) {
      const int32_t run = part / parts, k = part % parts * c->chunk_n, floats = xl_min32(c->chunk_n, c->n - k);
      const int32_t elements = lines * c->chunk_runs * floats;
      const float *weights = panel;
      if (c->bits) {
        c->isa->unpack(filters, words == 2 ? filters + 1 : NULL, words, elements, panel);
      } else {
        weights = (const float *)(const void *)filters;
      }
      for (int32_t i = 0; i < n; ++i) {
        const xl_rows_f32 *rows = &tiles[i].rows;
        const ptrdiff_t at = line * rows->line_step + run * rows->run_step + k;
        c->isa->dot(rows, at, lines, floats, tiles[i].pixels, weights, line + part > 0, sums + i * tile_sums);
      }
      filters += (ptrdiff_t)elements * words;
    }
  }
}

/* n channels from `first` on of one tile. */
static void store_tile(const conv *c, const tile *t, const float *sums, int32_t first, int32_t n) {
  const xl_channels *k = &c->channels;
  float *out = c->out + (ptrdiff_t)t->first * c->p->out_c + first;
  if (n == c->tiles.channels) {
    c->isa->store(sums, t->pixels, k->scale == NULL ? NULL : k->scale + first,
                  k->bias == NULL ? NULL : k->bias + first, k->activation, out, c->p->out_c);
    return;
  }
  for (int32_t m = 0; m < t->pixels; ++m, sums += c->tiles.channels, out += c->p->out_c) {
    memcpy(out, sums, (size_t)n * sizeof *out);
    xl_finish_f32(k, first, n, out);
  }
}

static void run_pieces(void *context, int32_t begin, int32_t end, int32_t worker) {
  const conv *c = (const conv *)context;
  float *panel = c->scratch + worker * (c->panel_floats + c->sums_floats + c->gather_floats);
  float *sums = panel + c->panel_floats, *windows = sums + c->sums_floats;
  const ptrdiff_t tile_sums = (ptrdiff_t)c->isa->pixels * c->tiles.channels;
  const int32_t per_part = ceil_div(c->tiles.blocks, c->parts);
  tile tiles[GROUP_PIXELS / MIN_TILE];
  for (int32_t piece = begin; piece < end; ++piece) {
    const int32_t from = piece % c->parts * per_part, to = xl_min32(from + per_part, c->tiles.blocks);
    const int32_t first = piece / c->parts * c->group, n = xl_min32(c->group, c->n_tiles - first);
    for (int32_t i = 0; i < n; ++i) tile_at(c, first + i, &tiles[i]);
    for (int32_t g = 0; g < c->p->groups; ++g) {
      for (int32_t i = 0; i < n; ++i) find_windows(c, &tiles[i], g, windows + i * (c->gather_floats / c->group));
      for (int32_t block = from; block < to; ++block) {
        const int32_t within = block * c->tiles.channels;
        const int32_t channels = xl_min32(c->tiles.channels, c->tiles.group_out - within);
        multiply(c, tiles, n, c->filters + (g * c->tiles.blocks + block) * c->tiles.block_words, panel, sums);
        for (int32_t i = 0; i < n; ++i) {
          store_tile(c, &tiles[i], sums + i * tile_sums, g * c->tiles.group_out + within, channels);
        }
      }
    }
  }
}

static void convolve(const xl_op *op, int bits) {
  const xl_tiled_conv2d_params *t = (const xl_tiled_conv2d_params *)op->params;
  const int32_t threads = xl_thread_count(op);
  conv c = conv_of(t, bits);
  c.channels = xl_channels_of(op, &t->conv.activation);
  c.x = (const float *)op->in[0];
  c.out = (float *)op->out;
  c.filters = (const uint32_t *)(const void *)t->filters;
  c.scratch = (float *)op->workspace;
  /* Few pixels, many channels: threads share a group of tiles. */
  c.parts = threads > 1 && c.n_groups < 4 * threads ? c.tiles.blocks : 1;
  const int32_t pieces = c.n_groups * c.parts;
  xl_parallel(op, run_pieces, &c, pieces, pieces / (8 * threads) + 1);
}

void xl_tiled_conv2d_f32_f32_f32(const xl_op *op) { convolve(op, 0); }
void xl_tiled_conv2d_f32_b_f32(const xl_op *op) { convolve(op, 1); }
