/* BATCH_NORM. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  const int32_t channels = l->x.shape[l->x.rank - 1];
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  xl_rule rule = xl_check_channel_vector(l, 1, XL_F32, channels);
  if (rule == XL_RULE_NONE) rule = xl_check_channel_vector(l, 2, XL_F32, channels);
  return rule != XL_RULE_NONE ? rule : xl_check_like_x(l, XL_F32);
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  xl_fill_rows(l, &params->rows);
  return 1;
}

static const xl_kind KIND = {check, fill, 0, 3, 3, 6, 0, 1, XL_NO_SLOT};

XL_ENTRY(batch_norm_f32, XL_NUMBER_BATCH_NORM, XL_F32, XL_F32, XL_F32, KIND, NULL);
