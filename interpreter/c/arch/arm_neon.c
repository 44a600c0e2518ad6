/* Register tiles for Arm with NEON, of 64 and of 32 bits. */
#include "isa_f32.h"

#ifdef XL_HAS_NEON
#include <arm_neon.h>

#include "tile_chunks.h"
#include "tile_store.h"

#ifdef __aarch64__
#include "arm_neon_64.h"
#else
#include "arm_neon_32.h"
#endif

static void count(const xl_tile_rows *r, int32_t pixels, const uint8_t *filters, ptrdiff_t block_bytes,
                  int32_t blocks, int32_t add, int16_t *counts) {
  xl_add_chunks(ADD_CHUNK[blocks - 1][pixels - 1], r, filters, block_bytes, add, counts, MAX_UNITS,
                XL_TILE_CHANNELS * UNIT_BYTES, UNIT_BYTES);
}

/* Eight comparisons as bytes of all ones or none. */
XL_INLINE uint8x8_t above(const int16_t *counts, const int16_t *limits) {
  return vmovn_u16(vcgtq_s16(vld1q_s16(counts), vld1q_s16(limits)));
}

/* Each byte keeps the bit of its place, then the eight of a byte are added up. */
static uint32_t store_b(const int16_t *counts, const int16_t *limits) {
  static const uint8_t places[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x8_t place = vld1_u8(places);
  uint8x8_t eighth[4];
  for (int i = 0; i < 4; ++i) eighth[i] = vand_u8(above(counts + 8 * i, limits + 8 * i), place);
  const uint8x8_t quarter = vpadd_u8(vpadd_u8(eighth[0], eighth[1]), vpadd_u8(eighth[2], eighth[3]));
  return vget_lane_u32(vreinterpret_u32_u8(vpadd_u8(quarter, quarter)), 0);
}

static void store_f32(const int16_t *counts, const int16_t *dots, int32_t factor, const float *scale,
                      const float *bias, const xl_activation *activation, float *out) {
  xl_tile_store_f32(counts, dots, factor, scale, bias, activation, out);
}

static const uint8_t LANES[XL_TILE_CHANNELS] = {XL_NATURAL_LANES};
const xl_isa xl_neon = {"neon", 8 * UNIT_BYTES, UNIT_BYTES, PIXELS, BLOCKS,    LANES,
                        NULL,   count,          store_b,    store_f32, &xl_neon_f32};

#endif
