/* ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM, MINIMUM, with broadcasting: one template, compiled for each function.
 *
 * Neighbouring axes along which the same operands are repeated are joined into one. What is left for operands of one
 * shape is a single axis, for an operand by channel two; the last one is a loop without index arithmetic. */
#include "bits.h"
#include "core.h"
#include "parallel.h"
#include "variant.h"

typedef enum function { ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM, MINIMUM } function;

/* The joined axes, and the step of each operand along them: 0 where it is repeated. */
typedef struct axes {
  int32_t rank;
  int32_t extent[XL_MAX_RANK];
  ptrdiff_t a[XL_MAX_RANK], b[XL_MAX_RANK];
} axes;

static axes axes_of(const xl_binary_params *p) {
  axes j;
  ptrdiff_t a = 1, b = 1;
  int same[XL_MAX_RANK]; /* of the operands, which one is repeated */
  j.rank = 0;
  for (int32_t i = p->rank - 1; i >= 0; --i) { /* from the last axis on; turned round below */
    const int32_t extent = xl_max32(p->a_shape[i], p->b_shape[i]), last = j.rank - 1;
    const int repeated = (p->a_shape[i] < extent) - (p->b_shape[i] < extent);
    if (extent == 1) continue;
    if (last >= 0 && same[last] == repeated) {
      j.extent[last] *= extent;
    } else {
      same[j.rank] = repeated;
      j.extent[j.rank] = extent;
      j.a[j.rank] = repeated == 1 ? 0 : a;
      j.b[j.rank] = repeated == -1 ? 0 : b;
      ++j.rank;
    }
    a *= p->a_shape[i];
    b *= p->b_shape[i];
  }
  if (j.rank == 0) { /* one element */
    j.extent[0] = 1;
    j.a[0] = j.b[0] = 1;
    j.rank = 1;
  }
  return j;
}

XL_INLINE float apply(function f, float a, float b) {
  switch (f) {
    case ADD: return a + b;
    case SUBTRACT: return a - b;
    case MULTIPLY: return a * b;
    case DIVIDE: return a / b;
    case MAXIMUM: return ((a > b) | (a != a)) ? a : b; /* b where it is NaN */
    default: return ((a < b) | (a != a)) ? a : b;
  }
}

XL_INLINE void apply_row(function f, const float *a, ptrdiff_t step_a, const float *b, ptrdiff_t step_b, float *y,
                         int32_t n) {
#ifdef XL_CORE_FLOATS
  if ((f == ADD || f == MULTIPLY) && step_a == 1 && step_b == 1) {
    (f == ADD ? xl_core_add_f32 : xl_core_multiply_f32)(a, b, n, y);
    return;
  }
#endif
  if (step_a == 0) {
    const float value = *a;
    for (int32_t i = 0; i < n; ++i) y[i] = apply(f, value, b[i]);
  } else if (step_b == 0) {
    const float value = *b;
    for (int32_t i = 0; i < n; ++i) y[i] = apply(f, a[i], value);
  } else {
    for (int32_t i = 0; i < n; ++i) y[i] = apply(f, a[i], b[i]);
  }
}

/* What a thread needs to know, where the operands are one row each. */
typedef struct operands {
  const xl_op *op;
  ptrdiff_t step_a, step_b;
} operands;

/* Axis 0 of `j` is the last one of the tensors. part: computes a range of the only row there is. */
XL_INLINE void binary(const xl_op *op, function f, xl_task part) {
  const axes j = axes_of((const xl_binary_params *)op->params);
  if (j.rank == 1) {
    operands r = {op, j.a[0], j.b[0]};
    xl_parallel(op, part, &r, j.extent[0], xl_grain(3 * sizeof(float)));
    return;
  }
  const float *a = (const float *)op->in[0], *b = (const float *)op->in[1];
  float *y = (float *)op->out;
  int32_t index[XL_MAX_RANK] = {0};
  for (;;) {
    apply_row(f, a, j.a[0], b, j.b[0], y, j.extent[0]);
    y += j.extent[0];
    int32_t i = 1;
    for (; i < j.rank; ++i) {
      a += j.a[i];
      b += j.b[i];
      if (++index[i] < j.extent[i]) break;
      a -= j.a[i] * j.extent[i];
      b -= j.b[i] * j.extent[i];
      index[i] = 0;
    }
    if (i == j.rank) return;
  }
}

XL_INLINE void binary_range(const void *context, int32_t begin, int32_t end, function f) {
  const operands *r = (const operands *)context;
  const float *a = (const float *)r->op->in[0] + begin * r->step_a;
  const float *b = (const float *)r->op->in[1] + begin * r->step_b;
  apply_row(f, a, r->step_a, b, r->step_b, (float *)r->op->out + begin, end - begin);
}

#define BINARY(name, f)                                                                 \
  static void name##_range(void *context, int32_t begin, int32_t end, int32_t worker) { \
    (void)worker;                                                                       \
    binary_range(context, begin, end, f);                                               \
  }                                                                                     \
  void XL_KERNEL(name##_f32)(const xl_op *op) { binary(op, f, name##_range); }          \
  typedef int name##_takes_a_semicolon

BINARY(add, ADD);
BINARY(subtract, SUBTRACT);
BINARY(multiply, MULTIPLY);
BINARY(divide, DIVIDE);
BINARY(maximum, MAXIMUM);
BINARY(minimum, MINIMUM);
