/* The activations that need the exponential function. */
#include "libm.h"
#include "xlite.h"

/* 1 / (1 + exp(-x)), by the exponential that cannot overflow: of -|x|. */
void xl_sigmoid(const xl_activation *a, const float *in, float *out, size_t n) {
  (void)a;
  for (size_t i = 0; i < n; ++i) {
    const float x = in[i];
    const float power = xl_expf(x >= 0.0f ? -x : x);
    out[i] = x >= 0.0f ? 1.0f / (1.0f + power) : power / (1.0f + power);
  }
}

void xl_tanh(const xl_activation *a, const float *in, float *out, size_t n) {
  (void)a;
  for (size_t i = 0; i < n; ++i) out[i] = xl_tanhf(in[i]);
}
