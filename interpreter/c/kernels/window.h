/* Which elements of an axis a sliding window sees. Internal. */
#ifndef XL_WINDOW_H
#define XL_WINDOW_H

#include "trim.h"
#include "xlite.h"

/* Tap i of the window lies at start + i * dilation; taps begin to end - 1 lie inside the axis, the others in the
 * padding. begin == end where none does. */
typedef struct xl_span {
  int32_t start;
  int32_t begin, end;
} xl_span;

/* n / d, n + d - 1 >= 0, rounded up. A division is a call where a machine has no instruction for it, and d mostly 1;
 * one more branch is more code where it has. */
static inline int32_t xl_steps_of(int32_t n, int32_t d) {
#if XL_SMALL && (defined(__ARM_FEATURE_IDIV) || defined(__riscv_div))
  return (n + d - 1) / d;
#else
  return d == 1 ? n : (n + d - 1) / d;
#endif
}

static inline xl_span xl_span_at(int32_t out, int32_t stride, int32_t pad, int32_t taps, int32_t dilation,
                                 int32_t extent) {
  xl_span s;
  s.start = out * stride - pad;
  s.begin = s.start >= 0 ? 0 : xl_steps_of(-s.start, dilation);
  s.end = s.start >= extent ? 0 : xl_steps_of(extent - s.start, dilation);
  if (s.begin > taps) s.begin = taps;
  if (s.end > taps) s.end = taps;
  if (s.end < s.begin) s.end = s.begin;
  return s;
}

static inline xl_span xl_span_h(const xl_window *w, int32_t out_y) {
  return xl_span_at(out_y, w->stride_h, w->pad_top, w->window_h, w->dilation_h, w->in_h);
}

static inline xl_span xl_span_w(const xl_window *w, int32_t out_x) {
  return xl_span_at(out_x, w->stride_w, w->pad_left, w->window_w, w->dilation_w, w->in_w);
}

/* The number of taps inside the axis. */
static inline int32_t xl_span_count(xl_span s) { return s.end - s.begin; }

#endif
