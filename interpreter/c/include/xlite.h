/* xlite.h - kernels and executor for binarized networks, in C99.
 *
 * A network is an array of xl_op: each names the function that computes it, its parameters and its buffers. The
 * same array is filled by Python, by a reader of .xlite files and by generated code; xl_run() executes it.
 *
 * What holds everywhere:
 *
 *  - No allocation, no global that changes, no call but memcpy and memset (and, in kernels/libm.c alone, expf and
 *    tanhf). Any number of networks may run at once; one op array is run by one thread at a time.
 *  - Kernels trust their op: whoever fills it has checked it. Extents are at least 1 and no tensor has 2^31 bytes
 *    or elements, or more. Buffers are aligned to 4 bytes.
 *  - Activations are N, H, W, C. All have the batch axis first.
 *  - A bit is a sign: bit 1 means -1, bit 0 means +1. 32 consecutive elements of a row lie in one uint32_t, least
 *    significant bit first; a row begins at a word, and the unused bits at the end of its last word are 0, in
 *    what kernels read and in what they write. The row of an activation is its last axis.
 *  - Kernels are named xl_<op>_<x>_<weights>_<output>, with b for bits, f32 and i32.
 *  - The output overlaps no input, but for the kernels that say "in place": there it may be exactly the input.
 *  - Products and sums are rounded to float one by one. Compile with -ffp-contract=off so that this stays so, and
 *    on 32-bit x86 with -mfpmath=sse: the x87 unit keeps more digits.
 */
#ifndef XLITE_H
#define XLITE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a shared library exports; nothing where the library is compiled into a program. */
#if defined(XL_SHARED) && defined(_WIN32)
#define XL_API __declspec(dllexport)
#elif defined(XL_SHARED)
#define XL_API __attribute__((visibility("default")))
#else
#define XL_API
#endif

/* Raised by one whenever a struct below or the meaning of a field changes. */
#define XL_ABI_VERSION 1

#define XL_MAX_INPUTS 5
#define XL_MAX_RANK 6

/* ---- The op and the executor ------------------------------------------------------------------------------ */

typedef struct xl_op xl_op;
typedef void (*xl_kernel)(const xl_op *op);

/* in: in the order of the op's slots; NULL where an optional one is absent.
 * workspace: scratch of at least workspace_bytes, as many as the kernel's _workspace function asks for, aligned to
 * 4 bytes. Its content survives no op, so that all ops may share one. NULL where none is needed.
 * tag: the caller's own, for example the op's index in its file; no kernel reads it. */
struct xl_op {
  xl_kernel run;
  const void *params;
  const void *in[XL_MAX_INPUTS];
  void *out;
  void *workspace;
  uint32_t workspace_bytes;
  uint32_t tag;
};

/* Runs ops[0] to ops[n - 1] in order. */
XL_API void xl_run(const xl_op *ops, uint32_t n);

/* As xl_run, with a call before (done = 0) and after (done = 1) each op. */
typedef void (*xl_profile)(void *user, const xl_op *op, uint32_t index, int32_t done);
XL_API void xl_run_profiled(const xl_op *ops, uint32_t n, xl_profile hook, void *user);

/* ---- Parameters ------------------------------------------------------------------------------------------- */

/* An element-wise function on n floats, in place or not. apply is NULL for none, or one of xl_relu, xl_sigmoid,
 * xl_tanh, xl_hard_tanh, or a user's own; only what a program names is linked. */
typedef struct xl_activation xl_activation;
typedef void (*xl_activation_fn)(const xl_activation *a, const float *in, float *out, size_t n);
struct xl_activation {
  xl_activation_fn apply;
  float alpha;     /* finite */
  float max_value; /* not below threshold; may be infinite */
  float threshold; /* finite */
};

/* x >= max_value -> max_value; else x >= threshold -> x; else alpha * (x - threshold). */
XL_API void xl_relu(const xl_activation *a, const float *in, float *out, size_t n);
XL_API void xl_sigmoid(const xl_activation *a, const float *in, float *out, size_t n);
XL_API void xl_tanh(const xl_activation *a, const float *in, float *out, size_t n);
XL_API void xl_hard_tanh(const xl_activation *a, const float *in, float *out, size_t n); /* clips to -1 .. 1 */

