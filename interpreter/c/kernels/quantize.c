/* QUANTIZE and DEQUANTIZE. */
#include "bits.h"
#include "rounding.h"
#include "xlite.h"

/* The integer nearest to x / scale, half to even, between low and high; NaN is 0. */
XL_INLINE int32_t steps_of(float x, float scale, float low, float high) {
  float steps = xl_round_even(x / scale);
  steps = steps < low ? low : steps;
  steps = steps > high ? high : steps;
  return steps == steps ? (int32_t)steps : 0;
}

#define QUANTIZE(letter, type, smallest, largest)                                                \
  void xl_quantize_f32_##letter(const xl_op *op) {                                               \
    const xl_quantize_params p = *(const xl_quantize_params *)op->params;                        \
    const float low = (float)((smallest) - p.zero_point), high = (float)((largest) - p.zero_point); \
    const float *x = (const float *)op->in[0];                                                   \
    type *y = (type *)op->out;                                                                   \
    for (int32_t i = 0; i < p.count; ++i) {                                                      \
      y[i] = (type)(steps_of(x[i], p.scale, low, high) + p.zero_point);                          \
    }                                                                                            \
  }                                                                                              \
  typedef int quantize_##letter##_takes_a_semicolon

#define DEQUANTIZE(letter, type)                                                                            \
  void xl_dequantize_##letter##_f32(const xl_op *op) {                                                      \
    const xl_quantize_params p = *(const xl_quantize_params *)op->params;                                   \
    const type *x = (const type *)op->in[0];                                                                \
    float *y = (float *)op->out;                                                                            \
    for (int32_t i = 0; i < p.count; ++i) y[i] = (float)(x[i] - p.zero_point) * p.scale;                    \
  }                                                                                                         \
  typedef int dequantize_##letter##_takes_a_semicolon

QUANTIZE(i8, int8_t, INT8_MIN, INT8_MAX);
QUANTIZE(u8, uint8_t, 0, UINT8_MAX);
DEQUANTIZE(i8, int8_t);
DEQUANTIZE(u8, uint8_t);
DEQUANTIZE(i32, int32_t);
