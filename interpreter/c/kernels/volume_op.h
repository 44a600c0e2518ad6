/* The kernels of an op that is computed by volume.h, from a function `volume_of` (parameters to xl_volume) that its
 * file defines before. Internal. */
#ifndef XL_VOLUME_OP_H
#define XL_VOLUME_OP_H

#include "bits.h"
#include "volume.h"

#define XL_VOLUME_OP(name, params_type)                                                    \
  static xl_volume volume(const xl_op *op) { return volume_of((const params_type *)op->params); } \
  void name##_b_b_b(const xl_op *op) {                                                     \
    const xl_volume v = volume(op);                                                        \
    xl_volume_b(op, &v, xl_store_dots_b, xl_words(v.out_c));                               \
  }                                                                                        \
  void name##_b_b_i32(const xl_op *op) {                                                   \
    const xl_volume v = volume(op);                                                        \
    xl_volume_b(op, &v, xl_store_dots_i32, v.out_c);                                       \
  }                                                                                        \
  void name##_b_b_f32(const xl_op *op) {                                                   \
    const xl_volume v = volume(op);                                                        \
    xl_volume_b(op, &v, xl_store_dots_f32, v.out_c);                                       \
  }                                                                                        \
  uint64_t name##_b_b_workspace(const params_type *p) {                                    \
    const xl_volume v = volume_of(p);                                                      \
    return xl_volume_b_workspace(&v);                                                      \
  }                                                                                        \
  void name##_f32_b_f32(const xl_op *op) {                                                 \
    const xl_volume v = volume(op);                                                        \
    xl_volume_f32(op, &v, NULL, (const uint32_t *)op->in[1]);                              \
  }                                                                                        \
  void name##_f32_f32_f32(const xl_op *op) {                                               \
    const xl_volume v = volume(op);                                                        \
    xl_volume_f32(op, &v, (const float *)op->in[1], NULL);                                 \
  }                                                                                        \
  uint64_t name##_f32_workspace(const params_type *p) {                                    \
    const xl_volume v = volume_of(p);                                                      \
    return xl_volume_f32_workspace(&v);                                                    \
  }                                                                                        \
  typedef int name##_takes_a_semicolon

#endif
