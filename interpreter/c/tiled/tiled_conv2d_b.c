/* CONV_2D of bits with bit filters in register tiles.
 *
 * First, rows of x become what the tiles read. Then tiles of output pixels, which run on across lines, are counted
 * and stored block by block of output channels. How a tile finds its windows:
 *
 *   image   x is copied into an image with its padding, one for every group of every bit plane, so that a line of a
 *           window is one run of units. (direct: x itself is such an image.)
 *   gather  where a pixel's bits are no whole units, the window of each pixel of a tile is gathered as one row.
 *
 * Outside the image a bit cannot be 0. It is +1 there, which tile_folds.c takes back. */
#include <string.h>

#include "bits.h"
#include "gather.h"
#include "parallel.h"
#include "store.h"
#include "tiles.h"
#include "window.h"

typedef enum source { DIRECT, IMAGE, GATHER } source;

/* How one pixel's blocks of a tile are stored: n channels from `first` on. fold: what it needs to know beside the
 * counts. */
typedef struct conv conv;
typedef void (*store_blocks)(const conv *c, const int16_t *counts, const int16_t *fold, int32_t first, int32_t n,
                             void *pixel);

struct conv {
  const xl_op *op;
  const xl_tiled_conv2d_params *t;
  const xl_conv2d_params *p;
  const xl_isa *isa;
  xl_tiles tiles;
  xl_channels channels;
  source from;
  int32_t image_h, image_w;     /* with padding */
  ptrdiff_t pixel_bytes;        /* of the image */
  ptrdiff_t slice_bytes;        /* of the image of one group of one plane */
  ptrdiff_t rows_bytes;         /* of a tile's gathered windows */
  ptrdiff_t gather_bytes;       /* scratch of one thread: one window's bits, then the windows of every plane */
  int32_t factor;               /* of a count, in a dot product */
  xl_classes class_y, class_x;
  int32_t folds;                /* of one class of pixels */
  const uint32_t *x;            /* of this batch element */
  char *out;
  ptrdiff_t out_words;          /* 4-byte words of an output pixel */
  store_blocks store;
  int32_t n_tiles, parts; /* a piece of work is one part of the channel blocks of one tile */
};

static int32_t last_tap(int32_t out, int32_t stride, int32_t taps, int32_t dilation) {
  return (out - 1) * stride + (taps - 1) * dilation;
}

static conv conv_of(const xl_tiled_conv2d_params *t) {
  const xl_conv2d_params *p = &t->conv;
  const xl_window *w = &p->window;
  conv c;
  memset(&c, 0, sizeof c);
  c.t = t;
  c.p = p;
  c.isa = t->isa;
  c.tiles = xl_tiles_of(t->isa->unit_bits, p);
  c.image_h = last_tap(w->out_h, w->stride_h, w->window_h, w->dilation_h) + 1;
  c.image_w = last_tap(w->out_w, w->stride_w, w->window_w, w->dilation_w) + 1;
  const int padded = w->pad_top > 0 || w->pad_left > 0 || c.image_h > w->in_h || c.image_w > w->in_w;
  if (c.tiles.group_c % t->isa->unit_bits != 0) {
    c.from = GATHER;
    c.rows_bytes = (ptrdiff_t)c.tiles.units * t->isa->row_bytes * t->isa->pixels;
    c.gather_bytes = (xl_words(c.tiles.row_bits) * 4 + c.rows_bytes * p->planes + 7) / 8 * 8;
  } else if (t->isa->spread == NULL && !padded && p->groups * p->planes == 1 && p->in_c % XL_WORD_BITS == 0) {
    c.from = DIRECT;
    c.image_w = w->in_w;
    c.pixel_bytes = p->in_c / 8;
  } else {
    c.from = IMAGE;
    c.pixel_bytes = (ptrdiff_t)c.tiles.group_c / t->isa->unit_bits * t->isa->row_bytes;
    c.slice_bytes = (c.pixel_bytes * c.image_h * c.image_w + 63) / 64 * 64;
  }
  c.factor = p->masked ? 1 : 2;
  xl_classes_of_window(p, &c.class_y, &c.class_x);
  c.folds = p->groups * c.tiles.blocks * XL_TILE_CHANNELS;
  return c;
}

uint64_t xl_tiled_conv2d_b_b_workspace(const xl_tiled_conv2d_params *t) {
  const conv c = conv_of(t);
  if (c.from == GATHER) return (uint64_t)c.gather_bytes * (uint64_t)t->threads;
  return c.from == DIRECT ? 0 : (uint64_t)c.slice_bytes * (uint64_t)(t->conv.groups * t->conv.planes);
}

