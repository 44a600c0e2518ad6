/* TRANSPOSE. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  const xl_vector order = xl_option_vector(l, XL_TRANSPOSE_PERMUTATION);
  uint32_t seen = 0;
  XL_REQUIRE(xl_is_moved(l), INPUT_DTYPE);
  XL_REQUIRE(order.count == l->x.rank, PARAMETER);
  XL_REQUIRE(l->y.rank == l->x.rank && l->y.dtype == l->x.dtype, OUTPUT_TYPE);
  for (uint32_t a = 0; a < l->x.rank; ++a) {
    const int32_t from = xl_item(l->m, order, a);
    XL_REQUIRE(from >= 0 && from < l->x.rank && (from == 0) == (a == 0), PARAMETER);
    XL_REQUIRE((seen >> from & 1u) == 0, PARAMETER);
    seen |= (uint32_t)1 << from;
    XL_REQUIRE(l->y.shape[a] == l->x.shape[from], OUTPUT_TYPE);
  }
  return XL_RULE_NONE;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  const xl_vector order = xl_option_vector(l, XL_TRANSPOSE_PERMUTATION);
  xl_transpose_params *p = &params->transpose;
  (void)op;
  p->rank = l->x.rank;
  xl_fill_shape(&l->x, p->shape);
  for (uint32_t a = 0; a < XL_MAX_RANK; ++a) p->permutation[a] = a < l->x.rank ? xl_item(l->m, order, a) : 0;
  return 1;
}

static const xl_kind KIND = {check, fill, XL_TRANSPOSE_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(transpose_f32, XL_NUMBER_TRANSPOSE, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
XL_ENTRY(transpose_b, XL_NUMBER_TRANSPOSE, XL_B, XL_ANY_TYPE, XL_B, KIND, NULL);
XL_ENTRY(transpose_8, XL_NUMBER_TRANSPOSE, XL_I8_OR_U8, XL_ANY_TYPE, XL_I8_OR_U8, KIND, NULL);
