/* Kernels whose loops compilers vectorise, compiled once more for AVX2: the same sources under other names. Without
 * fused multiply-adds their results are the same to the last bit. */
#include "isa.h"

#ifdef XL_HAS_AVX2
#define XL_TARGET "avx2"
#include "target.h"
XL_TARGET_BEGIN

#define XL_KERNEL(name) xl_avx2_##name
#include "average_pool2d.c"
#include "batch_norm.c"
#include "binary.c"
#include "depthwise_conv2d_f32.c"
#include "max_pool2d.c"
#include "sign.c"
#include "unpack.c"

#define VARIANT(name) {xl_##name, xl_avx2_##name}
const xl_variant xl_avx2_variants[] = {
    VARIANT(add_f32),
    VARIANT(average_pool2d_f32),
    VARIANT(batch_norm_f32),
    VARIANT(depthwise_conv2d_f32_b_f32),
    VARIANT(depthwise_conv2d_f32_f32_f32),
    VARIANT(divide_f32),
    VARIANT(max_pool2d_b),
    VARIANT(max_pool2d_f32),
    VARIANT(maximum_f32),
    VARIANT(minimum_f32),
    VARIANT(multiply_f32),
    VARIANT(sign_f32_b),
    VARIANT(subtract_f32),
    VARIANT(unpack_b_f32),
    {NULL, NULL},
};

XL_TARGET_END
#endif
