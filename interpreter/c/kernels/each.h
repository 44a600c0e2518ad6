/* An activation from what it does to one element. Internal. */
#ifndef XL_EACH_H
#define XL_EACH_H

#include "xlite.h"

/* In the expression x is the element and p holds the parameters: a copy, which no store to `out` can change. */
#define XL_EACH(name, expression)                                            \
  void name(const xl_activation *a, const float *in, float *out, size_t n) { \
    const xl_activation p = *a;                                              \
    (void)p;                                                                 \
    for (size_t i = 0; i < n; ++i) {                                         \
      const float x = in[i];                                                 \
      out[i] = (expression);                                                 \
    }                                                                        \
  }                                                                          \
  typedef int name##_takes_a_semicolon

#endif
