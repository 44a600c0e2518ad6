/* Register tiles of floats for x86 with AVX2 and FMA: of 16 registers 12 hold sums, two the weights, one a
 * broadcast. */
#include "isa_f32.h"

#ifdef XL_HAS_AVX2
#define XL_TARGET "avx2,fma"
#include "target.h"
#ifndef __clang__
XL_TARGET_BEGIN
#endif
#include <immintrin.h>
#ifdef __clang__
XL_TARGET_BEGIN
#endif

#define PIXELS 6
#define LANES 8
#define VECTORS 2
#define add_product(a, b, c) _mm256_fmadd_ps(a, b, c)

#include "tile_f32.h"

const xl_isa_f32 xl_avx2_f32 = {PIXELS, CHANNELS, dot, store, unpack, &xl_avx2_f32_narrow};

XL_TARGET_END
#endif
