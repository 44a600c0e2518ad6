/* Layout of what is made ready for float tiles when a network is loaded. Internal. */
#ifndef XL_TILES_F32_H
#define XL_TILES_F32_H

#include "bits.h"
#include "isa_f32.h"

typedef struct xl_tiles_f32 {
  int32_t group_c, group_out; /* channels of a group */
  int32_t k;                  /* elements of a filter */
  int32_t channels;           /* of a block */
  int32_t blocks;             /* of a group */
  int32_t row_words;          /* 4-byte words of one element of a block: its floats, or its signs and zeros */
  ptrdiff_t block_words;
} xl_tiles_f32;

/* The kind of tile for a convolution. */
static inline const xl_isa_f32 *xl_isa_f32_for(const xl_isa *isa, const xl_conv2d_params *p) {
  const xl_isa_f32 *narrow = isa->f32->narrow;
  return narrow != NULL && p->out_c / p->groups <= narrow->channels ? narrow : isa->f32;
}

/* bits: whether the filters are. */
static inline xl_tiles_f32 xl_tiles_f32_of(const xl_isa_f32 *isa, const xl_conv2d_params *p, int bits) {
  xl_tiles_f32 t;
  t.group_c = p->in_c / p->groups;
  t.group_out = p->out_c / p->groups;
  t.k = p->window.window_h * p->window.window_w * t.group_c;
  t.channels = isa->channels;
  t.blocks = (t.group_out + t.channels - 1) / t.channels;
  t.row_words = bits ? 1 + p->masked : t.channels;
  t.block_words = (ptrdiff_t)t.k * t.row_words;
  return t;
}

#endif
