/* CONV_3D of bits or floats, with float or bit filters. */
#include "volume_op.h"

static xl_volume volume_of(const xl_conv3d_params *p) { return xl_volume_of_3d(p, 0); }

XL_VOLUME_OP(xl_conv3d, xl_conv3d_params);
