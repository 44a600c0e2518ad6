/* Floats of a file as bits: verification does no float arithmetic, which cores without an FPU would emulate.
 * Internal. */
#ifndef XL_FLOATS_H
#define XL_FLOATS_H

#include <stdint.h>

#define XL_ONE 0x3f800000u
#define XL_MINUS_ONE 0xbf800000u
#define XL_INFINITY 0x7f800000u
#define XL_MINUS_INFINITY 0xff800000u

static inline int xl_is_finite(uint32_t bits) { return (bits & XL_INFINITY) != XL_INFINITY; }
static inline int xl_is_nan(uint32_t bits) { return (bits & 0x7fffffffu) > XL_INFINITY; }
static inline int xl_is_zero(uint32_t bits) { return (bits & 0x7fffffffu) == 0; }

/* Integers in the order of the floats that are no NaN; both zeros are 0. */
static inline int32_t xl_float_order(uint32_t bits) {
  const int32_t magnitude = (int32_t)(bits & 0x7fffffffu);
  return bits >> 31 ? -magnitude : magnitude;
}

/* The integer that a float is; 0 where it is none below 2^24. */
static inline int xl_float_integer(uint32_t bits, int32_t *value) {
  const int32_t exponent = (int32_t)(bits >> 23 & 255) - 127; /* of the leading digit */
  const int32_t digits = (int32_t)(bits & 0x7fffff) | 0x800000;
  *value = 0;
  if (xl_is_zero(bits)) return 1;
  if (exponent < 0 || exponent > 23) return 0;
  *value = digits >> (23 - exponent);
  if (*value << (23 - exponent) != digits) return 0;
  if (bits >> 31) *value = -*value;
  return 1;
}

#endif
