/* Ops on two tensors of the same rank: each axis is equal, or 1 in one of them. */
#include "binary.h"
#include "rules.h"

xl_rule xl_check_binary(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_F32 && l->w.dtype == XL_F32, INPUT_DTYPE);
  XL_REQUIRE(l->x.rank == l->w.rank, INPUT_RANK);
  XL_REQUIRE(l->y.rank == l->x.rank && l->y.dtype == XL_F32, OUTPUT_TYPE);
  for (uint32_t i = 0; i < l->x.rank; ++i) {
    const int32_t a = l->x.shape[i], b = l->w.shape[i];
    XL_REQUIRE(a == b || a == 1 || b == 1, INPUT_SHAPE);
    XL_REQUIRE(l->y.shape[i] == (a > b ? a : b), OUTPUT_TYPE);
  }
  return XL_RULE_NONE;
}

int xl_fill_binary(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  params->binary.rank = l->x.rank;
  xl_fill_shape(&l->x, params->binary.a_shape);
  xl_fill_shape(&l->w, params->binary.b_shape);
  return 1;
}
