/* SLICE. The batch is whole; its entries are 0, anything and 1. */
#include "entry.h"
#include "rules.h"

static xl_rule check_axis(const xl_look *l, uint32_t a, int64_t begin, int64_t size, int64_t stride) {
  if (a == 0) {
    XL_REQUIRE(begin == 0 && stride == 1, PARAMETER);
    XL_REQUIRE(l->y.shape[0] == l->x.shape[0], OUTPUT_TYPE);
    return XL_RULE_NONE;
  }
  XL_REQUIRE(begin >= 0 && size >= 1 && stride >= 1, PARAMETER);
  XL_REQUIRE(begin + (size - 1) * stride < l->x.shape[a], PARAMETER);
  XL_REQUIRE(l->y.shape[a] == size, OUTPUT_TYPE);
  return XL_RULE_NONE;
}

static xl_rule check(xl_look *l) {
  const xl_vector begin = xl_option_vector(l, XL_SLICE_BEGIN), size = xl_option_vector(l, XL_SLICE_SIZE);
  const xl_vector stride = xl_option_vector(l, XL_SLICE_STRIDE);
  const uint32_t rank = l->x.rank;
  XL_REQUIRE(xl_is_moved(l), INPUT_DTYPE);
  XL_REQUIRE(begin.count == rank && size.count == rank && stride.count == rank, PARAMETER);
  XL_REQUIRE(l->y.rank == rank && l->y.dtype == l->x.dtype, OUTPUT_TYPE);
  for (uint32_t a = 0; a < rank; ++a) {
    const xl_rule rule = check_axis(l, a, xl_item(l->m, begin, a), xl_item(l->m, size, a), xl_item(l->m, stride, a));
    if (rule != XL_RULE_NONE) return rule;
  }
  return XL_RULE_NONE;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  const xl_vector begin = xl_option_vector(l, XL_SLICE_BEGIN), stride = xl_option_vector(l, XL_SLICE_STRIDE);
  xl_slice_params *p = &params->slice;
  (void)op;
  p->rank = l->x.rank;
  xl_fill_shape(&l->x, p->shape);
  xl_fill_shape(&l->y, p->size);
  for (uint32_t a = 0; a < XL_MAX_RANK; ++a) {
    p->begin[a] = a < l->x.rank ? xl_item(l->m, begin, a) : 0;
    p->stride[a] = a < l->x.rank ? xl_item(l->m, stride, a) : 0;
  }
  return 1;
}

static const xl_kind KIND = {check, fill, XL_SLICE_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(slice_f32, XL_NUMBER_SLICE, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
XL_ENTRY(slice_b, XL_NUMBER_SLICE, XL_B, XL_ANY_TYPE, XL_B, KIND, NULL);
XL_ENTRY(slice_8, XL_NUMBER_SLICE, XL_I8_OR_U8, XL_ANY_TYPE, XL_I8_OR_U8, KIND, NULL);
