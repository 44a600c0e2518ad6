/* LOCALLY_CONNECTED_2D of bits or floats, with float or bit filters: every output pixel has filters of its own. */
#include "volume_op.h"

static xl_volume volume_of(const xl_conv2d_params *p) { return xl_volume_of_2d(p, 1); }

XL_VOLUME_OP(xl_locally_connected2d, xl_conv2d_params);
