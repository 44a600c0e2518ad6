/* What CONV_3D and CONV_3D_TRANSPOSE share. */
#include "conv3d_options.h"

static const xl_filtered_slots SLOTS = {XL_CONV_3D_ACTIVATION, 0, 0};

const xl_window_slots xl_conv3d_windows = {3, XL_CONV_3D_STRIDE_D, XL_CONV_3D_DILATION_D, XL_CONV_3D_PAD_FRONT};

xl_rule xl_check_conv3d(xl_look *l) {
  XL_REQUIRE(l->x.rank == 5 && l->w.rank == 5, INPUT_RANK);
  const int32_t out_c = l->w.shape[0], groups = xl_option(l, XL_CONV_3D_GROUPS, 1);
  xl_rule rule = xl_check_filtered(l, &SLOTS, 4, out_c, xl_elements(&l->w, 1, 5));
  if (rule == XL_RULE_NONE) rule = xl_check_groups(l, &SLOTS, groups, l->w.shape[4], out_c);
  if (rule != XL_RULE_NONE) return rule;
  XL_REQUIRE(l->y.rank == 5 && l->y.shape[0] == l->x.shape[0] && l->y.shape[4] == out_c, OUTPUT_TYPE);
  return xl_check_pad_value(l, XL_CONV_3D_PAD_VALUE);
}

int xl_fill_conv3d(const xl_look *l, xl_op *op, xl_params *params) {
  xl_conv3d_params *p = &params->conv3d;
  (void)op;
  xl_fill_activation(l, XL_CONV_3D_ACTIVATION, &p->activation);
  for (uint32_t a = 0; a < 3; ++a) p->axis[a] = xl_axis_of(l, &xl_conv3d_windows, a, l->w.shape[1 + a]);
  p->batch = l->x.shape[0];
  p->in_c = l->x.shape[4];
  p->out_c = l->y.shape[4];
  p->pad_value = (int8_t)xl_field_u8(l->m, l->options, XL_CONV_3D_PAD_VALUE, 0);
  p->groups = xl_option(l, XL_CONV_3D_GROUPS, 1);
  p->planes = xl_planes(l, &SLOTS);
  p->masked = xl_is_masked(l);
  return 1;
}
