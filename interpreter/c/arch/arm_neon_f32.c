/* Register tiles of floats for Arm with NEON. AArch64 has 32 registers, of which 24 hold sums; of 32 bits there are
 * 16, of which 8 do: with more, compilers spill them. */
#include "isa_f32.h"

#ifdef XL_HAS_NEON
#include <arm_neon.h>

#ifdef __aarch64__
#define PIXELS 12
#else
#define PIXELS 4
#endif
#define LANES 4
#define VECTORS 2
#ifdef __ARM_FEATURE_FMA
#define add_product(a, b, c) vfmaq_f32(c, a, b)
#else
#define add_product(a, b, c) vmlaq_f32(c, a, b)
#endif

#include "tile_f32.h"

const xl_isa_f32 xl_neon_f32 = {PIXELS, CHANNELS, dot, store, unpack, NULL};

#endif
