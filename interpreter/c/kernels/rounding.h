/* Rounding to integers without libm. Internal.
 *
 * At 2^23 and above a float has no digits behind the point. Below, adding 2^23 rounds to an integer, to the nearest
 * and to even where two are as near, which is the rounding mode that C starts with; subtracting it is exact. */
#ifndef XL_ROUNDING_H
#define XL_ROUNDING_H

/* The nearest integer, half to even; NaN and infinities stay. */
static inline float xl_round_even(float x) {
  const float whole = 8388608.0f;
  const float size = x < 0.0f ? -x : x;
  const float near = (size + whole) - whole;
  return size < whole ? (x < 0.0f ? -near : near) : x;
}

/* The largest integer that is not above x. */
static inline float xl_floor_of(float x) {
  const float near = xl_round_even(x);
  return near > x ? near - 1.0f : near;
}

#endif
