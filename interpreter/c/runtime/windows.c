/* Windows: how many places they have along an axis. */
#include "windows.h"

xl_axis xl_axis_of(const xl_look *l, const xl_window_slots *s, uint32_t a, int32_t taps) {
  xl_axis x;
  x.in = l->x.shape[1 + a];
  x.out = l->y.shape[1 + a];
  x.window = taps;
  x.stride = xl_option(l, s->stride + a, 1);
  x.dilation = s->dilation == XL_NO_SLOT ? 1 : xl_option(l, s->dilation + a, 1);
  x.pad = xl_option(l, s->pads + 2 * a, 0);
  return x;
}

int32_t xl_pad_after(const xl_look *l, const xl_window_slots *s, uint32_t a) {
  return xl_option(l, s->pads + 2 * a + 1, 0);
}

xl_rule xl_check_axis(const xl_axis *x, int32_t after) {
  XL_REQUIRE(x->window >= 1 && x->window <= XL_MAX_EXTENT, WINDOW);
  XL_REQUIRE(x->dilation >= 1 && x->dilation <= XL_MAX_EXTENT, WINDOW);
  XL_REQUIRE(x->stride >= 1 && x->stride <= XL_MAX_EXTENT, WINDOW);
  XL_REQUIRE(x->pad >= 0 && x->pad <= XL_MAX_EXTENT, WINDOW);
  XL_REQUIRE(after >= 0 && after <= XL_MAX_EXTENT, WINDOW);
  return XL_RULE_NONE;
}

xl_rule xl_check_windows(const xl_look *l, const xl_window_slots *s, const int32_t *taps) {
  for (uint32_t a = 0; a < s->axes; ++a) {
    const xl_axis x = xl_axis_of(l, s, a, taps[a]);
    const int32_t after = xl_pad_after(l, s, a);
    const xl_rule rule = xl_check_axis(&x, after);
    if (rule != XL_RULE_NONE) return rule;
    XL_REQUIRE(x.in <= XL_MAX_IMAGE, WINDOW);
    const int64_t room = x.in + x.pad + after - xl_axis_span(&x);
    XL_REQUIRE(room >= 0, WINDOW);
    XL_REQUIRE(x.out == (int32_t)room / x.stride + 1, OUTPUT_TYPE); /* room is below 2^25: no division of 64 bits */
  }
  return XL_RULE_NONE;
}

void xl_fill_window(const xl_look *l, const xl_window_slots *s, const int32_t *taps, xl_window *w) {
  const xl_axis y = xl_axis_of(l, s, 0, taps[0]), x = xl_axis_of(l, s, 1, taps[1]);
  w->in_h = y.in;
  w->in_w = x.in;
  w->out_h = y.out;
  w->out_w = x.out;
  w->window_h = y.window;
  w->window_w = x.window;
  w->stride_h = y.stride;
  w->stride_w = x.stride;
  w->dilation_h = y.dilation;
  w->dilation_w = x.dilation;
  w->pad_top = y.pad;
  w->pad_left = x.pad;
}
