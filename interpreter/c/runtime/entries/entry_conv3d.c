/* CONV_3D. */
#include "conv3d_options.h"
#include "entry.h"

static xl_rule check(xl_look *l) {
  const xl_rule rule = xl_check_conv3d(l);
  if (rule != XL_RULE_NONE) return rule;
  for (uint32_t a = 0; a < 3; ++a) XL_REQUIRE(xl_option(l, XL_CONV_3D_OUTPUT_D + a, 0) == 0, PARAMETER);
  return xl_check_windows(l, &xl_conv3d_windows, l->w.shape + 1);
}

static uint64_t bits(const void *p) { return xl_conv3d_b_b_workspace((const xl_conv3d_params *)p); }
static uint64_t floats(const void *p) { return xl_conv3d_f32_workspace((const xl_conv3d_params *)p); }

static const xl_kind KIND = XL_FILTERED_KIND(check, xl_fill_conv3d, XL_CONV_3D_OPTIONS, XL_CONV_3D_ACTIVATION);

XL_FILTERED_ENTRIES(conv3d, XL_NUMBER_CONV_3D, KIND, bits, floats);