/* ---- Rows of x -------------------------------------------------------------------------------------------- */

static void spread_row(const xl_isa *isa, const uint32_t *row, int32_t first, int32_t units, uint8_t *out) {
  if (isa->spread != NULL) {
    isa->spread(row, first, units, out);
  } else {
    memcpy(out, (const uint8_t *)row + first / 8, (size_t)units * (size_t)isa->row_bytes);
  }
}

/* `units` units of padding. */
static void spread_padding(const conv *c, int32_t units, uint8_t *out) {
  const uint32_t word = c->p->pad_value < 0 ? UINT32_MAX : 0;
  uint8_t one[16]; /* of any instruction set a unit has at most a word */
  spread_row(c->isa, &word, 0, 1, one);
  for (int32_t k = 0; k < units; ++k) memcpy(out + (ptrdiff_t)k * c->isa->row_bytes, one, (size_t)c->isa->row_bytes);
}

/* The image of one group of one plane. */
static uint8_t *slice_of(const conv *c, int32_t slice) {
  return (uint8_t *)c->op->workspace + slice * c->slice_bytes;
}

/* Lines begin to end - 1 of all images, one after the other. */
static void spread_lines(void *context, int32_t begin, int32_t end, int32_t worker) {
  const conv *c = (const conv *)context;
  const xl_window *w = &c->p->window;
  const int32_t units = c->tiles.group_c / c->isa->unit_bits, plane_c = c->p->in_c / c->p->planes;
  const ptrdiff_t words = xl_words(c->p->in_c);
  (void)worker;
  for (int32_t line = begin; line < end; ++line) {
    const int32_t slice = line / c->image_h, y = line % c->image_h - w->pad_top;
    const int32_t first = slice / c->p->groups * plane_c + slice % c->p->groups * c->tiles.group_c;
    uint8_t *out = slice_of(c, slice) + (line % c->image_h) * c->pixel_bytes * c->image_w;
    const int32_t inside = y < 0 || y >= w->in_h ? 0 : xl_max32(0, xl_min32(c->image_w - w->pad_left, w->in_w));
    const int32_t before = inside == 0 ? c->image_w : w->pad_left;
    spread_padding(c, before * units, out);
    out += before * c->pixel_bytes;
    const uint32_t *x = c->x + (ptrdiff_t)y * w->in_w * words;
    if (inside > 0 && words * XL_WORD_BITS == c->tiles.group_c) { /* pixels follow each other without a gap */
      spread_row(c->isa, x, 0, inside * units, out);
      out += inside * c->pixel_bytes;
    } else {
      for (int32_t i = 0; i < inside; ++i, x += words, out += c->pixel_bytes) spread_row(c->isa, x, first, units, out);
    }
    spread_padding(c, (c->image_w - before - inside) * units, out);
  }
}

/* ---- Tiles ------------------------------------------------------------------------------------------------ */

/* The output pixels of one tile, and where their folds begin. */
typedef struct tile {
  int32_t first, pixels;
  int32_t y[XL_TILE_MAX_PIXELS], x[XL_TILE_MAX_PIXELS];
  const int16_t *folds[XL_TILE_MAX_PIXELS];
} tile;

static void tile_at(const conv *c, int32_t index, tile *t) {
  const xl_window *w = &c->p->window;
  const int32_t all = w->out_h * w->out_w;
  t->first = index * c->isa->pixels;
  t->pixels = xl_min32(c->isa->pixels, all - t->first);
  int32_t y = t->first / w->out_w, x = t->first % w->out_w;
  for (int32_t m = 0; m < t->pixels; ++m) {
    const int32_t class = xl_class_of(&c->class_y, y) * c->class_x.n + xl_class_of(&c->class_x, x);
    t->folds[m] = c->t->folds + (ptrdiff_t)class * c->folds;
    t->y[m] = y;
    t->x[m] = x;
    if (++x == w->out_w) {
      x = 0;
      ++y;
    }
  }
}

static void read_image(const conv *c, const tile *t, int32_t slice, xl_tile_rows *rows) {
  const xl_window *w = &c->p->window;
  const uint8_t *image = c->from == DIRECT ? (const uint8_t *)c->x : slice_of(c, slice);
  const int joined = w->dilation_w == 1;
  const int32_t units = (int32_t)(c->pixel_bytes / c->isa->row_bytes);
  rows->lines = w->window_h;
  rows->line_bytes = c->pixel_bytes * c->image_w * w->dilation_h;
  rows->runs = joined ? 1 : w->window_w;
  rows->run_bytes = c->pixel_bytes * w->dilation_w;
  rows->units = joined ? units * w->window_w : units;
  for (int32_t m = 0; m < t->pixels; ++m) {
    rows->rows[m] = image + ((ptrdiff_t)t->y[m] * w->stride_h * c->image_w + t->x[m] * w->stride_w) * c->pixel_bytes;
  }
}