/* A window that slides over an image. Output (y, x) sees the inputs
 * (y * stride_h - pad_top + i * dilation_h, x * stride_w - pad_left + j * dilation_w), i < window_h, j < window_w.
 * stride, dilation: 1 to 65536. pad_top, pad_left: 0 to 65536. in_h, in_w: up to 2^24. */
typedef struct xl_window {
  int32_t in_h, in_w;
  int32_t out_h, out_w;
  int32_t window_h, window_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
} xl_window;

/* CONV_2D and DEPTHWISE_CONV_2D. in: x, filter, scale, bias, threshold (the last three may be NULL).
 * out_c: a multiple of groups (convolution) or of in_c (depthwise). in_c: a multiple of groups.
 * pad_value: what x is taken to be outside the image: 0; or +1 or -1 where x is bits.
 * groups: 1 for depthwise. */
typedef struct xl_conv2d_params {
  xl_activation activation; /* of float outputs only */
  xl_window window;
  int32_t batch;
  int32_t in_c, out_c;
  int32_t pad_value;
  int32_t groups;
} xl_conv2d_params;

/* DENSE over the last axis of x. in: x, filter, scale, bias, threshold (the last three may be NULL). */
typedef struct xl_dense_params {
  xl_activation activation; /* of float outputs only */
  int32_t rows;
  int32_t features, units;
} xl_dense_params;

/* BATCH_NORM (x * scale + offset, by channel), SIGN, UNPACK, SOFTMAX: `rows` rows of `channels` elements each. */
typedef struct xl_rows_params {
  int32_t rows, channels;
} xl_rows_params;

/* ADD, and RESHAPE where the stored bytes stay as they are: `count` floats, integers or words of bits. */
typedef struct xl_count_params {
  int32_t count;
} xl_count_params;

/* ACTIVATION of `count` floats. */
typedef struct xl_activation_params {
  xl_activation activation; /* apply is not NULL */
  int32_t count;
} xl_activation_params;

/* PRELU: the slope has x's rank and is repeated along its axes of extent 1. Its first axis, the batch, is 1. */
typedef struct xl_prelu_params {
  int32_t rank; /* 1 to 6 */
  int32_t shape[XL_MAX_RANK];
  int32_t slope_shape[XL_MAX_RANK]; /* 1 or shape's */
} xl_prelu_params;

/* MAX_POOL_2D and AVERAGE_POOL_2D. Every window holds at least one element of x; dilation is 1. */
typedef struct xl_pool2d_params {
  xl_window window;
  int32_t batch;
  int32_t channels;
} xl_pool2d_params;

/* CONCATENATE. in[0]: an array of `count` xl_part, the inputs in order.
 * rows: the product of the axes before the one that is joined.
 * extent: elements of one such row of this input: its extent along the joined axis times the axes behind it.
 * For bits that are joined along another axis than the last, elements are those stored: 32 a word. */
typedef struct xl_part {
  const void *data;
  int32_t extent;
} xl_part;

typedef struct xl_concatenate_params {
  int32_t rows;
  int32_t count;
} xl_concatenate_params;

/* RESHAPE of bits whose rows change their length. in_rows * in_bits == out_rows * out_bits. */
typedef struct xl_reshape_params {
  int32_t in_rows, in_bits;
  int32_t out_rows, out_bits;
} xl_reshape_params;

/* PAD. before, after: elements that are added to each axis; 0 to 65536. */
typedef struct xl_pad_params {
  int32_t rank; /* 1 to 6 */
  int32_t shape[XL_MAX_RANK]; /* x's */
  int32_t before[XL_MAX_RANK];
  int32_t after[XL_MAX_RANK];
  float value; /* finite; +1 or -1 for bits */
} xl_pad_params;

/* ---- Convolution, depthwise convolution, dense ------------------------------------------------------------ */

/* dot = the sum of x * w over the window; elements outside the image are pad_value.
 *   _b_b_b     bit 1 (-1) where dot < threshold[channel]: threshold INT32_MIN never, INT32_MAX always
 *   _b_b_i32   dot
 *   _b_b_f32   activation(float(dot) * scale + bias); without scale no product, without bias no sum
 *   _f32_b_f32 the same of a float dot; the filter holds +1 and -1
 *   _f32_f32_f32  activation(dot + bias)
 *
 * Filters: convolution O, KH, KW, I, where bits pack one filter's whole window as one row of KH * KW * I bits;
 * depthwise KH, KW, C * M, where bits pack the last axis and output channel c * M + m sees input channel c;
 * dense O, I. Filters of group g see the input channels g * I to (g + 1) * I - 1.
 *
 * The _workspace functions give bytes. */
