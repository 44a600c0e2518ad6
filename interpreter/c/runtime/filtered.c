/* Rules of ops with a filter: schema/contracts/rules.py has the table of types. */
#include "filtered.h"

static uint8_t output_dtype(const xl_look *l, const xl_filtered_slots *s) {
  return xl_field_u8(l->m, l->options, s->activation - 1u, XL_F32);
}

int32_t xl_planes(const xl_look *l, const xl_filtered_slots *s) { return xl_option(l, s->activation + 1u, 1); }

int32_t xl_input_multiplier(const xl_look *l, const xl_filtered_slots *s) {
  return s->numbers ? xl_option(l, s->activation + 2u, 1) : 1;
}

int32_t xl_input_zero_point(const xl_look *l, const xl_filtered_slots *s) {
  return s->numbers ? xl_option(l, s->activation + 3u, 0) : 0;
}

static int is_integer(uint8_t dtype) { return dtype == XL_I8 || dtype == XL_U8; }

/* The largest magnitude that an element of x counts as. */
static int64_t largest_number(const xl_look *l, const xl_filtered_slots *s) {
  if (!is_integer(l->x.dtype)) return 1;
  const int64_t multiplier = xl_input_multiplier(l, s), zero_point = xl_input_zero_point(l, s);
  const int64_t low = zero_point - multiplier * (l->x.dtype == XL_I8 ? -128 : 0);
  const int64_t high = multiplier * (l->x.dtype == XL_I8 ? 127 : 255) - zero_point;
  const int64_t a = low < 0 ? -low : low, b = high < 0 ? -high : high;
  return a > b ? a : b;
}

static xl_rule check_input_numbers(const xl_look *l, const xl_filtered_slots *s) {
  const int32_t multiplier = xl_input_multiplier(l, s), zero_point = xl_input_zero_point(l, s);
  if (!is_integer(l->x.dtype)) {
    XL_REQUIRE(multiplier == 1 && zero_point == 0, PARAMETER);
    return XL_RULE_NONE;
  }
  XL_REQUIRE(multiplier >= 1 && multiplier <= XL_MAX_MULTIPLIER, PARAMETER);
  XL_REQUIRE(zero_point >= -XL_MAX_NUMBER && zero_point <= XL_MAX_NUMBER, PARAMETER);
  XL_REQUIRE(largest_number(l, s) <= XL_MAX_NUMBER, PARAMETER);
  return XL_RULE_NONE;
}

/* The sums fit an int32. */
static xl_rule check_accumulator(const xl_look *l, const xl_filtered_slots *s, int64_t taps) {
  if (l->x.dtype == XL_F32) return XL_RULE_NONE;
  const int64_t levels = ((int64_t)1 << xl_planes(l, s)) - 1, weight = l->w.dtype == XL_I8 ? 128 : 1;
  XL_REQUIRE(taps * levels * largest_number(l, s) * weight <= XL_MAX_ELEMENTS, ACCUMULATOR);
  return XL_RULE_NONE;
}

static xl_rule check_mask(xl_look *l) {
  xl_type mask;
  if (!xl_input_type(l, 5, &mask)) return XL_RULE_NONE;
  l->tensor = xl_item(l->m, l->inputs, 5);
  XL_REQUIRE(l->w.dtype == XL_B && xl_same_type(&mask, &l->w), MASK);
  l->tensor = -1;
  return XL_RULE_NONE;
}

static xl_rule check_vectors(xl_look *l, int32_t channels) {
  xl_rule rule = xl_check_channel_vector(l, 2, XL_F32, channels);
  if (rule == XL_RULE_NONE) rule = xl_check_channel_vector(l, 3, XL_F32, channels);
  if (rule == XL_RULE_NONE) rule = xl_check_channel_vector(l, 4, XL_I32, channels);
  return rule;
}

/* What elements x, filter and output have, and what of scale, bias, threshold and activation goes with it. */
static xl_rule check_dtypes(const xl_look *l, const xl_filtered_slots *s) {
  const uint8_t x = l->x.dtype, w = l->w.dtype, out = output_dtype(l, s);
  XL_REQUIRE(x == XL_F32 || x == XL_B || (s->integers && is_integer(x)), INPUT_DTYPE);
  XL_REQUIRE(w == XL_F32 || w == XL_B || (s->integers && w == XL_I8), INPUT_DTYPE);
  XL_REQUIRE(x == XL_F32 || w != XL_F32, INPUT_DTYPE);
  XL_REQUIRE(x == XL_F32 || w == XL_B || xl_planes(l, s) == 1, PLANES);
  XL_REQUIRE(out < XL_DTYPE_COUNT, UNKNOWN);
  XL_REQUIRE(out == XL_F32 || (x != XL_F32 && (out == XL_I32 || out == XL_B)), OUTPUT_DTYPE);
  XL_REQUIRE(xl_has_input(l, 4) == (out == XL_B), THRESHOLD);
  if (out != XL_F32) {
    XL_REQUIRE(!xl_has_input(l, 2) && !xl_has_input(l, 3), SCALE_BIAS);
    XL_REQUIRE(xl_activation_kind(l, s->activation) == 0, SCALE_BIAS);
  }
  XL_REQUIRE(l->y.dtype == out, OUTPUT_TYPE);
  return XL_RULE_NONE;
}

xl_rule xl_check_filtered(xl_look *l, const xl_filtered_slots *s, uint32_t packed, int32_t channels, int64_t taps) {
  const int32_t planes = xl_planes(l, s);
  XL_REQUIRE(l->w.packed_axes == (l->w.dtype == XL_B ? packed : 1), PACKED_AXES);
  XL_REQUIRE(planes >= 1 && planes <= XL_MAX_PLANES && (planes == 1 || l->x.dtype == XL_B), PLANES);
  xl_rule rule = check_dtypes(l, s);
  if (rule == XL_RULE_NONE) rule = check_input_numbers(l, s);
  if (rule == XL_RULE_NONE) rule = check_vectors(l, channels);
  if (rule == XL_RULE_NONE) rule = xl_check_activation(l, s->activation);
  if (rule == XL_RULE_NONE) rule = check_mask(l);
  if (rule == XL_RULE_NONE) rule = check_accumulator(l, s, taps);
  return rule;
}

int32_t xl_plane_channels(const xl_look *l, const xl_filtered_slots *s) {
  const int32_t planes = xl_planes(l, s), channels = l->x.shape[l->x.rank - 1];
  if (planes < 1 || planes > XL_MAX_PLANES || channels % planes != 0) return 0;
  return channels / planes;
}

xl_rule xl_check_groups(const xl_look *l, const xl_filtered_slots *s, int32_t groups, int32_t in_c, int32_t out_c) {
  XL_REQUIRE(groups >= 1 && groups <= out_c && out_c % groups == 0, CHANNELS);
  XL_REQUIRE(xl_plane_channels(l, s) == (int64_t)in_c * groups, CHANNELS);
  return XL_RULE_NONE;
}

xl_rule xl_check_pad_value(const xl_look *l, uint32_t slot) {
  const int32_t value = (int8_t)xl_field_u8(l->m, l->options, slot, 0);
  XL_REQUIRE(value == 0 || ((value == 1 || value == -1) && l->x.dtype == XL_B), PAD_VALUE);
  return XL_RULE_NONE;
}
