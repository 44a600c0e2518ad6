/* QUANTIZE and DEQUANTIZE. */
#include "entry.h"
#include "floats.h"
#include "rules.h"

/* The scale is above 0, and the zero point a value that the integers have. */
static xl_rule check_scale(const xl_look *l, uint8_t integers) {
  const uint32_t scale = xl_field_u32(l->m, l->options, XL_QUANTIZE_SCALE, XL_ONE);
  const int32_t zero_point = xl_option(l, XL_QUANTIZE_ZERO_POINT, 0);
  XL_REQUIRE(xl_is_finite(scale) && xl_float_order(scale) > 0, QUANTIZATION);
  XL_REQUIRE(xl_is_value(integers, zero_point), QUANTIZATION);
  return XL_RULE_NONE;
}

static uint8_t output_dtype(const xl_look *l) {
  return xl_field_u8(l->m, l->options, XL_QUANTIZE_OUTPUT_DTYPE, XL_F32);
}

static xl_rule check_to(xl_look *l) {
  const uint8_t out = output_dtype(l);
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  XL_REQUIRE(out < XL_DTYPE_COUNT, UNKNOWN);
  XL_REQUIRE(out == XL_I8 || out == XL_U8, OUTPUT_DTYPE);
  const xl_rule rule = check_scale(l, out);
  return rule != XL_RULE_NONE ? rule : xl_check_like_x(l, out);
}

static xl_rule check_from(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_I8 || l->x.dtype == XL_U8 || l->x.dtype == XL_I32, INPUT_DTYPE);
  XL_REQUIRE(output_dtype(l) < XL_DTYPE_COUNT, UNKNOWN);
  XL_REQUIRE(output_dtype(l) == XL_F32, OUTPUT_DTYPE);
  const xl_rule rule = check_scale(l, l->x.dtype);
  if (rule != XL_RULE_NONE) return rule;
  XL_REQUIRE(l->x.dtype != XL_I32 || xl_option(l, XL_QUANTIZE_ZERO_POINT, 0) == 0, QUANTIZATION);
  return xl_check_like_x(l, XL_F32);
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  params->quantize.count = (int32_t)xl_elements(&l->x, 0, l->x.rank);
  params->quantize.scale = xl_field_f32(l->m, l->options, XL_QUANTIZE_SCALE, XL_ONE);
  params->quantize.zero_point = xl_option(l, XL_QUANTIZE_ZERO_POINT, 0);
  return 1;
}

static const xl_kind TO = {check_to, fill, XL_QUANTIZE_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};
static const xl_kind FROM = {check_from, fill, XL_QUANTIZE_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(quantize_f32_i8, XL_NUMBER_QUANTIZE, XL_F32, XL_ANY_TYPE, XL_I8, TO, NULL);
XL_ENTRY(quantize_f32_u8, XL_NUMBER_QUANTIZE, XL_F32, XL_ANY_TYPE, XL_U8, TO, NULL);
XL_ENTRY(dequantize_i8_f32, XL_NUMBER_DEQUANTIZE, XL_I8, XL_ANY_TYPE, XL_F32, FROM, NULL);
XL_ENTRY(dequantize_u8_f32, XL_NUMBER_DEQUANTIZE, XL_U8, XL_ANY_TYPE, XL_F32, FROM, NULL);
XL_ENTRY(dequantize_i32_f32, XL_NUMBER_DEQUANTIZE, XL_I32, XL_ANY_TYPE, XL_F32, FROM, NULL);
