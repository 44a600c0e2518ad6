/* CONV_3D_TRANSPOSE. The full output has (in - 1) * stride + span elements an axis; the paddings are cut off its ends,
 * and the options say what is left, which may reach beyond it by less than a stride. */
#include "conv3d_options.h"
#include "entry.h"

static xl_rule check_extent(const xl_look *l, uint32_t a) {
  const xl_axis x = xl_axis_of(l, &xl_conv3d_windows, a, l->w.shape[1 + a]);
  const int32_t after = xl_pad_after(l, &xl_conv3d_windows, a), out = xl_option(l, XL_CONV_3D_OUTPUT_D + a, 0);
  const xl_rule rule = xl_check_axis(&x, after);
  if (rule != XL_RULE_NONE) return rule;
  const int64_t left = (int64_t)(x.in - 1) * x.stride + xl_axis_span(&x) - x.pad - after;
  XL_REQUIRE(out >= 1 && out <= XL_MAX_IMAGE, WINDOW);
  XL_REQUIRE(left <= out && out < left + x.stride, WINDOW);
  XL_REQUIRE(x.out == out, OUTPUT_TYPE);
  return XL_RULE_NONE;
}

static xl_rule check(xl_look *l) {
  xl_rule rule = xl_check_conv3d(l);
  if (rule != XL_RULE_NONE) return rule;
  XL_REQUIRE(xl_field_u8(l->m, l->options, XL_CONV_3D_PAD_VALUE, 0) == 0, PAD_VALUE);
  for (uint32_t a = 0; a < 3 && rule == XL_RULE_NONE; ++a) rule = check_extent(l, a);
  return rule;
}

static uint64_t bits(const void *p) { return xl_conv3d_transpose_b_b_workspace((const xl_conv3d_params *)p); }
static uint64_t floats(const void *p) { return xl_conv3d_transpose_f32_workspace((const xl_conv3d_params *)p); }

static const xl_kind KIND = XL_FILTERED_KIND(check, xl_fill_conv3d, XL_CONV_3D_OPTIONS, XL_CONV_3D_ACTIVATION);

XL_FILTERED_ENTRIES(conv3d_transpose, XL_NUMBER_CONV_3D_TRANSPOSE, KIND, bits, floats);
