/* ACTIVATION, and the functions that convolutions and dense layers apply to their float outputs. Those that need
 * libm are in a file of their own, so that a program that does not use them does not link it. */
#include "core.h"
#include "each.h"
#include "parallel.h"
#include "rounding.h"

static void apply_range(void *context, int32_t begin, int32_t end, int32_t worker) {
  const xl_op *op = *(const xl_op **)context;
  const xl_activation *a = &((const xl_activation_params *)op->params)->activation;
  (void)worker;
  a->apply(a, (const float *)op->in[0] + begin, (float *)op->out + begin, (size_t)(end - begin));
}

void xl_activation_f32(const xl_op *op) {
  const xl_activation_params *p = (const xl_activation_params *)op->params;
  xl_parallel(op, apply_range, &op, p->count, xl_grain(sizeof(float)));
}

/* Selects in place of branches. Neither comparison holds for NaN, which goes through the product. */
void xl_relu(const xl_activation *a, const float *in, float *out, size_t n) {
  const float alpha = a->alpha, max_value = a->max_value, threshold = a->threshold;
#ifdef XL_CORE_FLOATS
  if (alpha == 0.0f && threshold == 0.0f && max_value > 3.4028235e38f) { /* infinity */
    xl_core_relu_f32(in, (ptrdiff_t)n, out);
    return;
  }
#endif
  for (size_t i = 0; i < n; ++i) {
    const float x = in[i];
    const float below = alpha * (x - threshold);
    const float y = x >= threshold ? x : below;
    out[i] = x >= max_value ? max_value : y;
  }
}

/* NaN goes through these wherever it does in Keras. */
static inline float clip(float x, float low, float high) {
  const float y = x < low ? low : x;
  return y > high ? high : y;
}

static inline float absolute(float x) { return x < 0.0f ? -x : x + 0.0f; /* -0 + 0 is 0 */ }

static inline float soft_shrink(float x, float threshold) {
  const float below = x < -threshold ? x + threshold : 0.0f;
  return x > threshold ? x - threshold : below;
}

static inline float sparse_plus(float x) {
  const float middle = 0.25f * ((x + 1.0f) * (x + 1.0f));
  return x <= -1.0f ? 0.0f : x < 1.0f ? middle : x;
}

XL_EACH(xl_clip, clip(x, p.threshold, p.max_value));
XL_EACH(xl_hard_tanh, clip(x, -1.0f, 1.0f));
XL_EACH(xl_hard_sigmoid, clip(p.alpha * x + p.threshold, 0.0f, 1.0f));
XL_EACH(xl_hard_silu, x * (clip(x + 3.0f, 0.0f, 6.0f) / 6.0f));
XL_EACH(xl_threshold, x > p.threshold ? x : p.alpha);
XL_EACH(xl_soft_shrink, soft_shrink(x, p.threshold));
XL_EACH(xl_hard_shrink, absolute(x) > p.threshold ? x : 0.0f);
XL_EACH(xl_softsign, x / (absolute(x) + 1.0f));
XL_EACH(xl_sparse_plus, sparse_plus(x));
XL_EACH(xl_sparse_sigmoid, clip(0.5f * (x + 1.0f), 0.0f, 1.0f));
XL_EACH(xl_abs, absolute(x));
XL_EACH(xl_negate, -x);
XL_EACH(xl_square, x * x);
XL_EACH(xl_round, xl_round_even(x));
XL_EACH(xl_floor, xl_floor_of(x));
XL_EACH(xl_sign, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x);
