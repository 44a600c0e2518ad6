/* ACTIVATION. The functions have entries of their own. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  const xl_rule rule = xl_check_activation(l, XL_ACTIVATION_ACTIVATION);
  if (rule != XL_RULE_NONE) return rule;
  XL_REQUIRE(xl_activation_kind(l, XL_ACTIVATION_ACTIVATION) != 0, ACTIVATION);
  return xl_check_like_x(l, XL_F32);
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  xl_fill_activation(l, XL_ACTIVATION_ACTIVATION, &params->activation.activation);
  params->activation.count = (int32_t)xl_elements(&l->x, 0, l->x.rank);
  return 1;
}

static const xl_kind KIND = {check, fill, XL_ACTIVATION_OPTIONS, 1, 1, 0, 0, 1, XL_ACTIVATION_ACTIVATION};

XL_ENTRY(activation_f32, XL_NUMBER_ACTIVATION, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
