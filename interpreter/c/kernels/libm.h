/* The functions of the C library that the kernels use. A target without them, or with better ones, replaces
 * libm.c and nothing else. Internal. */
#ifndef XL_LIBM_H
#define XL_LIBM_H

float xl_expf(float x);
float xl_expm1f(float x);
float xl_logf(float x);
float xl_log1pf(float x);
float xl_tanhf(float x);
float xl_erfcf(float x);
float xl_sqrtf(float x);

#endif
