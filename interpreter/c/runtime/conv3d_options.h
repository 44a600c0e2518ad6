/* What CONV_3D and CONV_3D_TRANSPOSE share. Internal. */
#ifndef XL_CONV3D_OPTIONS_H
#define XL_CONV3D_OPTIONS_H

#include "filtered.h"

extern const xl_window_slots xl_conv3d_windows;

/* All but the windows and the output's extents. */
xl_rule xl_check_conv3d(xl_look *l);
int xl_fill_conv3d(const xl_look *l, xl_op *op, xl_params *p);

#endif
