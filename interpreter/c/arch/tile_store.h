/* What becomes of the counts of one block, written as loops that the compiler vectorises for the target of the
 * file that includes this. Internal. */
#ifndef XL_TILE_STORE_H
#define XL_TILE_STORE_H

#include "bits.h"
#include "isa.h"

/* Each product and sum is rounded by itself, as everywhere; the activation that nearly every network has is computed
 * while the values are in registers, others by their function. */
XL_INLINE void xl_tile_store_f32(const int16_t *counts, const int16_t *dots, int32_t factor, const float *scale,
                                 const float *bias, const xl_activation *a, float *out) {
  float y[XL_TILE_CHANNELS];
  for (int i = 0; i < XL_TILE_CHANNELS; ++i) y[i] = (float)(dots[i] - factor * counts[i]);
  if (scale != NULL) {
    for (int i = 0; i < XL_TILE_CHANNELS; ++i) y[i] *= scale[i];
  }
  if (bias != NULL) {
    for (int i = 0; i < XL_TILE_CHANNELS; ++i) y[i] += bias[i];
  }
  if (a->apply == xl_relu) {
    const float alpha = a->alpha, max_value = a->max_value, threshold = a->threshold;
    for (int i = 0; i < XL_TILE_CHANNELS; ++i) {
      const float x = y[i], below = alpha * (x - threshold);
      const float low = x >= threshold ? x : below;
      out[i] = x >= max_value ? max_value : low;
    }
    return;
  }
  for (int i = 0; i < XL_TILE_CHANNELS; ++i) out[i] = y[i];
  if (a->apply != NULL) a->apply(a, out, out, XL_TILE_CHANNELS);
}

#endif
