/* REDUCE. */
#include "entry.h"
#include "rules.h"

/* The axes that are reduced, a bit each; 0 where they do not ascend or are out of range. */
static uint32_t reduced_axes(const xl_look *l) {
  const xl_vector axes = xl_option_vector(l, XL_REDUCE_AXES);
  uint32_t reduced = 0;
  int32_t last = 0;
  for (uint32_t i = 0; i < axes.count; ++i) {
    const int32_t axis = xl_item(l->m, axes, i);
    if (axis <= last || axis >= l->x.rank) return 0;
    reduced |= (uint32_t)1 << axis;
    last = axis;
  }
  return reduced;
}

static xl_rule check(xl_look *l) {
  const uint32_t reduced = reduced_axes(l);
  const int keeps = xl_field_u8(l->m, l->options, XL_REDUCE_KEEPDIMS, 0) != 0;
  uint32_t rank = 0;
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  XL_REQUIRE(xl_field_u8(l->m, l->options, XL_REDUCE_KIND, 0) < XL_REDUCE_COUNT, UNKNOWN);
  XL_REQUIRE(reduced != 0, PARAMETER);
  for (uint32_t a = 0; a < l->x.rank; ++a) {
    const int gone = (reduced >> a & 1u) != 0;
    if (gone && !keeps) continue;
    XL_REQUIRE(rank < l->y.rank && l->y.shape[rank] == (gone ? 1 : l->x.shape[a]), OUTPUT_TYPE);
    ++rank;
  }
  XL_REQUIRE(rank > 1, PARAMETER);
  XL_REQUIRE(l->y.rank == rank && l->y.dtype == XL_F32, OUTPUT_TYPE);
  return XL_RULE_NONE;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  const uint32_t reduced = reduced_axes(l);
  xl_reduce_params *p = &params->reduce;
  (void)op;
  p->kind = xl_field_u8(l->m, l->options, XL_REDUCE_KIND, 0);
  p->rank = l->x.rank;
  xl_fill_shape(&l->x, p->shape);
  for (uint32_t a = 0; a < XL_MAX_RANK; ++a) p->reduced[a] = (int32_t)(reduced >> a & 1u);
  return 1;
}

static const xl_kind KIND = {check, fill, XL_REDUCE_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(reduce_f32, XL_NUMBER_REDUCE, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
