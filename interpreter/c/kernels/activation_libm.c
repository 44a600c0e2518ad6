/* The activations that need libm. */
#include "each.h"
#include "libm.h"

/* 1 / (1 + exp(-x)), by the exponential that cannot overflow: of -|x|. */
static inline float sigmoid(float x) {
  const float power = xl_expf(x >= 0.0f ? -x : x);
  return x >= 0.0f ? 1.0f / (1.0f + power) : power / (1.0f + power);
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)). */
static inline float softplus(float x) {
  const float rest = xl_log1pf(xl_expf(x >= 0.0f ? -x : x));
  return x >= 0.0f ? x + rest : rest;
}

static inline float selu(float x) {
  return x < 0.0f ? 1.7580993408473769f * xl_expm1f(x) : 1.0507009873554805f * x;
}

static inline float celu(float x, float alpha) {
  const float below = alpha * xl_expm1f((x > 0.0f ? 0.0f : x) / alpha);
  return (x > 0.0f ? x : 0.0f) + below;
}

/* Phi(x) = erfc(-x / sqrt(2)) / 2, which keeps its digits where 1 + erf cancels. */
static inline float gelu(float x) { return 0.5f * x * xl_erfcf(-x * 0.70710678118654752f); }

/* (1 + tanh(z)) / 2 = sigmoid(2 * z), for the same reason. */
static inline float gelu_tanh(float x) {
  return x * sigmoid(1.5957691216057308f * (x + 0.044715f * (x * x * x)));
}

XL_EACH(xl_sigmoid, sigmoid(x));
XL_EACH(xl_log_sigmoid, -softplus(-x));
XL_EACH(xl_silu, x * sigmoid(x));
XL_EACH(xl_tanh, xl_tanhf(x));
XL_EACH(xl_tanh_shrink, x - xl_tanhf(x));
XL_EACH(xl_elu, x > 0.0f ? x : p.alpha * xl_expm1f(x));
XL_EACH(xl_selu, selu(x));
XL_EACH(xl_celu, celu(x, p.alpha));
XL_EACH(xl_softplus, softplus(x));
XL_EACH(xl_mish, x * xl_tanhf(softplus(x)));
XL_EACH(xl_gelu, gelu(x));
XL_EACH(xl_gelu_tanh, gelu_tanh(x));
XL_EACH(xl_squareplus, (x + xl_sqrtf(x * x + p.alpha)) / 2.0f);
XL_EACH(xl_sqrt, xl_sqrtf(x));
XL_EACH(xl_rsqrt, 1.0f / xl_sqrtf(x));
XL_EACH(xl_exp, xl_expf(x));
XL_EACH(xl_log, xl_logf(x));
