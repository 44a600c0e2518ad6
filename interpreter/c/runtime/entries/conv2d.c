/* CONV_2D. */
#include "entry.h"
#include "filtered.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.rank == 4 && l->w.rank == 4, INPUT_RANK);
  const int32_t out_c = l->w.shape[0], groups = xl_option(l, XL_CONV_2D_GROUPS, 1);
  xl_rule rule = xl_check_filtered(l, &xl_conv2d_slots, 3, out_c, xl_elements(&l->w, 1, 4));
  if (rule == XL_RULE_NONE) rule = xl_check_groups(l, &xl_conv2d_slots, groups, l->w.shape[3], out_c);
  return rule != XL_RULE_NONE ? rule : xl_check_conv2d_window(l, out_c);
}

static uint64_t bits(const void *p) { return xl_conv2d_b_b_workspace((const xl_conv2d_params *)p); }
static uint64_t floats(const void *p) { return xl_conv2d_f32_workspace((const xl_conv2d_params *)p); }
static uint64_t integers(const void *p) { return xl_conv2d_integer_workspace((const xl_conv2d_params *)p); }
static uint64_t integer_filters(const void *p) { return xl_conv2d_f32_i8_workspace((const xl_conv2d_params *)p); }

static const xl_kind KIND = XL_FILTERED_KIND(check, xl_fill_conv2d, XL_CONV_2D_OPTIONS, XL_CONV_2D_ACTIVATION);

XL_FILTERED_ENTRIES(conv2d, XL_NUMBER_CONV_2D, KIND, bits, floats);
XL_INTEGER_ENTRIES(conv2d, XL_NUMBER_CONV_2D, KIND, integers, integer_filters);
