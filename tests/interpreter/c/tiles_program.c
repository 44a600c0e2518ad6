/* The tiled kernels of one instruction set against the portable ones: every kind of output, on convolutions drawn at
 * random whose pixels and channels lie around the sizes of tiles. Prints how many were compared; exits with 1, and
 * says which, where one differs.
 *
 * XL_TEST_ISA: the instruction set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "isa.h"

static void *aligned(uint64_t bytes) {
  char *p = malloc((size_t)bytes + 64);
  return p + (64 - (uintptr_t)p % 64) % 64; /* ends with the process */
}

static void draw(xl_conv2d_params *p) {
  static const int32_t channels[] = {1, 3, 7, 8, 9, 16, 31, 32, 33, 40, 64, 96};
  static const int32_t outputs[] = {1, 31, 32, 33, 63, 64, 65, 96};
  xl_window *w = &p->window;
  memset(p, 0, sizeof *p);
  p->groups = below(3) ? 1 : 2;
  p->planes = below(3) ? 1 : 2;
  p->masked = below(3) == 0;
  p->batch = 1 + below(2);
  p->in_c = channels[below(12)] * p->groups * p->planes;
  p->out_c = outputs[below(8)] * p->groups;
  p->pad_value = below(2) ? 0 : 1 - 2 * below(2);
  w->window_h = 1 + below(3);
  w->window_w = 1 + below(3);
  w->stride_h = 1 + below(2);
  w->stride_w = 1 + below(2);
  w->dilation_h = 1 + below(2);
  w->dilation_w = 1 + below(2);
  w->pad_top = below(3);
  w->pad_left = below(3);
  w->out_h = 1 + below(4);
  w->out_w = 1 + below(9);
  w->in_h = 1 + below(9);
  w->in_w = 1 + below(9);
}

static int differs(const xl_isa *isa, int index) {
  static const xl_kernel portable[] = {xl_conv2d_b_b_b, xl_conv2d_b_b_i32, xl_conv2d_b_b_f32};
  static const xl_kernel tiled[] = {xl_tiled_conv2d_b_b_b, xl_tiled_conv2d_b_b_i32, xl_tiled_conv2d_b_b_f32};
  xl_conv2d_params p;
  draw(&p);
  const int kind = below(3);
  const int32_t group_c = p.in_c / p.groups / p.planes, row = p.window.window_h * p.window.window_w * group_c;
  const int32_t pixels = p.batch * p.window.out_h * p.window.out_w;
  const size_t out_bytes = (size_t)pixels * (size_t)(kind == 0 ? words(p.out_c) : p.out_c) * 4;
  int32_t *threshold = malloc((size_t)p.out_c * sizeof *threshold);
  float *scale = malloc((size_t)p.out_c * sizeof *scale), *bias = malloc((size_t)p.out_c * sizeof *bias);
  for (int32_t c = 0; c < p.out_c; ++c) {
    threshold[c] = below(8) ? below(2 * row + 3) - row - 1 : below(2) ? INT32_MIN : INT32_MAX;
    scale[c] = (float)(below(2001) - 1000) / 256.0f;
    bias[c] = (float)(below(2001) - 1000) / 64.0f;
  }
  if (kind == 2 && below(2)) {
    p.activation.apply = xl_relu;
    p.activation.alpha = 0.25f;
    p.activation.max_value = 20.0f;
  }
  xl_op op;
  memset(&op, 0, sizeof op);
  op.in[0] = random_rows(p.batch * p.window.in_h * p.window.in_w, p.in_c);
  op.in[1] = random_rows(p.out_c, row);
  op.in[2] = kind == 2 && below(2) ? scale : NULL;
  op.in[3] = kind == 2 && below(2) ? bias : NULL;
  op.in[4] = kind == 0 ? threshold : NULL;
  op.in[5] = p.masked ? random_rows(p.out_c, row) : NULL;
  op.params = &p;
  op.workspace = aligned(xl_conv2d_b_b_workspace(&p));
  void *expected = malloc(out_bytes + 1), *actual = malloc(out_bytes + 1);
  op.out = expected;
  portable[kind](&op);

  xl_tiled_conv2d_params t;
  t.conv = p;
  t.isa = isa;
  t.threads = 1;
  uint8_t *filters = aligned(xl_tile_filters_bytes(isa, &p));
  int16_t *folds = aligned(xl_tile_folds_bytes(&p));
  xl_tile_filters(isa, &p, op.in[1], op.in[5], filters);
  xl_tile_folds(&p, op.in[1], op.in[5], op.in[4], folds);
  t.filters = filters;
  t.folds = folds;
  op.params = &t;
  op.workspace = aligned(xl_tiled_conv2d_b_b_workspace(&t));
  op.out = actual;
  memset(actual, 0xa5, out_bytes);
  tiled[kind](&op);
  if (memcmp(expected, actual, out_bytes) == 0) return 0;
  printf("case %d differs: kind %d, %d channels, %d filters of %d x %d, groups %d, planes %d, masked %d\n", index, kind,
         (int)p.in_c, (int)p.out_c, (int)p.window.window_h, (int)p.window.window_w, (int)p.groups, (int)p.planes,
         (int)p.masked);
  return 1;
}

int main(void) {
  extern const xl_isa XL_TEST_ISA;
  enum { CASES = 600 };
  for (int i = 0; i < CASES; ++i) {
    if (differs(&XL_TEST_ISA, i)) return 1;
  }
  printf("%s: %d equal\n", XL_TEST_ISA.name, CASES);
  return 0;
}
