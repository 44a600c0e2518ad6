/* What a loader of the shared library compares with what it was written for. */
#include "xlite.h"

#define SIZE(name) {#name, (uint32_t)sizeof(name)}

static const xl_struct_size SIZES[] = {
    SIZE(xl_op),
    SIZE(xl_activation),
    SIZE(xl_window),
    SIZE(xl_conv2d_params),
    SIZE(xl_axis),
    SIZE(xl_conv3d_params),
    SIZE(xl_dense_params),
    SIZE(xl_rows_params),
    SIZE(xl_bytes_params),
    SIZE(xl_quantize_params),
    SIZE(xl_binary_params),
    SIZE(xl_planes_params),
    SIZE(xl_activation_params),
    SIZE(xl_prelu_params),
    SIZE(xl_pool2d_params),
    SIZE(xl_pool3d_params),
    SIZE(xl_part),
    SIZE(xl_concatenate_params),
    SIZE(xl_reshape_params),
    SIZE(xl_pad_params),
    SIZE(xl_transpose_params),
    SIZE(xl_slice_params),
    SIZE(xl_tile_params),
    SIZE(xl_reduce_params),
    SIZE(xl_resize_params),
    SIZE(xl_embedding_params),
    SIZE(xl_threads),
    SIZE(xl_tiled_conv2d_params),
    SIZE(xl_timer),
    {NULL, 0},
};

uint32_t xl_abi_version(void) { return XL_ABI_VERSION; }

const xl_struct_size *xl_struct_sizes(void) { return SIZES; }
