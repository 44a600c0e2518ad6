/* The one file that needs libm. */
#include "libm.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core.h"
#include "trim.h"

/* 2^n, n from -126 to 127. */
static float power_of_2(int32_t n) {
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* e^x = 2^n * e^r, with n the whole number next to x / ln 2. ln 2 is taken off in two pieces, of which the first has
 * so few bits that n times it is exact. |r| <= 0.35, where Taylor's series up to r^7 is within 6e-9 of e^r. The power
 * is applied in two halves, since 2^n itself may be no float where the product is one. */
static float small_expf(float x) {
  if (x > 88.75f) return INFINITY;
  if (x < -104.0f) return 0.0f;
  if (x != x) return x;
  const int32_t n = (int32_t)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f)), half = n / 2;
  const float r = x - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;
  float y = 1.0f / 5040.0f;
  static const float coefficients[7] = {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f};
  for (int i = 0; i < 7; ++i) y = y * r + coefficients[i];
  return y * power_of_2(half) * power_of_2(n - half);
}

/* Where 32-bit Arm systems keep floats in integer registers between functions, libm often knows no FPU. */
#if defined(XL_CORE_ARMV6_VFP) && !defined(__ARM_PCS_VFP)
float xl_expf(float x) { return small_expf(x); }
#else
float xl_expf(float x) { return XL_WITH_EXPF ? expf(x) : small_expf(x); }
#endif

float xl_expm1f(float x) { return expm1f(x); }

float xl_logf(float x) { return logf(x); }

float xl_log1pf(float x) { return log1pf(x); }

float xl_tanhf(float x) { return tanhf(x); }

float xl_erfcf(float x) { return erfcf(x); }

float xl_sqrtf(float x) { return sqrtf(x); }
