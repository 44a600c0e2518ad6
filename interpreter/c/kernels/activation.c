/* ACTIVATION, and the functions that convolutions and dense layers apply to their float outputs. Those that need
 * libm are in files of their own, so that a program that does not use them does not link it. */
#include "xlite.h"

void xl_activation_f32(const xl_op *op) {
  const xl_activation_params *p = (const xl_activation_params *)op->params;
  p->activation.apply(&p->activation, (const float *)op->in[0], (float *)op->out, (size_t)p->count);
}

/* Selects in place of branches. Neither comparison holds for NaN, which goes through the product. */
void xl_relu(const xl_activation *a, const float *in, float *out, size_t n) {
  const float alpha = a->alpha, max_value = a->max_value, threshold = a->threshold;
  for (size_t i = 0; i < n; ++i) {
    const float x = in[i];
    const float below = alpha * (x - threshold);
    const float y = x >= threshold ? x : below;
    out[i] = x >= max_value ? max_value : y;
  }
}

void xl_hard_tanh(const xl_activation *a, const float *in, float *out, size_t n) {
  (void)a;
  for (size_t i = 0; i < n; ++i) {
    const float x = in[i] < -1.0f ? -1.0f : in[i];
    out[i] = x > 1.0f ? 1.0f : x;
  }
}
