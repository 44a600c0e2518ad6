/* DEPTHWISE_CONV_2D. */
#include "entry.h"
#include "filtered.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.rank == 4 && l->w.rank == 3, INPUT_RANK);
  const int32_t out_c = l->w.shape[2], channels = xl_plane_channels(l, &xl_conv2d_slots);
  const xl_rule rule = xl_check_filtered(l, &xl_conv2d_slots, 1, out_c, xl_elements(&l->w, 0, 2));
  if (rule != XL_RULE_NONE) return rule;
  XL_REQUIRE(xl_option(l, XL_CONV_2D_GROUPS, 1) == 1, CHANNELS);
  XL_REQUIRE(channels != 0 && out_c % channels == 0, CHANNELS);
  return xl_check_conv2d_window(l, out_c);
}

static const xl_kind KIND = XL_FILTERED_KIND(check, xl_fill_conv2d, XL_CONV_2D_OPTIONS, XL_CONV_2D_ACTIVATION);

XL_FILTERED_ENTRIES(depthwise_conv2d, XL_NUMBER_DEPTHWISE_CONV_2D, KIND, NULL, NULL);
XL_INTEGER_ENTRIES(depthwise_conv2d, XL_NUMBER_DEPTHWISE_CONV_2D, KIND, NULL, NULL);
