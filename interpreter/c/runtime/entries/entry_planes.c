/* BIT_PLANES and FROM_PLANES. */
#include "entry.h"
#include "rules.h"

enum { HEAVISIDE = 1 };

/* bits: the type of bits, whose last axis has `planes` times the channels of floats. */
static xl_rule check_planes(const xl_look *l, const xl_type *bits, const xl_type *floats) {
  const uint8_t kind = xl_field_u8(l->m, l->options, XL_PLANES_KIND, 0);
  const int32_t planes = xl_option(l, XL_PLANES_PLANES, 1);
  XL_REQUIRE(kind < XL_PLANES_COUNT, UNKNOWN);
  XL_REQUIRE(planes >= 1 && planes <= XL_MAX_PLANES && (kind != HEAVISIDE || planes == 1), PLANES);
  XL_REQUIRE(bits->dtype == XL_B && floats->dtype == XL_F32 && bits->rank == floats->rank, OUTPUT_TYPE);
  for (uint32_t i = 0; i + 1 < bits->rank; ++i) XL_REQUIRE(bits->shape[i] == floats->shape[i], OUTPUT_TYPE);
  XL_REQUIRE(bits->shape[bits->rank - 1] == (int64_t)floats->shape[bits->rank - 1] * planes, PLANES);
  return XL_RULE_NONE;
}

static int fill_planes(const xl_look *l, xl_params *params, const xl_type *floats) {
  xl_planes_params *p = &params->planes;
  p->rows = (int32_t)xl_elements(floats, 0, floats->rank - 1u);
  p->channels = floats->shape[floats->rank - 1];
  p->planes = xl_option(l, XL_PLANES_PLANES, 1);
  p->kind = xl_field_u8(l->m, l->options, XL_PLANES_KIND, 0);
  return 1;
}

static xl_rule check_to(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  return check_planes(l, &l->y, &l->x);
}

static xl_rule check_from(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_B, INPUT_DTYPE);
  return check_planes(l, &l->x, &l->y);
}

static int fill_to(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  return fill_planes(l, params, &l->x);
}

static int fill_from(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  return fill_planes(l, params, &l->y);
}

static const xl_kind TO = {check_to, fill_to, XL_PLANES_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};
static const xl_kind FROM = {check_from, fill_from, XL_PLANES_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(bit_planes_f32_b, XL_NUMBER_BIT_PLANES, XL_F32, XL_ANY_TYPE, XL_B, TO, NULL);
XL_ENTRY(from_planes_b_f32, XL_NUMBER_FROM_PLANES, XL_B, XL_ANY_TYPE, XL_F32, FROM, NULL);
