/* RESHAPE: a copy where the bytes stay as they are; rows of bits whose length changes are packed anew. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  const xl_vector shape = xl_option_vector(l, XL_RESHAPE_SHAPE);
  int64_t elements = 1;
  XL_REQUIRE(shape.count >= 1 && shape.count <= XL_MAX_RANK - 1, PARAMETER);
  for (uint32_t i = 0; i < shape.count; ++i) {
    const int32_t extent = xl_item(l->m, shape, i);
    XL_REQUIRE(extent >= 1, PARAMETER);
    elements *= extent;
    XL_REQUIRE(elements <= XL_MAX_ELEMENTS, INPUT_SHAPE);
  }
  XL_REQUIRE(elements == xl_elements(&l->x, 1, l->x.rank), INPUT_SHAPE);
  XL_REQUIRE(l->y.rank == shape.count + 1 && l->y.dtype == l->x.dtype, OUTPUT_TYPE);
  XL_REQUIRE(l->y.shape[0] == l->x.shape[0], OUTPUT_TYPE);
  for (uint32_t i = 0; i < shape.count; ++i) XL_REQUIRE(l->y.shape[i + 1] == xl_item(l->m, shape, i), OUTPUT_TYPE);
  return XL_RULE_NONE;
}

static int fill_copy(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  params->bytes.bytes = (int32_t)xl_type_bytes(&l->x);
  return xl_same_rows(&l->x, &l->y);
}

static int fill_bits(const xl_look *l, xl_op *op, xl_params *params) {
  xl_reshape_params *p = &params->reshape;
  (void)op;
  p->in_rows = (int32_t)xl_elements(&l->x, 0, l->x.rank - 1u);
  p->in_bits = l->x.shape[l->x.rank - 1];
  p->out_rows = (int32_t)xl_elements(&l->y, 0, l->y.rank - 1u);
  p->out_bits = l->y.shape[l->y.rank - 1];
  return !xl_same_rows(&l->x, &l->y);
}

static const xl_kind COPY = {check, fill_copy, XL_RESHAPE_OPTIONS, 1, 1, 0, 0, 1, XL_NO_SLOT};
static const xl_kind BITS = {check, fill_bits, XL_RESHAPE_OPTIONS, 1, 1, 0, 0, 1, XL_NO_SLOT};

XL_ENTRY(reshape_copy, XL_NUMBER_RESHAPE, XL_ANY_TYPE, XL_ANY_TYPE, XL_ANY_TYPE, COPY, NULL);
XL_ENTRY(reshape_b, XL_NUMBER_RESHAPE, XL_B, XL_ANY_TYPE, XL_B, BITS, NULL);
