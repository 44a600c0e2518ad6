/* Any window over up to three axes: what CONV_3D, CONV_3D_TRANSPOSE and LOCALLY_CONNECTED_2D are computed by, and
 * convolutions and dense layers with masks or bit planes. A pixel at a time: its window is gathered as one row in
 * the order in which a filter is stored, with a second row of bits that says what lies inside. Internal. */
#ifndef XL_VOLUME_H
#define XL_VOLUME_H

#include "store.h"

typedef struct xl_volume {
  const xl_activation *activation;
  xl_axis axis[3];
  int32_t batch;
  int32_t in_c, out_c;
  int32_t pad_value;
  int32_t groups;
  int32_t planes;
  int32_t masked;
  int transposed;
  int local; /* every output pixel has filters of its own */
} xl_volume;

static inline xl_axis xl_no_axis(void) {
  const xl_axis one = {1, 1, 1, 1, 1, 0};
  return one;
}

static inline xl_volume xl_volume_of_3d(const xl_conv3d_params *p, int transposed) {
  xl_volume v;
  v.activation = &p->activation;
  for (int a = 0; a < 3; ++a) v.axis[a] = p->axis[a];
  v.batch = p->batch;
  v.in_c = p->in_c;
  v.out_c = p->out_c;
  v.pad_value = p->pad_value;
  v.groups = p->groups;
  v.planes = p->planes;
  v.masked = p->masked;
  v.transposed = transposed;
  v.local = 0;
  return v;
}

static inline xl_volume xl_volume_of_2d(const xl_conv2d_params *p, int local) {
  const xl_window *w = &p->window;
  const xl_axis y = {w->in_h, w->out_h, w->window_h, w->stride_h, w->dilation_h, w->pad_top};
  const xl_axis x = {w->in_w, w->out_w, w->window_w, w->stride_w, w->dilation_w, w->pad_left};
  xl_volume v;
  v.activation = &p->activation;
  v.axis[0] = xl_no_axis();
  v.axis[1] = y;
  v.axis[2] = x;
  v.batch = p->batch;
  v.in_c = p->in_c;
  v.out_c = p->out_c;
  v.pad_value = p->pad_value;
  v.groups = p->groups;
  v.planes = p->planes;
  v.masked = p->masked;
  v.transposed = 0;
  v.local = local;
  return v;
}

/* Every row is an image of one pixel. */
static inline xl_volume xl_volume_of_dense(const xl_dense_params *p) {
  xl_volume v;
  v.activation = &p->activation;
  for (int a = 0; a < 3; ++a) v.axis[a] = xl_no_axis();
  v.batch = p->rows;
  v.in_c = p->features * p->planes;
  v.out_c = p->units;
  v.pad_value = 0;
  v.groups = 1;
  v.planes = p->planes;
  v.masked = p->masked;
  v.transposed = 0;
  v.local = 0;
  return v;
}

static inline int32_t xl_volume_taps(const xl_volume *v) {
  return v->axis[0].window * v->axis[1].window * v->axis[2].window;
}

/* Input channels of a group, of one plane. */
static inline int32_t xl_volume_group_c(const xl_volume *v) { return v->in_c / v->planes / v->groups; }

/* Which input along an axis tap `i` of output `out` sees; -1 where it sees none. */
static inline int32_t xl_volume_tap(const xl_volume *v, int a, int32_t out, int32_t i) {
  const xl_axis *x = &v->axis[a];
  int64_t at; /* a product of 2^16 and 2^24 at most */
  if (v->transposed) {
    at = (int64_t)out + x->pad - (int64_t)i * x->dilation;
    if (at < 0 || (int32_t)at % x->stride != 0) return -1; /* below 2^25, and 64-bit divisions are large */
    at = (int32_t)at / x->stride;
  } else {
    at = (int64_t)out * x->stride - x->pad + (int64_t)i * x->dilation;
  }
  return at >= 0 && at < x->in ? (int32_t)at : -1;
}

/* An op of bits with bit filters, and one of floats with float or bit filters: one of `weights` and `bits` is NULL.
 * out_words: 4-byte words of an output pixel. */
void xl_volume_b(const xl_op *op, const xl_volume *v, xl_store_dots store, ptrdiff_t out_words);
uint64_t xl_volume_b_workspace(const xl_volume *v);
void xl_volume_f32(const xl_op *op, const xl_volume *v, const float *weights, const uint32_t *bits);
uint64_t xl_volume_f32_workspace(const xl_volume *v);

#endif
