/* PRELU. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_F32 && l->w.dtype == XL_F32, INPUT_DTYPE);
  XL_REQUIRE(l->w.rank + 1 == l->x.rank, INPUT_RANK);
  for (uint32_t i = 0; i < l->w.rank; ++i) {
    XL_REQUIRE(l->w.shape[i] == 1 || l->w.shape[i] == l->x.shape[i + 1], INPUT_SHAPE);
  }
  return xl_check_like_x(l, XL_F32);
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  xl_prelu_params *p = &params->prelu;
  (void)op;
  p->rank = l->x.rank;
  xl_fill_shape(&l->x, p->shape);
  for (uint32_t i = 0; i < XL_MAX_RANK; ++i) p->slope_shape[i] = i == 0 || i > l->w.rank ? 1 : l->w.shape[i - 1];
  return 1;
}

static const xl_kind KIND = {check, fill, 0, 2, 2, 2, 0, 1, XL_NO_SLOT};

XL_ENTRY(prelu_f32, XL_NUMBER_PRELU, XL_F32, XL_F32, XL_F32, KIND, NULL);
