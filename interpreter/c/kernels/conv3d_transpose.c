/* CONV_3D_TRANSPOSE of bits or floats, with float or bit filters: each output gathers the inputs that reach it, so
 * that it is a dot product like any other and no sum is kept in memory. */
#include "volume_op.h"

static xl_volume volume_of(const xl_conv3d_params *p) { return xl_volume_of_3d(p, 1); }

XL_VOLUME_OP(xl_conv3d_transpose, xl_conv3d_params);