static void read_gathered(const conv *c, const tile *t, int32_t slice, int32_t worker, xl_tile_rows *rows) {
  const xl_window *w = &c->p->window;
  uint32_t *bits = (uint32_t *)(void *)((uint8_t *)c->op->workspace + worker * c->gather_bytes);
  uint8_t *out = (uint8_t *)(bits + xl_words(c->tiles.row_bits)) + slice / c->p->groups * c->rows_bytes;
  const int32_t first = slice / c->p->groups * (c->p->in_c / c->p->planes) + slice % c->p->groups * c->tiles.group_c;
  rows->lines = rows->runs = 1;
  rows->line_bytes = rows->run_bytes = 0;
  rows->units = c->tiles.units;
  for (int32_t m = 0; m < t->pixels; ++m) {
    const xl_gather g = {w, xl_words(c->p->in_c), first, c->tiles.group_c, c->p->pad_value < 0 ? UINT32_MAX : 0};
    xl_gather_bits(&g, c->x, xl_span_h(w, t->y[m]), xl_span_w(w, t->x[m]), bits);
    spread_row(c->isa, bits, 0, c->tiles.units, out);
    rows->rows[m] = out;
    out += (ptrdiff_t)c->tiles.units * c->isa->row_bytes;
  }
}

/* The windows of one tile against the blocks `block` and on of group g. */
static void count_blocks(const conv *c, const tile *t, const xl_tile_rows *planes, int32_t g, int32_t block,
                         int32_t blocks, int16_t *counts) {
  const xl_tiles *tiles = &c->tiles;
  const uint8_t *filters = c->t->filters + g * tiles->copies * tiles->copy_bytes + block * tiles->block_bytes;
  const int32_t n = t->pixels * blocks * XL_TILE_CHANNELS;
  int32_t add = 0;
  for (int32_t plane = c->p->planes - 1; plane >= 0; --plane) {
    for (int32_t copy = 0; copy < tiles->copies; ++copy) {
      c->isa->count(&planes[plane], t->pixels, filters + copy * tiles->copy_bytes, tiles->block_bytes, blocks, add,
                    counts);
      add = 1;
    }
    if (plane > 0) {
      for (int32_t i = 0; i < n; ++i) counts[i] = (int16_t)(counts[i] * 2);
    }
  }
}

static void store_tile(const conv *c, const tile *t, int32_t g, int32_t block, int32_t blocks, const int16_t *counts) {
  const int32_t within = block * XL_TILE_CHANNELS, first = g * c->tiles.group_out + within;
  const int32_t n = xl_min32(c->tiles.group_out - within, blocks * XL_TILE_CHANNELS);
  const ptrdiff_t fold = (ptrdiff_t)g * c->tiles.blocks * XL_TILE_CHANNELS + within, step = c->out_words * 4;
  char *pixel = c->out + t->first * step;
  for (int32_t m = 0; m < t->pixels; ++m, pixel += step, counts += blocks * XL_TILE_CHANNELS) {
    c->store(c, counts, t->folds[m] + fold, first, n, pixel);
  }
}

static void run_pieces(void *context, int32_t begin, int32_t end, int32_t worker) {
  const conv *c = (const conv *)context;
  const int32_t per_part = (c->tiles.blocks + c->parts - 1) / c->parts;
  xl_tile_rows rows[8]; /* one a bit plane */
  int16_t space[XL_TILE_MAX_PIXELS * XL_TILE_MAX_BLOCKS * XL_TILE_CHANNELS + 32];
  int16_t *counts = space + (64 - (uintptr_t)space % 64) % 64 / sizeof *space; /* at a multiple of 64 bytes */
  for (int32_t piece = begin; piece < end; ++piece) {
    tile t;
    tile_at(c, piece / c->parts, &t);
    const int32_t from = piece % c->parts * per_part, to = xl_min32(from + per_part, c->tiles.blocks);
    for (int32_t g = 0; g < c->p->groups; ++g) {
      for (int32_t plane = 0; plane < c->p->planes; ++plane) {
        const int32_t slice = plane * c->p->groups + g;
        if (c->from == GATHER) {
          read_gathered(c, &t, slice, worker, &rows[plane]);
        } else {
          read_image(c, &t, slice, &rows[plane]);
        }
      }
      for (int32_t block = from; block < to; block += c->isa->blocks) {
        const int32_t blocks = xl_min32(c->isa->blocks, to - block);
        count_blocks(c, &t, rows, g, block, blocks, counts);
        store_tile(c, &t, g, block, blocks, counts);
      }
    }
  }
}

