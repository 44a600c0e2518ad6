/* The activations that need the exponential function. */
#include "libm.h"
#include "xlite.h"

/* exp overflows to infinity for x below -88, which gives 0, the right limit. */
void xl_sigmoid(const xl_activation *a, const float *in, float *out, size_t n) {
  (void)a;
  for (size_t i = 0; i < n; ++i) out[i] = 1.0f / (1.0f + xl_expf(-in[i]));
}

void xl_tanh(const xl_activation *a, const float *in, float *out, size_t n) {
  (void)a;
  for (size_t i = 0; i < n; ++i) out[i] = xl_tanhf(in[i]);
}
