/* LOCALLY_CONNECTED_2D. */
#include "entry.h"
#include "filtered.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.rank == 4 && l->w.rank == 6, INPUT_RANK);
  const int32_t out_c = l->w.shape[2], groups = xl_option(l, XL_CONV_2D_GROUPS, 1);
  xl_rule rule = xl_check_filtered(l, &xl_local_slots, 3, out_c, xl_elements(&l->w, 3, 6));
  if (rule == XL_RULE_NONE) rule = xl_check_groups(l, &xl_local_slots, groups, l->w.shape[5], out_c);
  if (rule == XL_RULE_NONE) rule = xl_check_conv2d_window(l, out_c);
  if (rule != XL_RULE_NONE) return rule;
  XL_REQUIRE(groups == 1, CHANNELS);
  XL_REQUIRE(l->y.shape[1] == l->w.shape[0] && l->y.shape[2] == l->w.shape[1], WINDOW);
  return XL_RULE_NONE;
}

static uint64_t bits(const void *p) { return xl_locally_connected2d_b_b_workspace((const xl_conv2d_params *)p); }
static uint64_t floats(const void *p) { return xl_locally_connected2d_f32_workspace((const xl_conv2d_params *)p); }

static const xl_kind KIND = XL_FILTERED_KIND(check, xl_fill_conv2d, XL_CONV_2D_OPTIONS, XL_CONV_2D_ACTIVATION);

XL_FILTERED_ENTRIES(locally_connected2d, XL_NUMBER_LOCALLY_CONNECTED_2D, KIND, bits, floats);
