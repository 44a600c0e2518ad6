/* Packing the filters of float convolutions into the order in which register tiles read them, once when a network
 * is loaded: group by group, block by block of channels, element by element. Float filters lie there as `channels`
 * floats an element, filters of bits as one word of signs an element, and behind each a word of zeros where weights
 * can be 0. Channels that fill up the last block have weights of 0 or +1, and nobody reads what comes of them. */
#include <string.h>

#include "tiles_f32.h"

uint64_t xl_tile_filters_f32_bytes(const xl_isa *isa, const xl_conv2d_params *conv, int32_t bits) {
  const xl_tiles_f32 t = xl_tiles_f32_of(xl_isa_f32_for(isa, conv), conv, bits);
  return (uint64_t)t.block_words * 4 * (uint64_t)t.blocks * (uint64_t)conv->groups;
}

void xl_tile_filters_f32(const xl_isa *isa, const xl_conv2d_params *conv, const float *filter, float *out) {
  const xl_tiles_f32 t = xl_tiles_f32_of(xl_isa_f32_for(isa, conv), conv, 0);
  for (int32_t i = 0; i < conv->groups * t.blocks; ++i) {
    const int32_t within = i % t.blocks * t.channels, n = xl_min32(t.group_out - within, t.channels);
    const float *row = filter + ((ptrdiff_t)(i / t.blocks) * t.group_out + within) * t.k;
    for (int32_t k = 0; k < t.k; ++k, out += t.channels) {
      for (int32_t c = 0; c < n; ++c) out[c] = row[(ptrdiff_t)c * t.k + k];
      for (int32_t c = n; c < t.channels; ++c) out[c] = 0.0f;
    }
  }
}

static uint32_t bit_of(const uint32_t *row, int32_t k) { return row[k / XL_WORD_BITS] >> k % XL_WORD_BITS & 1; }

void xl_tile_filters_f32_b(const xl_isa *isa, const xl_conv2d_params *conv, const uint32_t *filter,
                           const uint32_t *mask, uint32_t *out) {
  const xl_tiles_f32 t = xl_tiles_f32_of(xl_isa_f32_for(isa, conv), conv, 1);
  const ptrdiff_t words = xl_words(t.k);
  for (int32_t i = 0; i < conv->groups * t.blocks; ++i) {
    const int32_t within = i % t.blocks * t.channels, n = xl_min32(t.group_out - within, t.channels);
    const ptrdiff_t first = ((ptrdiff_t)(i / t.blocks) * t.group_out + within) * words;
    for (int32_t k = 0; k < t.k; ++k, out += t.row_words) {
      memset(out, 0, (size_t)t.row_words * sizeof *out);
      for (int32_t c = 0; c < n; ++c) {
        out[0] |= bit_of(filter + first + c * words, k) << c;
        if (t.row_words == 2) out[1] |= bit_of(mask + first + c * words, k) << c;
      }
    }
  }
}
