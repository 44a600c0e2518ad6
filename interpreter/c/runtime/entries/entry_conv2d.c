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

/* By look-up, where that is faster. */
static int pays(const void *p) { return xl_lookup_conv2d_b_b_pays((const xl_conv2d_params *)p); }
static uint64_t tables(const void *p) { return xl_lookup_conv2d_b_b_workspace((const xl_conv2d_params *)p); }

#define LOOKUP_ENTRY(name, out)       \
  const xl_entry xl_op_##name[1] = {  \
      {XL_NUMBER_CONV_2D, XL_B, XL_B, out, &KIND, NULL, xl_##name, NULL, pays, tables}}
LOOKUP_ENTRY(lookup_conv2d_b_b_b, XL_B);
LOOKUP_ENTRY(lookup_conv2d_b_b_i32, XL_I32);
LOOKUP_ENTRY(lookup_conv2d_b_b_f32, XL_F32);
