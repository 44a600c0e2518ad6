/* The one file that needs libm. */
#include "libm.h"

#include <math.h>

float xl_expf(float x) { return expf(x); }

float xl_expm1f(float x) { return expm1f(x); }

float xl_logf(float x) { return logf(x); }

float xl_log1pf(float x) { return log1pf(x); }

float xl_tanhf(float x) { return tanhf(x); }

float xl_erfcf(float x) { return erfcf(x); }

float xl_sqrtf(float x) { return sqrtf(x); }
