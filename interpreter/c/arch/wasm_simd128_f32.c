/* Register tiles of floats for WebAssembly with SIMD, which has no fused multiply-add and mostly runs where there are
 * 16 registers. */
#include "isa_f32.h"

#ifdef XL_HAS_WASM
#define PIXELS 6
#define LANES 4
#define VECTORS 2
#define add_product(a, b, c) ((a) * (b) + (c))

#include "tile_f32.h"

const xl_isa_f32 xl_wasm_simd128_f32 = {PIXELS, CHANNELS, dot, store, unpack, NULL};

#endif
