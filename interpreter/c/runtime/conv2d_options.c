/* What CONV_2D, DEPTHWISE_CONV_2D and LOCALLY_CONNECTED_2D share. */
#include "filtered.h"

static const xl_window_slots SLOTS = {2, XL_CONV_2D_STRIDE_H, XL_CONV_2D_DILATION_H, XL_CONV_2D_PAD_TOP};

const xl_filtered_slots xl_conv2d_slots = {XL_CONV_2D_ACTIVATION, 1, 1};
const xl_filtered_slots xl_local_slots = {XL_CONV_2D_ACTIVATION, 1, 0};

/* The window is the two axes before the filter's last. */
static const int32_t *taps_of(const xl_look *l) { return l->w.shape + l->w.rank - 3; }

xl_rule xl_check_conv2d_window(const xl_look *l, int32_t channels) {
  XL_REQUIRE(l->y.rank == 4 && l->y.shape[0] == l->x.shape[0] && l->y.shape[3] == channels, OUTPUT_TYPE);
  const xl_rule rule = xl_check_pad_value(l, XL_CONV_2D_PAD_VALUE);
  return rule != XL_RULE_NONE ? rule : xl_check_windows(l, &SLOTS, taps_of(l));
}

int xl_fill_conv2d(const xl_look *l, xl_op *op, xl_params *params) {
  xl_conv2d_params *p = &params->conv2d;
  (void)op;
  xl_fill_activation(l, XL_CONV_2D_ACTIVATION, &p->activation);
  xl_fill_window(l, &SLOTS, taps_of(l), &p->window);
  p->batch = l->x.shape[0];
  p->in_c = l->x.shape[3];
  p->out_c = l->y.shape[3];
  p->pad_value = (int8_t)xl_field_u8(l->m, l->options, XL_CONV_2D_PAD_VALUE, 0);
  p->groups = xl_option(l, XL_CONV_2D_GROUPS, 1);
  p->planes = xl_planes(l, &xl_conv2d_slots);
  p->masked = xl_is_masked(l);
  p->input_multiplier = xl_input_multiplier(l, &xl_conv2d_slots);
  p->input_zero_point = xl_input_zero_point(l, &xl_conv2d_slots);
  return 1;
}
