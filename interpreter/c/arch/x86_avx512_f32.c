/* Register tiles of floats for x86 with AVX-512: of 32 registers 24 hold sums, so that 14 loads serve 24
 * multiply-adds. */
#include "isa_f32.h"

#ifdef XL_HAS_AVX512
#define XL_TARGET "avx512f"
#include "target.h"
#ifndef __clang__
XL_TARGET_BEGIN
#endif
#include <immintrin.h>
#ifdef __clang__
XL_TARGET_BEGIN
#endif

#define PIXELS 12
#define LANES 16
#define VECTORS 2
#define add_product(a, b, c) _mm512_fmadd_ps(a, b, c)

#include "tile_f32.h"

const xl_isa_f32 xl_avx512_f32 = {PIXELS, CHANNELS, dot, store, unpack, &xl_avx512_f32_narrow};

XL_TARGET_END
#endif
