/* The tiled float kernels of one instruction set against sums in double: filters of floats and of bits, convolutions
 * drawn at random whose pixels, channels and windows lie around the sizes of tiles and chunks. Prints how many were
 * compared; exits with 1, and says which, where an output is further off than 1e-5 of what was added up.
 *
 * XL_TEST_ISA: the instruction set. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "isa.h"

/* Memory ends where they do. */
static float *random_floats(int32_t n) {
  float *out = malloc((size_t)n * sizeof *out + 1);
  for (int32_t i = 0; i < n; ++i) out[i] = random_float();
  return out;
}

static int bit_at(const uint32_t *rows, int32_t row, int32_t bits, int32_t i) {
  return (int)(rows[row * words(bits) + i / 32] >> i % 32 & 1);
}

static void *aligned(uint64_t bytes) {
  char *p = malloc((size_t)bytes + 64);
  return p + (64 - (uintptr_t)p % 64) % 64; /* ends with the process */
}

static void draw(xl_conv2d_params *p, int bits) {
  static const int32_t channels[] = {1, 3, 4, 8, 16, 17, 42, 43, 64, 127, 128, 129, 300};
  static const int32_t outputs[] = {1, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48};
  xl_window *w = &p->window;
  memset(p, 0, sizeof *p);
  p->groups = below(3) ? 1 : 2;
  p->planes = 1;
  p->masked = bits && below(2);
  p->batch = 1 + below(2);
  p->in_c = channels[below(13)] * p->groups;
  p->out_c = outputs[below(12)] * p->groups;
  w->window_h = 1 + below(3);
  w->window_w = 1 + below(3);
  w->stride_h = 1 + below(2);
  w->stride_w = 1 + below(2);
  w->dilation_h = 1 + below(4) / 3;
  w->dilation_w = 1 + below(4) / 3;
  w->pad_top = below(3);
  w->pad_left = below(3);
  w->out_h = 1 + below(4);
  w->out_w = 1 + below(14);
  w->in_h = 1 + below(9);
  w->in_w = 1 + below(18);
  if (below(2)) { /* every window lies inside, as it does without padding */
    w->pad_top = w->pad_left = 0;
    w->in_h = (w->out_h - 1) * w->stride_h + (w->window_h - 1) * w->dilation_h + 1 + below(2);
    w->in_w = (w->out_w - 1) * w->stride_w + (w->window_w - 1) * w->dilation_w + 1 + below(2);
  }
}

static double weight_at(const xl_op *op, const xl_conv2d_params *p, int bits, int32_t o, int32_t k, int32_t i) {
  if (!bits) return (double)((const float *)op->in[1])[o * k + i];
  if (p->masked && bit_at(op->in[5], o, k, i)) return 0;
  return bit_at(op->in[1], o, k, i) ? -1 : 1;
}

/* How far output channel o of pixel (n, y, x) is off, as a part of what it may be. */
static double error_of(const xl_op *op, const xl_conv2d_params *p, int bits, int32_t n, int32_t y, int32_t x,
                       int32_t o, float actual) {
  const xl_window *w = &p->window;
  const int32_t group_c = p->in_c / p->groups, first = o / (p->out_c / p->groups) * group_c;
  const int32_t k = w->window_h * w->window_w * group_c;
  double sum = 0, size = 0;
  for (int32_t i = 0; i < k; ++i) {
    const int32_t tap = i / group_c;
    const int32_t at_y = y * w->stride_h - w->pad_top + tap / w->window_w * w->dilation_h;
    const int32_t at_x = x * w->stride_w - w->pad_left + tap % w->window_w * w->dilation_w;
    if (at_y < 0 || at_y >= w->in_h || at_x < 0 || at_x >= w->in_w) continue;
    const float *pixel = (const float *)op->in[0] + ((n * w->in_h + at_y) * w->in_w + at_x) * p->in_c;
    const double product = (double)pixel[first + i % group_c] * weight_at(op, p, bits, o, k, i);
    sum += product;
    size += fabs(product);
  }
  if (op->in[2] != NULL) sum *= (double)((const float *)op->in[2])[o], size *= fabs((double)((const float *)op->in[2])[o]);
  if (op->in[3] != NULL) sum += (double)((const float *)op->in[3])[o], size += fabs((double)((const float *)op->in[3])[o]);
  if (p->activation.apply != NULL) sum = sum >= 20 ? 20 : sum >= 0 ? sum : 0.25 * sum;
  return fabs(sum - (double)actual) / (1e-5 * size + 1e-30);
}

static int differs(const xl_isa *isa, int index) {
  xl_conv2d_params p;
  const int bits = below(2);
  draw(&p, bits);
  const xl_window *w = &p.window;
  const int32_t k = w->window_h * w->window_w * (p.in_c / p.groups), pixels = p.batch * w->out_h * w->out_w;
  if (below(2)) {
    p.activation.apply = xl_relu;
    p.activation.alpha = 0.25f;
    p.activation.max_value = 20.0f;
  }
  xl_tiled_conv2d_params t;
  memset(&t, 0, sizeof t);
  t.conv = p;
  t.isa = isa;
  t.threads = 1;
  xl_op op;
  memset(&op, 0, sizeof op);
  op.in[0] = random_floats(p.batch * w->in_h * w->in_w * p.in_c);
  op.in[1] = bits ? (void *)random_rows(p.out_c, k) : (void *)random_floats(p.out_c * k);
  op.in[2] = below(2) ? random_floats(p.out_c) : NULL;
  op.in[3] = below(2) ? random_floats(p.out_c) : NULL;
  op.in[5] = p.masked ? random_rows(p.out_c, k) : NULL;
  uint8_t *filters = aligned(xl_tile_filters_f32_bytes(isa, &p, bits));
  if (bits) {
    xl_tile_filters_f32_b(isa, &p, op.in[1], op.in[5], (uint32_t *)(void *)filters);
  } else {
    xl_tile_filters_f32(isa, &p, op.in[1], (float *)(void *)filters);
  }
  t.filters = filters;
  op.params = &t;
  op.workspace = malloc((size_t)(bits ? xl_tiled_conv2d_f32_b_workspace(&t) : xl_tiled_conv2d_f32_f32_workspace(&t)));
  float *out = malloc((size_t)(pixels * p.out_c) * sizeof *out);
  memset(out, 0xff, (size_t)(pixels * p.out_c) * sizeof *out);
  op.out = out;
  (bits ? xl_tiled_conv2d_f32_b_f32 : xl_tiled_conv2d_f32_f32_f32)(&op);
  for (int32_t i = 0; i < pixels * p.out_c; ++i) {
    const int32_t pixel = i / p.out_c, y = pixel / w->out_w % w->out_h;
    const double error = error_of(&op, &p, bits, pixel / w->out_w / w->out_h, y, pixel % w->out_w, i % p.out_c, out[i]);
    if (error <= 1) continue;
    printf("case %d, element %d is off %g times: bits %d, %d channels, %d filters of %d x %d, groups %d\n", index,
           (int)i, error, bits, (int)p.in_c, (int)p.out_c, (int)w->window_h, (int)w->window_w, (int)p.groups);
    return 1;
  }
  return 0;
}

int main(void) {
  extern const xl_isa XL_TEST_ISA;
  enum { CASES = 300 };
  for (int i = 0; i < CASES; ++i) {
    if (differs(&XL_TEST_ISA, i)) return 1;
  }
  printf("%s: %d equal\n", XL_TEST_ISA.name, CASES);
  return 0;
}
