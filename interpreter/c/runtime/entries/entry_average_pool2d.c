/* AVERAGE_POOL_2D. */
#include "entry.h"
#include "pools.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  return xl_check_pool2d(l);
}

static const xl_kind KIND = {check, xl_fill_pool2d, XL_POOL_2D_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(average_pool2d_f32, XL_NUMBER_AVERAGE_POOL_2D, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
