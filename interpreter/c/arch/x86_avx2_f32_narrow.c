/* Narrow register tiles of floats for x86 with AVX2 and FMA, for groups of up to 8 channels: 8 sums, as many as two
 * multiply-adds a cycle keep in flight. */
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

#define PIXELS 8
#define LANES 8
#define VECTORS 1
#define add_product(a, b, c) _mm256_fmadd_ps(a, b, c)

#include "tile_f32.h"

const xl_isa_f32 xl_avx2_f32_narrow = {PIXELS, CHANNELS, dot, store, unpack, NULL};

XL_TARGET_END
#endif
