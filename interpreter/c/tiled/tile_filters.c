/* Packing filters into the order in which register tiles read them, once when a network is loaded. */
#include <string.h>

#include "tiles.h"

uint64_t xl_tile_filters_bytes(const xl_isa *isa, const xl_conv2d_params *conv) {
  const xl_tiles t = xl_tiles_of(isa->unit_bits, conv);
  return (uint64_t)t.copy_bytes * (uint64_t)t.copies * (uint64_t)conv->groups;
}

/* One filter into its lane of a block. zeros: bits that are set (set = 1) or cleared; NULL for none. */
static void pack_row(const xl_isa *isa, const xl_tiles *t, const uint32_t *row, const uint32_t *zeros, int set,
                     int32_t lane, uint8_t *out) {
  const ptrdiff_t words = xl_words(t->row_bits);
  const int32_t unit_bytes = isa->unit_bits / 8;
  out += lane * unit_bytes;
  for (ptrdiff_t i = 0; i < words; ++i) {
    uint32_t w = row[i];
    if (zeros != NULL) w = set ? w | zeros[i] : w & ~zeros[i];
    if (unit_bytes == 4) {
      memcpy(out + i * XL_TILE_CHANNELS * 4, &w, 4);
      continue;
    }
    const ptrdiff_t first = i * (4 / unit_bytes);
    for (ptrdiff_t k = first; k < first + 4 / unit_bytes && k < t->units; ++k) {
      uint8_t *unit = out + k * XL_TILE_CHANNELS * unit_bytes;
      for (int32_t byte = 0; byte < unit_bytes; ++byte, w >>= 8) unit[byte] = (uint8_t)w;
    }
  }
}

void xl_tile_filters(const xl_isa *isa, const xl_conv2d_params *conv, const uint32_t *filter, const uint32_t *mask,
                     uint8_t *out) {
  const xl_tiles t = xl_tiles_of(isa->unit_bits, conv);
  const ptrdiff_t words = xl_words(t.row_bits);
  memset(out, 0, (size_t)xl_tile_filters_bytes(isa, conv));
  for (int32_t g = 0; g < conv->groups; ++g) {
    for (int32_t copy = 0; copy < t.copies; ++copy, out += t.copy_bytes) {
      for (int32_t o = 0; o < t.group_out; ++o) {
        const ptrdiff_t at = ((ptrdiff_t)g * t.group_out + o) * words;
        pack_row(isa, &t, filter + at, mask == NULL ? NULL : mask + at, copy, isa->lanes[o % XL_TILE_CHANNELS],
                 out + o / XL_TILE_CHANNELS * t.block_bytes);
      }
    }
  }
}
