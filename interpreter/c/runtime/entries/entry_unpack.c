/* UNPACK. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_B, INPUT_DTYPE);
  return xl_check_like_x(l, XL_F32);
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  (void)op;
  xl_fill_rows(l, &params->rows);
  return 1;
}

static const xl_kind KIND = {check, fill, 0, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(unpack_b_f32, XL_NUMBER_UNPACK, XL_B, XL_ANY_TYPE, XL_F32, KIND, NULL);