static void convolve(const xl_op *op, store_blocks store, ptrdiff_t out_words) {
  const xl_tiled_conv2d_params *t = (const xl_tiled_conv2d_params *)op->params;
  const xl_conv2d_params *p = &t->conv;
  const int32_t threads = xl_thread_count(op);
  conv c = conv_of(t);
  c.op = op;
  c.channels = xl_channels_of(op, &p->activation);
  c.x = (const uint32_t *)op->in[0];
  c.out = (char *)op->out;
  c.out_words = out_words;
  c.store = store;
  c.n_tiles = (p->window.out_h * p->window.out_w + c.isa->pixels - 1) / c.isa->pixels;
  /* Few pixels, many channels: threads share a tile. Not where two groups share a word of output bits. */
  const int shared = p->groups == 1 && threads > 1 && c.n_tiles < 4 * threads;
  c.parts = shared ? (c.tiles.blocks + c.isa->blocks - 1) / c.isa->blocks : 1;
  const int32_t pieces = c.n_tiles * c.parts, lines = c.image_h * p->groups * p->planes;
  for (int32_t n = 0; n < p->batch; ++n) {
    if (c.from == IMAGE) xl_parallel(op, spread_lines, &c, lines, lines / (4 * threads) + 1);
    xl_parallel(op, run_pieces, &c, pieces, pieces / (8 * threads) + 1);
    c.x += (ptrdiff_t)p->window.in_h * p->window.in_w * xl_words(p->in_c);
    c.out += (ptrdiff_t)p->window.out_h * p->window.out_w * out_words * 4;
  }
}

/* ---- Outputs ---------------------------------------------------------------------------------------------- */

/* A block of a group that does not begin at a word lies in two. The first to write a word sets it, those that
 * follow in ascending order add their bits. */
static void store_bits(const conv *c, const int16_t *counts, const int16_t *fold, int32_t first, int32_t n,
                       void *pixel) {
  const int32_t shift = first % XL_WORD_BITS;
  uint32_t *word = (uint32_t *)pixel + first / XL_WORD_BITS;
  for (; n > 0; n -= XL_TILE_CHANNELS, counts += XL_TILE_CHANNELS, fold += XL_TILE_CHANNELS, ++word) {
    const uint32_t bits = c->isa->store_b(counts, fold);
    if (shift == 0) {
      *word = bits;
      continue;
    }
    word[0] |= bits << shift;
    if (shift + xl_min32(n, XL_TILE_CHANNELS) > XL_WORD_BITS) word[1] = bits >> (XL_WORD_BITS - shift);
  }
}

static void store_ints(const conv *c, const int16_t *counts, const int16_t *fold, int32_t first, int32_t n,
                       void *pixel) {
  int32_t *y = (int32_t *)pixel + first;
  for (int32_t i = 0; i < n; ++i) y[i] = fold[i] - c->factor * counts[i];
}

static void store_floats(const conv *c, const int16_t *counts, const int16_t *fold, int32_t first, int32_t n,
                         void *pixel) {
  float *y = (float *)pixel + first;
  const xl_channels *k = &c->channels;
  for (; n >= XL_TILE_CHANNELS; n -= XL_TILE_CHANNELS) {
    c->isa->store_f32(counts, fold, c->factor, k->scale == NULL ? NULL : k->scale + first,
                      k->bias == NULL ? NULL : k->bias + first, k->activation, y);
    counts += XL_TILE_CHANNELS;
    fold += XL_TILE_CHANNELS;
    first += XL_TILE_CHANNELS;
    y += XL_TILE_CHANNELS;
  }
  if (n == 0) return;
  for (int32_t i = 0; i < n; ++i) y[i] = (float)(fold[i] - c->factor * counts[i]);
  xl_finish_f32(k, first, n, y);
}

static int32_t channels_of(const xl_op *op) { return ((const xl_tiled_conv2d_params *)op->params)->conv.out_c; }

void xl_tiled_conv2d_b_b_b(const xl_op *op) { convolve(op, store_bits, xl_words(channels_of(op))); }
void xl_tiled_conv2d_b_b_i32(const xl_op *op) { convolve(op, store_ints, channels_of(op)); }
void xl_tiled_conv2d_b_b_f32(const xl_op *op) { convolve(op, store_floats, channels_of(op)); }
