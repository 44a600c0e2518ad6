/* Convolutions of integers (kinds 0 to 14: by input and filter u8 i8, i8 i8, u8 b, i8 b, b i8, and by output bits, int32,
 * floats; kinds 15 to 17: depthwise of bits with bits) of shapes drawn at random. Writes all outputs, as they lie in memory, to standard output: compiled for two
 * machines, or with and without XL_PORTABLE, both write the same. To standard error: how many are such as conv2d_toom.c
 * takes. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "conv2d_toom.h"
#include "drawing.h"
#include "xlite.h"

enum { CASES = 120, KINDS = 18, DEPTHWISE = 15 };

static int by_toom;

/* Bytes are any, or the largest and smallest of both types, or all the same. */
static void *random_words(int32_t n) {
  static const uint32_t bytes[] = {0, 0x7f, 0x80, 0xff};
  uint32_t *out = malloc((size_t)n * sizeof *out), word = 0x01010101 * bytes[below(4)];
  const int32_t kind = below(3);
  for (int32_t i = 0; i < n; ++i) {
    if (kind == 0) out[i] = random_word();
    if (kind == 2) out[i] = word;
    if (kind != 1) continue;
    out[i] = 0;
    for (int shift = 0; shift < 32; shift += 8) out[i] |= bytes[below(4)] << shift;
  }
  return out;
}

