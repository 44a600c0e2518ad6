/* Narrow register tiles of floats for x86 with AVX-512, for groups of up to 16 channels. */
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

#define PIXELS 8
#define LANES 16
#define VECTORS 1
#define add_product(a, b, c) _mm512_fmadd_ps(a, b, c)

#include "tile_f32.h"

const xl_isa_f32 xl_avx512_f32_narrow = {PIXELS, CHANNELS, dot, store, unpack, NULL};

XL_TARGET_END
#endif
