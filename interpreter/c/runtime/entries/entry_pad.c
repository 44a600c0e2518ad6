/* PAD. */
#include "entry.h"
#include "floats.h"
#include "rules.h"

/* Bits are padded with +1 or -1, integers with a value that they have. */
static xl_rule check_value(const xl_look *l, uint32_t value) {
  int32_t integer;
  XL_REQUIRE(xl_is_finite(value), PAD_VALUE);
  if (l->x.dtype == XL_B) {
    XL_REQUIRE(value == XL_ONE || value == XL_MINUS_ONE, PAD_VALUE);
  } else if (l->x.dtype != XL_F32) {
    XL_REQUIRE(xl_float_integer(value, &integer) && xl_is_value(l->x.dtype, integer), PAD_VALUE);
  }
  return XL_RULE_NONE;
}

static xl_rule check(xl_look *l) {
  const xl_vector pads = xl_option_vector(l, XL_PAD_PADDINGS);
  XL_REQUIRE(xl_is_moved(l), INPUT_DTYPE);
  XL_REQUIRE(pads.count == 2u * l->x.rank, PARAMETER);
  XL_REQUIRE(l->y.rank == l->x.rank && l->y.dtype == l->x.dtype, OUTPUT_TYPE);
  for (uint32_t a = 0; a < l->x.rank; ++a) {
    const int32_t before = xl_item(l->m, pads, 2 * a), after = xl_item(l->m, pads, 2 * a + 1);
    const int32_t most = a == 0 ? 0 : XL_MAX_EXTENT;
    XL_REQUIRE(before >= 0 && before <= most && after >= 0 && after <= most, PARAMETER);
    XL_REQUIRE(l->y.shape[a] == (int64_t)l->x.shape[a] + before + after, OUTPUT_TYPE);
  }
  return check_value(l, xl_field_u32(l->m, l->options, XL_PAD_VALUE, 0));
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  const xl_vector pads = xl_option_vector(l, XL_PAD_PADDINGS);
  xl_pad_params *p = &params->pad;
  (void)op;
  p->rank = l->x.rank;
  xl_fill_shape(&l->x, p->shape);
  for (uint32_t a = 0; a < XL_MAX_RANK; ++a) {
    p->before[a] = a < l->x.rank ? xl_item(l->m, pads, 2 * a) : 0;
    p->after[a] = a < l->x.rank ? xl_item(l->m, pads, 2 * a + 1) : 0;
  }
  p->value = xl_field_f32(l->m, l->options, XL_PAD_VALUE, 0);
  return 1;
}

static const xl_kind KIND = {check, fill, XL_PAD_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(pad_f32, XL_NUMBER_PAD, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
XL_ENTRY(pad_b, XL_NUMBER_PAD, XL_B, XL_ANY_TYPE, XL_B, KIND, NULL);
XL_ENTRY(pad_8, XL_NUMBER_PAD, XL_I8_OR_U8, XL_ANY_TYPE, XL_I8_OR_U8, KIND, NULL);