/* A copy that ends where memory does. It is never given back. */
static void *before_nothing(void *from, int32_t bytes) {
  enum { PAGE = 4096 };
  const size_t whole = ((size_t)bytes + PAGE - 1) / PAGE * PAGE;
  char *to = mmap(NULL, whole + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (to == MAP_FAILED || mprotect(to + whole, PAGE, PROT_NONE) != 0) exit(3);
  memcpy(to + whole - bytes, from, (size_t)bytes);
  free(from);
  return to + whole - bytes;
}

static float *random_floats(int32_t n) {
  float *out = malloc((size_t)n * sizeof *out);
  for (int32_t i = 0; i < n; ++i) out[i] = random_float();
  return out;
}

static int32_t *random_thresholds(int32_t n, int32_t most) {
  int32_t *out = malloc((size_t)n * sizeof *out);
  for (int32_t i = 0; i < n; ++i) out[i] = below(9) ? below(2 * most + 1) - most : below(2) ? INT32_MAX : INT32_MIN;
  return out;
}

/* As stems have it, mostly. */
static void seven_columns(xl_conv2d_params *p) {
  xl_window *w = &p->window;
  w->window_h = 1 + below(9);
  w->window_w = 7;
  w->stride_h = 1 + below(3);
  w->stride_w = 2;
  w->dilation_h = w->dilation_w = 1;
  w->out_h = 1 + below(9);
  w->out_w = 4 + below(60);
  w->in_w = 1 + below(130);
  w->in_h = 1 + below(20);
  w->pad_left = below(5) ? below(7) : below(60);
  p->groups = 1;
  p->in_c = 1 + below(4);
  p->out_c = 1 + below(99);
  p->pad_value = below(1639) - 819;
  p->input_zero_point = below(3) ? 255 : below(1000) - 500;
}

static void depthwise(xl_conv2d_params *p) {
  xl_window *w = &p->window;
  if (below(2)) w->window_h = w->window_w = 3;
  if (below(2)) w->dilation_h = w->dilation_w = 1;
  w->in_h = 1 + below(20);
  w->in_w = 1 + below(40);
  p->groups = 1;
  p->in_c = 1 + below(100);
  p->out_c = p->in_c * (1 + below(5) / 4);
  p->pad_value = below(3) - 1;
  p->masked = below(4) == 0;
  p->planes = 1;
}

static xl_conv2d_params random_params(int kind) {
  xl_conv2d_params p;
  memset(&p, 0, sizeof p);
  xl_window *w = &p.window;
  w->window_h = 1 + below(below(3) ? 3 : 7);
  w->window_w = 1 + below(below(3) ? 3 : 7);
  w->stride_h = 1 + below(2);
  w->stride_w = 1 + below(3);
  w->dilation_h = 1 + below(4) / 3;
  w->dilation_w = 1 + below(4) / 3;
  w->pad_top = below(4);
  w->pad_left = below(4);
  w->out_h = 1 + below(4);
  w->out_w = 1 + below(below(3) ? 9 : 30); /* one and several strips of 24 */
  w->in_h = 1 + below(9);
  w->in_w = 1 + below(14);
  p.batch = 1 + below(2);
  p.groups = below(4) ? 1 : 1 + below(3);
  p.planes = 1;
  p.in_c = (1 + below(below(3) ? 5 : 70)) * p.groups;
  p.out_c = (1 + below(below(3) ? 9 : 100)) * p.groups;
  p.pad_value = below(511) - 255;
  p.input_multiplier = 1 + below(2);
  p.input_zero_point = below(512) - 128;
  p.masked = kind / 3 == 2 || kind / 3 == 3 ? below(2) : 0;
  if (kind >= DEPTHWISE) {
    depthwise(&p);
  } else if (below(3) == 0) {
    seven_columns(&p);
  }
  if (kind % 3 == 2 && below(2)) p.activation = (xl_activation){xl_relu, 0.25f, 20.0f, 0.0f};
  return p;
}

static void convolve(int kind) {
  static const struct {
    int x_bits, w_bits;
    void (*run[3])(const xl_op *);
  } kinds[] = {
      {0, 0, {xl_conv2d_u8_i8_b, xl_conv2d_u8_i8_i32, xl_conv2d_u8_i8_f32}},
      {0, 0, {xl_conv2d_i8_i8_b, xl_conv2d_i8_i8_i32, xl_conv2d_i8_i8_f32}},
      {0, 1, {xl_conv2d_u8_b_b, xl_conv2d_u8_b_i32, xl_conv2d_u8_b_f32}},
      {0, 1, {xl_conv2d_i8_b_b, xl_conv2d_i8_b_i32, xl_conv2d_i8_b_f32}},
      {1, 0, {xl_conv2d_b_i8_b, xl_conv2d_b_i8_i32, xl_conv2d_b_i8_f32}},
      {1, 1, {xl_depthwise_conv2d_b_b_b, xl_depthwise_conv2d_b_b_i32, xl_depthwise_conv2d_b_b_f32}},
  };
  const xl_conv2d_params p = random_params(kind);
  const xl_window *w = &p.window;
  const int32_t pixels = p.batch * w->out_h * w->out_w, in_pixels = p.batch * w->in_h * w->in_w;
  const int32_t k = w->window_h * w->window_w * p.in_c / p.groups;
  const int32_t filter_words = kind >= DEPTHWISE ? k / p.in_c * words(p.out_c) : p.out_c * words(k);
  const int32_t row = kind % 3 == 0 ? words(p.out_c) : p.out_c;
  xl_op op;
  memset(&op, 0, sizeof op);
  op.params = &p;
  const int32_t in_bytes = in_pixels * (kinds[kind / 3].x_bits ? 4 * words(p.in_c) : p.in_c);
  op.in[0] = before_nothing(random_words(in_bytes / 4 + 1), in_bytes);
  op.in[1] = random_words(kinds[kind / 3].w_bits ? filter_words : p.out_c * k / 4 + 1);
  op.in[2] = below(3) ? random_floats(p.out_c) : NULL;
  op.in[3] = below(3) ? random_floats(p.out_c) : NULL;
  op.in[4] = random_thresholds(p.out_c, kind >= DEPTHWISE ? k / p.in_c + 2 : 2000);
  op.in[5] = p.masked ? random_words(filter_words) : NULL;
  op.workspace_bytes = (uint32_t)xl_conv2d_integer_workspace(&p);
  if (!kinds[kind / 3].x_bits && xl_conv2d_by_toom(&p)) ++by_toom;
  op.workspace = malloc((size_t)op.workspace_bytes + 1);
  op.out = calloc((size_t)(pixels * row), 4);
  kinds[kind / 3].run[kind % 3](&op);
  fwrite(op.out, 4, (size_t)(pixels * row), stdout);
  for (int i = 1; i < 6; ++i) free((void *)(uintptr_t)op.in[i]);
  free(op.workspace);
  free(op.out);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  for (int i = 0; i < CASES; ++i) convolve(atoi(argv[1]) % KINDS);
  fprintf(stderr, "%d\n", by_toom);
  return 0;
}
