/* Look-up convolutions against the portable kernels: every kind of output, on convolutions drawn at random whose
 * pixels, channels and filters lie around the sizes of units, blocks and chunks; and counting by the core's own loop.
 * Prints how many were compared; exits with 1, and says which, where one differs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carry_save.h"
#include "drawing.h"
#include "lookup.h"
#include "xor_popcount.h"

/* Rows of random bits, unused ones 0; now and then all are alike. Memory ends where they do. */
static uint32_t *mixed_rows(int32_t rows, int32_t bits) {
  const int32_t n = words(bits), alike = below(8);
  uint32_t *out = malloc((size_t)rows * (size_t)n * 4);
  for (int32_t i = 0; i < rows * n; ++i) {
    const int32_t used = bits - i % n * 32;
    out[i] = alike == 0 ? 0 : alike == 1 ? UINT32_MAX : random_word();
    if (used < 32) out[i] &= (1u << used) - 1;
  }
  return out;
}

static void draw(xl_conv2d_params *p) {
  static const int32_t channels[] = {1, 3, 4, 15, 16, 17, 31, 32, 33, 40, 64, 80, 160};
  static const int32_t whole[] = {32, 64, 96};
  xl_window *w = &p->window;
  memset(p, 0, sizeof *p);
  p->planes = 1;
  p->groups = below(3) ? 1 : 2 + below(2);
  p->batch = 1 + below(2);
  p->in_c = p->groups == 1 ? channels[below(13)] : whole[below(3)] * p->groups;
  p->out_c = (1 + below(below(4) ? 40 : 120)) * p->groups;
  p->pad_value = below(3) - 1;
  w->window_h = 1 + below(3);
  w->window_w = 1 + below(4);
  w->stride_h = 1 + below(2);
  w->stride_w = 1 + below(3);
  w->dilation_h = 1 + below(2);
  w->dilation_w = 1 + below(2);
  w->pad_top = below(3);
  w->pad_left = below(3);
  w->out_h = 1 + below(below(5) ? 5 : 20);
  w->out_w = 1 + below(below(5) ? 9 : 40);
  if (below(4) == 0) w->out_h = w->out_w = 1 + below(3);
  w->in_h = 1 + below(12);
  w->in_w = 1 + below(12);
}

/* Bits and integers to the last bit; floats as numbers, a ReLU's 0 of either sign. */
static int alike(int kind, const void *a, const void *b, size_t bytes) {
  const float *x = (const float *)a, *y = (const float *)b;
  if (kind != 2) return memcmp(a, b, bytes) == 0;
  for (size_t i = 0; i < bytes / 4; ++i) {
    if (!(x[i] == y[i])) return 0;
  }
  return 1;
}

static int differs(int index) {
  static const xl_kernel portable[] = {xl_conv2d_b_b_b, xl_conv2d_b_b_i32, xl_conv2d_b_b_f32};
  static const xl_kernel lookup[] = {xl_lookup_conv2d_b_b_b, xl_lookup_conv2d_b_b_i32, xl_lookup_conv2d_b_b_f32};
  xl_conv2d_params p;
  draw(&p);
  const int kind = below(3);
  const int32_t row = p.window.window_h * p.window.window_w * (p.in_c / p.groups);
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
    p.activation.alpha = below(3) ? 0 : 0.25f;
    p.activation.max_value = below(3) ? INFINITY : 20.0f;
  }
  uint32_t *x = mixed_rows(p.batch * p.window.in_h * p.window.in_w, p.in_c), *filter = mixed_rows(p.out_c, row);
  void *expected = malloc(out_bytes), *actual = malloc(out_bytes);
  xl_op op;
  memset(&op, 0, sizeof op);
  op.in[0] = x;
  op.in[1] = filter;
  op.in[2] = kind == 2 && below(2) ? scale : NULL;
  op.in[3] = kind == 2 && below(2) ? bias : NULL;
  op.in[4] = kind == 0 ? threshold : NULL;
  op.params = &p;
  op.workspace = malloc((size_t)xl_conv2d_b_b_workspace(&p));
  op.out = expected;
  portable[kind](&op);
  free(op.workspace);

  const size_t bytes = (size_t)xl_lookup_conv2d_b_b_workspace(&p);
  char *memory = malloc(bytes + 4 * 15), *workspace = memory + 4 * below(16); /* of any alignment to 4 bytes */
  memset(memory, 0x5a, bytes + 4 * 15);
  op.workspace = workspace;
  op.out = actual;
  memset(actual, 0xa5, out_bytes);
  lookup[kind](&op);
  int bad = !alike(kind, expected, actual, out_bytes) || !xl_lookup_conv2d_b_b_takes(&p);
  for (char *at = workspace + bytes; at < memory + bytes + 4 * 15; ++at) bad |= *at != 0x5a;
  if (bad) {
    printf("case %d differs: kind %d, %d channels, %d filters of %d x %d, groups %d, padding %d\n", index, kind,
           (int)p.in_c, (int)p.out_c, (int)p.window.window_h, (int)p.window.window_w, (int)p.groups, (int)p.pad_value);
  }
  free(x), free(filter), free(threshold), free(scale), free(bias), free(expected), free(actual), free(memory);
  return bad;
}

