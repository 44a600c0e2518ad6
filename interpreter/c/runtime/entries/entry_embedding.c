/* EMBEDDING. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_F32 || l->x.dtype == XL_I32, INPUT_DTYPE);
  XL_REQUIRE(l->w.dtype == XL_F32, INPUT_DTYPE);
  XL_REQUIRE(l->w.rank == 2, INPUT_RANK);
  XL_REQUIRE(l->y.rank == l->x.rank + 1 && l->y.dtype == XL_F32, OUTPUT_TYPE);
  for (uint32_t i = 0; i < l->x.rank; ++i) XL_REQUIRE(l->y.shape[i] == l->x.shape[i], OUTPUT_TYPE);
  XL_REQUIRE(l->y.shape[l->x.rank] == l->w.shape[1], OUTPUT_TYPE);
  return XL_RULE_NONE;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  params->embedding.count = (int32_t)xl_elements(&l->x, 0, l->x.rank);
  params->embedding.rows = l->w.shape[0];
  params->embedding.columns = l->w.shape[1];
  return 1;
}

static const xl_kind KIND = {check, fill, 0, 2, 2, 2, 0, 0, XL_NO_SLOT};

XL_ENTRY(embedding_f32_f32_f32, XL_NUMBER_EMBEDDING, XL_F32, XL_F32, XL_F32, KIND, NULL);
XL_ENTRY(embedding_i32_f32_f32, XL_NUMBER_EMBEDDING, XL_I32, XL_F32, XL_F32, KIND, NULL);
