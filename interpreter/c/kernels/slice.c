/* SLICE of floats, bytes and bits. */
#include "view.h"

static xl_view view_of(const xl_op *op, int bits) {
  const xl_slice_params *p = (const xl_slice_params *)op->params;
  xl_view v = xl_empty_view();
  int64_t steps[XL_MAX_RANK];
  xl_steps_of(p->shape, p->rank, bits, steps);
  for (int32_t a = 0; a < p->rank; ++a) {
    v.first += steps[a] * p->begin[a];
    xl_add_axis(&v, p->size[a], steps[a] * p->stride[a]);
  }
  return v;
}

void xl_slice_f32(const xl_op *op) {
  const xl_view v = view_of(op, 0);
  xl_copy_view_f32((const float *)op->in[0], &v, (float *)op->out);
}

void xl_slice_8(const xl_op *op) {
  const xl_view v = view_of(op, 0);
  xl_copy_view_8((const uint8_t *)op->in[0], &v, (uint8_t *)op->out);
}

void xl_slice_b(const xl_op *op) {
  const xl_view v = view_of(op, 1);
  xl_copy_view_b((const uint32_t *)op->in[0], &v, 1, (uint32_t *)op->out);
}
