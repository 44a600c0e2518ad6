/* SIGN. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  return xl_check_like_x(l, XL_B);
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  xl_fill_rows(l, &params->rows);
  return 1;
}

static const xl_kind KIND = {check, fill, 0, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(sign_f32_b, XL_NUMBER_SIGN, XL_F32, XL_ANY_TYPE, XL_B, KIND, NULL);
