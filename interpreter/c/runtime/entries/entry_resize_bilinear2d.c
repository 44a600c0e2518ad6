/* RESIZE_BILINEAR_2D. */
#include "entry.h"
#include "rules.h"

static int in_range(int32_t extent) { return extent >= 1 && extent <= XL_MAX_EXTENT; }

static xl_rule check(xl_look *l) {
  const int32_t height = xl_option(l, XL_RESIZE_HEIGHT, 1), width = xl_option(l, XL_RESIZE_WIDTH, 1);
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  XL_REQUIRE(l->x.rank == 4, INPUT_RANK);
  XL_REQUIRE(in_range(height) && in_range(width), PARAMETER);
  XL_REQUIRE(in_range(l->x.shape[1]) && in_range(l->x.shape[2]), PARAMETER);
  XL_REQUIRE(l->y.rank == 4 && l->y.dtype == XL_F32, OUTPUT_TYPE);
  XL_REQUIRE(l->y.shape[0] == l->x.shape[0] && l->y.shape[3] == l->x.shape[3], OUTPUT_TYPE);
  XL_REQUIRE(l->y.shape[1] == height && l->y.shape[2] == width, OUTPUT_TYPE);
  return XL_RULE_NONE;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  xl_resize_params *p = &params->resize;
  (void)op;
  p->batch = l->x.shape[0];
  p->in_h = l->x.shape[1];
  p->in_w = l->x.shape[2];
  p->out_h = l->y.shape[1];
  p->out_w = l->y.shape[2];
  p->channels = l->x.shape[3];
  return 1;
}

static const xl_kind KIND = {check, fill, XL_RESIZE_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(resize_bilinear2d_f32, XL_NUMBER_RESIZE_BILINEAR_2D, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
