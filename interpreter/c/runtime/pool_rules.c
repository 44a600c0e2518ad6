/* Pooling windows: every one sees at least one real element, since padding is smaller than the window. */
#include "pools.h"

static xl_rule check_pool(const xl_look *l, const xl_window_slots *s, uint32_t window) {
  const uint32_t rank = s->axes + 2u;
  int32_t taps[3] = {1, 1, 1};
  XL_REQUIRE(l->x.rank == rank, INPUT_RANK);
  XL_REQUIRE(l->y.rank == rank && l->y.dtype == l->x.dtype, OUTPUT_TYPE);
  XL_REQUIRE(l->y.shape[0] == l->x.shape[0] && l->y.shape[rank - 1] == l->x.shape[rank - 1], OUTPUT_TYPE);
  for (uint32_t a = 0; a < s->axes; ++a) {
    taps[a] = xl_option(l, window + a, 1);
    XL_REQUIRE(xl_option(l, s->pads + 2 * a, 0) < taps[a] && xl_pad_after(l, s, a) < taps[a], WINDOW);
  }
  return xl_check_windows(l, s, taps);
}

static const xl_window_slots IMAGE = {2, XL_POOL_2D_STRIDE_H, XL_NO_SLOT, XL_POOL_2D_PAD_TOP};
static const xl_window_slots VOLUME = {3, XL_POOL_3D_STRIDE_D, XL_NO_SLOT, XL_POOL_3D_PAD_FRONT};

xl_rule xl_check_pool2d(const xl_look *l) { return check_pool(l, &IMAGE, XL_POOL_2D_WINDOW_H); }

int xl_fill_pool2d(const xl_look *l, xl_op *op, xl_params *params) {
  const int32_t taps[2] = {xl_option(l, XL_POOL_2D_WINDOW_H, 1), xl_option(l, XL_POOL_2D_WINDOW_W, 1)};
  (void)op;
  xl_fill_window(l, &IMAGE, taps, &params->pool2d.window);
  params->pool2d.batch = l->x.shape[0];
  params->pool2d.channels = l->x.shape[3];
  return 1;
}

xl_rule xl_check_pool3d(xl_look *l) {
  XL_REQUIRE(l->x.dtype == XL_F32, INPUT_DTYPE);
  return check_pool(l, &VOLUME, XL_POOL_3D_WINDOW_D);
}

int xl_fill_pool3d(const xl_look *l, xl_op *op, xl_params *params) {
  xl_pool3d_params *p = &params->pool3d;
  (void)op;
  for (uint32_t a = 0; a < 3; ++a) {
    p->axis[a] = xl_axis_of(l, &VOLUME, a, xl_option(l, XL_POOL_3D_WINDOW_D + a, 1));
  }
  p->batch = l->x.shape[0];
  p->channels = l->x.shape[4];
  return 1;
}
