/* TILE of floats, bytes and bits: before every axis of x one that repeats it, without a step. */
#include "view.h"

static xl_view view_of(const xl_op *op, int bits) {
  const xl_tile_params *p = (const xl_tile_params *)op->params;
  xl_view v = xl_empty_view();
  int64_t steps[XL_MAX_RANK];
  xl_steps_of(p->shape, p->rank, bits, steps);
  for (int32_t a = 0; a < p->rank; ++a) {
    xl_add_axis(&v, p->multiples[a], 0);
    xl_add_axis(&v, p->shape[a], steps[a]);
  }
  return v;
}

void xl_tile_f32(const xl_op *op) {
  const xl_view v = view_of(op, 0);
  xl_copy_view_f32((const float *)op->in[0], &v, (float *)op->out);
}

void xl_tile_8(const xl_op *op) {
  const xl_view v = view_of(op, 0);
  xl_copy_view_8((const uint8_t *)op->in[0], &v, (uint8_t *)op->out);
}

void xl_tile_b(const xl_op *op) {
  const xl_tile_params *p = (const xl_tile_params *)op->params;
  const xl_view v = view_of(op, 1);
  xl_copy_view_b((const uint32_t *)op->in[0], &v, p->multiples[p->rank - 1], (uint32_t *)op->out);
}
