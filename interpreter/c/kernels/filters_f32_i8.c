/* CONV_2D and DENSE of floats with int8 filters: each window, or row, is gathered once and meets every filter. */
#include "bits.h"
#include "volume.h"

void xl_conv2d_f32_i8_f32(const xl_op *op) {
  const xl_volume v = xl_volume_of_2d((const xl_conv2d_params *)op->params, 0);
  xl_volume_f32_i8(op, &v);
}

uint64_t xl_conv2d_f32_i8_workspace(const xl_conv2d_params *p) {
  const xl_volume v = xl_volume_of_2d(p, 0);
  return xl_volume_f32_workspace(&v);
}

void xl_dense_f32_i8_f32(const xl_op *op) {
  const xl_volume v = xl_volume_of_dense((const xl_dense_params *)op->params);
  xl_volume_f32_i8(op, &v);
}

uint64_t xl_dense_f32_i8_workspace(const xl_dense_params *p) {
  const xl_volume v = xl_volume_of_dense(p);
  return xl_volume_f32_workspace(&v);
}