static int miscounts(int32_t n) {
  uint32_t *row = mixed_rows(1, 32 * n), *weights = mixed_rows(3, 32 * n), counts[3];
  int bad = 0;
  xl_count_differing(row, weights, n, 3, counts);
  for (int i = 0; i < 3; ++i) {
    uint32_t expected = 0;
    for (int32_t k = 0; k < n; ++k) expected += xl_count_bits((uint32_t)(row[k] ^ weights[i * n + k]));
    bad |= counts[i] != expected;
  }
  if (bad) printf("rows of %d words are miscounted\n", (int)n);
  free(row), free(weights);
  return bad;
}

#ifdef XL_CORE_ARMV6_VFP
static __attribute__((noinline)) void leave_nans_on_the_stack(void) {
  volatile uint64_t signalling[512];
  for (int i = 0; i < 512; ++i) signalling[i] = 0x7ff4000000000000u;
}

/* Tables are sums of integers, all of them exact: where the FPU tells of an exception, what lay on the stack was added
 * for units that are not there. The ARM1176's leaves NaNs and denormals to the kernel, a thousand cycles each. */
static int adds_what_lies_there(int32_t units) {
  enum { LANES = XL_LOOKUP_UNITS * XL_LOOKUP_UNIT };
  static const uint8_t w[LANES * 4];
  static double tables[XL_LOOKUP_ENTRIES * 64 / 8];
  const uint8_t *rows[LANES];
  xl_lookup_lanes lanes[XL_LOOKUP_UNITS];
  uint32_t told;
  for (int i = 0; i < XL_LOOKUP_UNITS; ++i) lanes[i] = xl_lookup_lanes_of(63);
  for (int i = 0; i < LANES; ++i) rows[i] = w;
  __asm__ volatile("vmsr fpscr, %0" : : "r"(0) : "memory");
  leave_nans_on_the_stack();
  xl_lookup_tables(w, 2, units, (uint8_t *)tables);
  leave_nans_on_the_stack();
  for (int wide = 0; wide <= (units <= XL_LOOKUP_WIDE_UNITS); ++wide) {
    xl_lookup_tables_of(rows, 2, units, wide, lanes, (uint8_t *)tables);
  }
  __asm__ volatile("vmrs %0, fpscr" : "=r"(told) : : "memory");
  if (told & 0x9f) printf("tables of %d units are made with what is not theirs\n", (int)units);
  return (told & 0x9f) != 0;
}
#else
static int adds_what_lies_there(int32_t units) { return units < 1; }
#endif

int main(void) {
  enum { CASES = 400, ROWS = 600 };
  for (int32_t units = 1; units <= XL_LOOKUP_UNITS; ++units) {
    if (adds_what_lies_there(units)) return 1;
  }
  for (int i = 0; i < CASES; ++i) {
    if (differs(i)) return 1;
  }
  for (int32_t n = 1; n <= ROWS; ++n) {
    if (miscounts(n)) return 1;
  }
  printf("%d equal, units of %d filters\n", CASES, XL_LOOKUP_UNIT);
  return 0;
}
