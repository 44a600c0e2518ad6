/* One kind of float kernel (0 to 15, of `kinds`) on inputs drawn at random, NaNs, infinities and zeros of both signs among
 * those of kernels that only compare. Writes all outputs, as they lie in memory, to standard
 * output: compiled for two machines, or with and without XL_PORTABLE, both write the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "xlite.h"

static float *random_floats(int32_t n, int special) {
  static const uint32_t bits[] = {0x7fc00000u, 0xffc00001u, 0xff800001u, 0x7f800000u, 0xff800000u,
                                  0x80000000u, 0u,          0x80000001u, 1u,          0xffffffffu};
  float *out = malloc((size_t)n * sizeof *out);
  for (int32_t i = 0; i < n; ++i) {
    out[i] = random_float();
    if (special && below(3) == 0) memcpy(out + i, &bits[below(10)], sizeof *out);
  }
  return out;
}

static void window_of(xl_window *w, int32_t dilation) {
  w->window_h = 1 + below(3);
  w->window_w = 1 + below(3);
  w->stride_h = 1 + below(2);
  w->stride_w = 1 + below(3);
  w->dilation_h = 1 + below(dilation);
  w->dilation_w = 1 + below(dilation);
  w->out_h = 1 + below(5);
  w->out_w = 1 + below(9);
  w->in_h = 1 + below(10);
  w->in_w = 1 + below(12);
}

static void run(xl_op *op, const void *params, int32_t elements, uint64_t workspace) {
  op->params = params;
  op->workspace = malloc((size_t)workspace + 1);
  op->out = calloc((size_t)elements, 4);
  op->run(op);
  fwrite(op->out, 4, (size_t)elements, stdout);
  for (int i = 0; i < 4; ++i) free((void *)(uintptr_t)op->in[i]);
  free(op->workspace);
  free(op->out);
}

typedef enum { FLOATS, BITS } weights;

/* `rows` filters of n weights. */
static void *random_weights(weights kind, int32_t rows, int32_t n) {
  if (kind == FLOATS) return random_floats(rows * n, 0);
  return random_rows(rows, n);
}

static void convolve(xl_op *op, int depthwise, weights kind) {
  xl_conv2d_params p;
  memset(&p, 0, sizeof p);
  window_of(&p.window, 2);
  p.window.pad_top = below(3);
  p.window.pad_left = below(3);
  p.batch = 1 + below(2);
  p.groups = depthwise || below(3) ? 1 : 2;
  p.planes = 1;
  p.in_c = (1 + below(below(2) ? 5 : 40)) * p.groups;
  p.out_c = depthwise ? p.in_c * (1 + below(2)) : (1 + below(9)) * p.groups;
  const int32_t taps = p.window.window_h * p.window.window_w, pixels = p.batch * p.window.out_h * p.window.out_w;
  op->in[0] = random_floats(p.batch * p.window.in_h * p.window.in_w * p.in_c, 0);
  const int32_t filters = depthwise ? taps : p.out_c, of_filter = depthwise ? p.out_c : taps * p.in_c / p.groups;
  op->in[1] = random_weights(kind, filters, of_filter);
  op->in[2] = below(2) ? random_floats(p.out_c, 0) : NULL;
  op->in[3] = below(2) ? random_floats(p.out_c, 0) : NULL;
  if (below(2)) p.activation = (xl_activation){xl_relu, 0.25f, 20.0f, 0.0f};
  const xl_kernel conv2d[] = {xl_conv2d_f32_f32_f32, xl_conv2d_f32_b_f32};
  const xl_kernel each[] = {xl_depthwise_conv2d_f32_f32_f32, xl_depthwise_conv2d_f32_b_f32};
  op->run = depthwise ? each[kind] : conv2d[kind];
  run(op, &p, pixels * p.out_c, depthwise ? 0 : xl_conv2d_f32_workspace(&p));
}

static void dense_of(xl_op *op, weights kind) {
  xl_dense_params p;
  memset(&p, 0, sizeof p);
  p.rows = 1 + below(3);
  p.features = 1 + below(below(2) ? 20 : 700);
  p.units = 1 + below(10);
  p.planes = 1;
  op->in[0] = random_floats(p.rows * p.features, 0);
  op->in[1] = random_weights(kind, p.units, p.features);
  op->in[3] = random_floats(p.units, 0);
  const xl_kernel dense[] = {xl_dense_f32_f32_f32, xl_dense_f32_b_f32};
  op->run = dense[kind];
  run(op, &p, p.rows * p.units, 0);
}

static void rows(xl_op *op, int sign) {
  const xl_rows_params p = {1 + below(6), 1 + below(100)};
  op->in[0] = random_floats(p.rows * p.channels, sign);
  op->in[1] = random_floats(p.channels, 0);
  op->in[2] = random_floats(p.channels, 0);
  op->run = sign ? xl_sign_f32_b : xl_batch_norm_f32;
  run(op, &p, p.rows * (sign ? (p.channels + 31) / 32 : p.channels), 0);
}

