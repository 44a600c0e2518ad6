/* The one file that needs libm. */
#include "libm.h"

#include <math.h>

float xl_expf(float x) { return expf(x); }

float xl_tanhf(float x) { return tanhf(x); }
