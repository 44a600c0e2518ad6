/* MAX_POOL_2D. */
#include "entry.h"
#include "pools.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(xl_is_moved(l), INPUT_DTYPE);
  XL_REQUIRE(l->x.dtype == XL_B || !xl_has_input(l, 1), INPUT_DTYPE);
  const xl_rule rule = xl_check_pool2d(l);
  return rule != XL_RULE_NONE ? rule : xl_check_channel_vector(l, 1, XL_B, l->x.shape[3]);
}

static const xl_kind KIND = {check, xl_fill_pool2d, XL_POOL_2D_OPTIONS, 2, 1, 2, 0, 0, XL_NO_SLOT};

XL_ENTRY(max_pool2d_f32, XL_NUMBER_MAX_POOL_2D, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
XL_ENTRY(max_pool2d_b, XL_NUMBER_MAX_POOL_2D, XL_B, XL_ANY_TYPE, XL_B, KIND, NULL);
XL_ENTRY(max_pool2d_i8, XL_NUMBER_MAX_POOL_2D, XL_I8, XL_ANY_TYPE, XL_I8, KIND, NULL);
XL_ENTRY(max_pool2d_u8, XL_NUMBER_MAX_POOL_2D, XL_U8, XL_ANY_TYPE, XL_U8, KIND, NULL);