XL_API void xl_conv2d_b_b_b(const xl_op *op);
XL_API void xl_conv2d_b_b_i32(const xl_op *op);
XL_API void xl_conv2d_b_b_f32(const xl_op *op);
XL_API uint64_t xl_conv2d_b_b_workspace(const xl_conv2d_params *p);
XL_API void xl_conv2d_f32_b_f32(const xl_op *op);
XL_API void xl_conv2d_f32_f32_f32(const xl_op *op);
XL_API uint64_t xl_conv2d_f32_workspace(const xl_conv2d_params *p);

XL_API void xl_depthwise_conv2d_b_b_b(const xl_op *op);
XL_API void xl_depthwise_conv2d_b_b_i32(const xl_op *op);
XL_API void xl_depthwise_conv2d_b_b_f32(const xl_op *op);
XL_API void xl_depthwise_conv2d_f32_b_f32(const xl_op *op);
XL_API void xl_depthwise_conv2d_f32_f32_f32(const xl_op *op);

XL_API void xl_dense_b_b_b(const xl_op *op);
XL_API void xl_dense_b_b_i32(const xl_op *op);
XL_API void xl_dense_b_b_f32(const xl_op *op);
XL_API void xl_dense_f32_b_f32(const xl_op *op);
XL_API void xl_dense_f32_f32_f32(const xl_op *op);

/* ---- Element-wise ----------------------------------------------------------------------------------------- */

XL_API void xl_batch_norm_f32(const xl_op *op); /* xl_rows_params; in: x, scale, offset; in place */
XL_API void xl_sign_f32_b(const xl_op *op);     /* xl_rows_params; bit 1 where x < 0, so +1 for NaN, +0 and -0 */
XL_API void xl_unpack_b_f32(const xl_op *op);   /* xl_rows_params; +1 and -1 */
XL_API void xl_activation_f32(const xl_op *op); /* xl_activation_params; in place */
XL_API void xl_prelu_f32(const xl_op *op);      /* xl_prelu_params; in: x, slope; slope * x below 0; in place */
XL_API void xl_softmax_f32(const xl_op *op);    /* xl_rows_params; in place */
XL_API void xl_add_f32(const xl_op *op);        /* xl_count_params; in place in either input */

/* ---- Pooling ---------------------------------------------------------------------------------------------- */

XL_API void xl_max_pool2d_f32(const xl_op *op); /* xl_pool2d_params; NaN where the window holds one */

/* xl_pool2d_params; in: x, flip (may be NULL: none). The largest sign under the window; in channels whose bit of
 * flip is 1, the smallest. */
XL_API void xl_max_pool2d_b(const xl_op *op);

XL_API void xl_average_pool2d_f32(const xl_op *op); /* xl_pool2d_params; elements outside the image do not count */

/* ---- Shape ------------------------------------------------------------------------------------------------ */

XL_API void xl_concatenate_f32(const xl_op *op); /* xl_concatenate_params */
XL_API void xl_concatenate_b(const xl_op *op);   /* xl_concatenate_params */
XL_API void xl_reshape_copy(const xl_op *op);    /* xl_count_params; in place */
XL_API void xl_reshape_b(const xl_op *op);       /* xl_reshape_params */
XL_API void xl_pad_f32(const xl_op *op);         /* xl_pad_params */
XL_API void xl_pad_b(const xl_op *op);           /* xl_pad_params */

/* ---- Shared library only (host/) -------------------------------------------------------------------------- */

/* XL_ABI_VERSION as compiled, and the size of every struct above, ended by a NULL name: a loader compares them
 * with what it was written for. */
typedef struct xl_struct_size {
  const char *name;
  uint32_t bytes;
} xl_struct_size;
XL_API uint32_t xl_abi_version(void);
XL_API const xl_struct_size *xl_struct_sizes(void);

/* A hook for xl_run_profiled; user is an xl_timer. Adds the nanoseconds that op i took to nanoseconds[i]. */
typedef struct xl_timer {
  uint64_t started;
  uint64_t *nanoseconds;
} xl_timer;
XL_API void xl_time_op(void *user, const xl_op *op, uint32_t index, int32_t done);

#ifdef __cplusplus
}
#endif

#endif