static void binary(xl_op *op, xl_kernel kernel) {
  const int32_t n = 1 + below(60), m = 1 + below(4);
  const xl_binary_params p = {2, {m, n}, {below(2) ? m : 1, n}};
  op->in[0] = random_floats(m * n, 0);
  op->in[1] = random_floats(p.b_shape[0] * n, 0);
  op->run = kernel;
  run(op, &p, m * n, 0);
}

static void prelu(xl_op *op) {
  const int32_t n = 1 + below(60), m = 1 + below(4);
  const xl_prelu_params p = {.rank = 2, .shape = {m, n}, .slope_shape = {below(2) ? m : 1, below(3) ? n : 1}};
  op->in[0] = random_floats(m * n, 1);
  op->in[1] = random_floats(p.slope_shape[0] * p.slope_shape[1], 0);
  op->run = xl_prelu_f32;
  run(op, &p, m * n, 0);
}

static void relu(xl_op *op) {
  xl_activation_params p = {{xl_relu, 0.0f, below(3) ? INFINITY : 1.0f, 0.0f}, 1 + below(100)};
  if (below(3) == 0) p.activation.alpha = 0.5f;
  op->in[0] = random_floats(p.count, 0);
  op->run = xl_activation_f32;
  run(op, &p, p.count, 0);
}

typedef enum { MAXIMUM, MAXIMUM_OF_BITS, AVERAGE } pooling;

static void pool_of(xl_op *op, pooling kind) {
  xl_pool2d_params p;
  memset(&p, 0, sizeof p);
  window_of(&p.window, 1);
  if (below(2)) p.window.window_h = p.window.window_w = 2 + below(2), p.window.stride_w = p.window.window_w - below(2);
  p.batch = 1 + below(2);
  p.channels = below(3) ? 4 * (1 + below(9)) : 1 + below(9);
  p.window.pad_top = below(p.window.window_h);
  p.window.pad_left = below(p.window.window_w);
  p.window.out_h = (p.window.in_h - 1 + p.window.pad_top) / p.window.stride_h + 1;
  p.window.out_w = (p.window.in_w - 1 + p.window.pad_left) / p.window.stride_w + 1;
  const int32_t in = p.batch * p.window.in_h * p.window.in_w, out = p.batch * p.window.out_h * p.window.out_w;
  if (kind == MAXIMUM_OF_BITS) {
    p.channels *= 4;
    op->in[0] = random_rows(in, p.channels);
    if (below(2)) op->in[1] = random_rows(1, p.channels);
    op->run = xl_max_pool2d_b;
    run(op, &p, out * words(p.channels), 0);
    return;
  }
  op->in[0] = random_floats(in * p.channels, kind == MAXIMUM);
  op->run = kind == AVERAGE ? xl_average_pool2d_f32 : xl_max_pool2d_f32;
  run(op, &p, out * p.channels, 0);
}

static void add(xl_op *op) { binary(op, xl_add_f32); }
static void multiply(xl_op *op) { binary(op, xl_multiply_f32); }
static void pool(xl_op *op) { pool_of(op, MAXIMUM); }
static void pool_b(xl_op *op) { pool_of(op, MAXIMUM_OF_BITS); }
static void average(xl_op *op) { pool_of(op, AVERAGE); }
static void sign(xl_op *op) { rows(op, 1); }
static void batch_norm(xl_op *op) { rows(op, 0); }
static void conv2d(xl_op *op) { convolve(op, 0, FLOATS); }
static void conv2d_b(xl_op *op) { convolve(op, 0, BITS); }
static void depthwise(xl_op *op) { convolve(op, 1, FLOATS); }
static void depthwise_b(xl_op *op) { convolve(op, 1, BITS); }
static void dense(xl_op *op) { dense_of(op, FLOATS); }
static void dense_b(xl_op *op) { dense_of(op, BITS); }

static void unpack(xl_op *op) {
  const xl_rows_params p = {1 + below(6), 1 + below(200)};
  op->in[0] = random_rows(p.rows, p.channels);
  op->run = xl_unpack_b_f32;
  run(op, &p, p.rows * p.channels, 0);
}

int main(int argc, char **argv) {
  enum { CASES = 100, KINDS = 16 };
  static void (*const kinds[KINDS])(xl_op *) = {conv2d, depthwise, dense,    batch_norm,  sign,    add,    relu,
                                                pool,   pool_b,    conv2d_b, depthwise_b, dense_b, unpack, multiply,
                                                prelu,  average};
  if (argc != 2) return 2;
  for (int i = 0; i < CASES; ++i) {
    xl_op op;
    memset(&op, 0, sizeof op);
    kinds[atoi(argv[1]) % KINDS](&op);
  }
  return 0;
}
