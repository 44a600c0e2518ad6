/* xlite.h - kernels and executor for binarized networks, in C99.
 *
 * A network is an array of xl_op: each names the function that computes it, its parameters and its buffers. The
 * same array is filled by Python, by a reader of .xlite files and by generated code; xl_run() executes it.
 *
 * What holds everywhere:
 *
 *  - No allocation, no global that changes, no call but memcpy and memset (and, in kernels/libm.c alone, functions
 *    of the C library's math.h). Any number of networks may run at once; one op array is run by one thread at a
 *    time.
 *  - Kernels trust their op: whoever fills it has checked it. Extents are at least 1 and no tensor has 2^31 bytes
 *    or elements, or more. Buffers are aligned to 4 bytes.
 *  - Activations are N, H, W, C. All have the batch axis first.
 *  - A bit is a sign: bit 1 means -1, bit 0 means +1. 32 consecutive elements of a row lie in one uint32_t, least
 *    significant bit first; a row begins at a word, and the unused bits at the end of its last word are 0, in
 *    what kernels read and in what they write. The row of an activation is its last axis.
 *  - Kernels are named xl_<op>_<x>_<weights>_<output>, with b for bits, f32, i32, i8 and u8; 8 where only bytes are
 *    moved, whatever their sign.
 *  - The output overlaps no input, but for the kernels that say "in place": there it may be exactly the input.
 *    Generated code relies on more: CONV_2D without groups and the 2D pools, on one thread, write their output row by
 *    row, and read no input row above the first that the row they write sees.
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
#define XL_ABI_VERSION 4

#define XL_MAX_INPUTS 6
#define XL_MAX_RANK 6

/* ---- The op and the executor ------------------------------------------------------------------------------ */

typedef struct xl_op xl_op;
typedef void (*xl_kernel)(const xl_op *op);

/* Several threads for one op. A kernel that can use them cuts its work into `n` pieces, of which none depends on
 * another's result, so that what comes out is the same for any number of threads.
 * run: calls task(context, begin, end, worker) for ranges that cover 0 to n - 1, each of at most `grain` pieces
 * unless one thread does all; worker is 0 to count - 1 and no two calls at a time have the same. Returns once all
 * is done. */
typedef void (*xl_task)(void *context, int32_t begin, int32_t end, int32_t worker);
typedef struct xl_threads xl_threads;
struct xl_threads {
  int32_t count;
  void (*run)(xl_threads *threads, xl_task task, void *context, int32_t n, int32_t grain);
};

/* in: in the order of the op's slots; NULL where an optional one is absent.
 * workspace: scratch of at least workspace_bytes, as many as the kernel's _workspace function asks for, aligned to
 * 4 bytes. Its content survives no op, so that all ops may share one. NULL where none is needed.
 * tag: the caller's own, for example the op's index in its file; no kernel reads it.
 * threads: NULL for the caller's own thread. */
struct xl_op {
  xl_kernel run;
  const void *params;
  const void *in[XL_MAX_INPUTS];
  void *out;
  void *workspace;
  uint32_t workspace_bytes;
  uint32_t tag;
  xl_threads *threads;
};

/* Runs ops[0] to ops[n - 1] in order. */
XL_API void xl_run(const xl_op *ops, uint32_t n);

/* As xl_run, with a call before (done = 0) and after (done = 1) each op. */
typedef void (*xl_profile)(void *user, const xl_op *op, uint32_t index, int32_t done);
XL_API void xl_run_profiled(const xl_op *ops, uint32_t n, xl_profile hook, void *user);

/* ---- Parameters ------------------------------------------------------------------------------------------- */

/* An element-wise function on n floats, in place or not. apply is NULL for none, or one of those below, or a user's
 * own. A function ignores those of the three parameters that it does not name. */
typedef struct xl_activation xl_activation;
typedef void (*xl_activation_fn)(const xl_activation *a, const float *in, float *out, size_t n);
struct xl_activation {
  xl_activation_fn apply;
  float alpha;     /* finite; of xl_celu not 0 */
  float max_value; /* not below threshold; may be infinite */
  float threshold; /* finite; of xl_clip it may be -infinity */
};

#define XL_ACTIVATION(name) XL_API void name(const xl_activation *a, const float *in, float *out, size_t n)
XL_ACTIVATION(xl_relu); /* x >= max_value -> max_value; else x >= threshold -> x; else alpha * (x - threshold) */
XL_ACTIVATION(xl_clip); /* to threshold .. max_value */
XL_ACTIVATION(xl_hard_tanh);    /* clips to -1 .. 1 */
XL_ACTIVATION(xl_hard_sigmoid); /* clip(alpha * x + threshold, 0, 1) */
XL_ACTIVATION(xl_hard_silu);    /* x * clip(x + 3, 0, 6) / 6 */
XL_ACTIVATION(xl_threshold);    /* x > threshold ? x : alpha */
XL_ACTIVATION(xl_soft_shrink);  /* x > threshold -> x - threshold; x < -threshold -> x + threshold; else 0 */
XL_ACTIVATION(xl_hard_shrink);  /* abs(x) > threshold ? x : 0 */
XL_ACTIVATION(xl_softsign);     /* x / (abs(x) + 1) */
XL_ACTIVATION(xl_sparse_plus);  /* x <= -1 -> 0; x < 1 -> (x + 1)^2 / 4; else x */
XL_ACTIVATION(xl_sparse_sigmoid); /* clip((x + 1) / 2, 0, 1) */
XL_ACTIVATION(xl_abs);
XL_ACTIVATION(xl_negate);
XL_ACTIVATION(xl_square);
XL_ACTIVATION(xl_round); /* half to even */
XL_ACTIVATION(xl_floor);
XL_ACTIVATION(xl_sign); /* -1, 0 or 1 */
/* These need libm. */
XL_ACTIVATION(xl_sigmoid);
XL_ACTIVATION(xl_log_sigmoid);
XL_ACTIVATION(xl_silu); /* x * sigmoid(x) */
XL_ACTIVATION(xl_tanh);
XL_ACTIVATION(xl_tanh_shrink); /* x - tanh(x) */
XL_ACTIVATION(xl_elu);         /* x > 0 ? x : alpha * (exp(x) - 1) */
XL_ACTIVATION(xl_selu);
XL_ACTIVATION(xl_celu);     /* max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1) */
XL_ACTIVATION(xl_softplus); /* log(1 + exp(x)) */
XL_ACTIVATION(xl_mish);     /* x * tanh(softplus(x)) */
XL_ACTIVATION(xl_gelu);     /* x * P(X <= x) of a standard normal X */
XL_ACTIVATION(xl_gelu_tanh); /* its approximation by tanh */
XL_ACTIVATION(xl_squareplus); /* (x + sqrt(x * x + alpha)) / 2 */
XL_ACTIVATION(xl_sqrt);
XL_ACTIVATION(xl_rsqrt);
XL_ACTIVATION(xl_exp);
XL_ACTIVATION(xl_log);

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

/* CONV_2D, DEPTHWISE_CONV_2D and LOCALLY_CONNECTED_2D. in: x, filter, scale, bias, threshold, mask (the last four
 * may be NULL).
 * in_c: x's channels, those of all its bit planes together: a multiple of planes * groups.
 * out_c: a multiple of groups (convolution) or of in_c / planes (depthwise).
 * pad_value: what x is taken to be outside the image: 0; or +1 or -1 where x is bits.
 * groups: 1 but for CONV_2D.
 * planes: 1 to 8; more than 1 where x and filter are bits only.
 * masked: 1 where in[5] is not NULL, else 0.
 * input_multiplier, input_zero_point: an element of x counts as input_multiplier * x - input_zero_point, which is at
 * most 32767 whatever x is, where x is int8 or uint8; else they are 1 and 0. Outside the image it counts as 0. */
typedef struct xl_conv2d_params {
  xl_activation activation; /* of float outputs only */
  xl_window window;
  int32_t batch;
  int32_t in_c, out_c;
  int32_t pad_value;
  int32_t groups;
  int32_t planes;
  int32_t masked;
  int32_t input_multiplier, input_zero_point;
} xl_conv2d_params;

/* One axis of a window over a volume. Not transposed: output o sees the inputs o * stride - pad + i * dilation,
 * i < window. Transposed: input j reaches the outputs j * stride - pad + i * dilation.
 * stride, dilation: 1 to 65536. pad: 0 to 65536; what the transposed kind cuts off its output's beginning. */
typedef struct xl_axis {
  int32_t in, out;
  int32_t window;
  int32_t stride;
  int32_t dilation;
  int32_t pad;
} xl_axis;

/* CONV_3D and CONV_3D_TRANSPOSE. The rest as in xl_conv2d_params; pad_value is 0 for the transposed kind. */
typedef struct xl_conv3d_params {
  xl_activation activation; /* of float outputs only */
  xl_axis axis[3];          /* depth, height, width */
  int32_t batch;
  int32_t in_c, out_c;
  int32_t pad_value;
  int32_t groups;
  int32_t planes;
  int32_t masked;
} xl_conv3d_params;

/* DENSE over the last axis of x. in: x, filter, scale, bias, threshold, mask (the last four may be NULL).
 * features: of the filter; x has planes * features. masked: 1 where in[5] is not NULL, else 0. input_*: as for
 * xl_conv2d_params. */
typedef struct xl_dense_params {
  xl_activation activation; /* of float outputs only */
  int32_t rows;
  int32_t features, units;
  int32_t planes;
  int32_t masked;
  int32_t input_multiplier, input_zero_point;
} xl_dense_params;

/* BATCH_NORM (x * scale + offset, by channel), SIGN, UNPACK, SOFTMAX: `rows` rows of `channels` elements each. */
typedef struct xl_rows_params {
  int32_t rows, channels;
} xl_rows_params;

/* RESHAPE where the stored bytes stay as they are. */
typedef struct xl_bytes_params {
  int32_t bytes;
} xl_bytes_params;

/* QUANTIZE and DEQUANTIZE of `count` elements. scale: finite, above 0. zero_point: a value that the integers have, 0
 * for int32. */
typedef struct xl_quantize_params {
  int32_t count;
  float scale;
  int32_t zero_point;
} xl_quantize_params;

/* ACTIVATION of `count` floats. */
typedef struct xl_activation_params {
  xl_activation activation; /* apply is not NULL */
  int32_t count;
} xl_activation_params;

/* ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM, MINIMUM: the operands are repeated along their axes of extent 1. */
typedef struct xl_binary_params {
  int32_t rank; /* 1 to 6 */
  int32_t a_shape[XL_MAX_RANK];
  int32_t b_shape[XL_MAX_RANK]; /* a_shape's, or one of the two is 1 */
} xl_binary_params;

/* BIT_PLANES and FROM_PLANES: `rows` rows of `channels` floats each, which are planes * channels bits.
 * An integer q below 2^planes has one bit a plane: +1 (bit 0) where its binary digit is 1. Plane 0, the lowest, is
 * first. planes: 1 to 8.
 * dorefa: q = round(clip(x, 0, 1) * (2^planes - 1)), half to even, NaN as 0; and back x = q / (2^planes - 1).
 * heaviside: q = x > 0; and back x = q. One plane. */
enum { XL_PLANES_DOREFA = 0, XL_PLANES_HEAVISIDE = 1 };
typedef struct xl_planes_params {
  int32_t rows, channels;
  int32_t planes;
  int32_t kind;
} xl_planes_params;

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

/* MAX_POOL_3D and AVERAGE_POOL_3D. Every window holds at least one element of x; dilation is 1. */
typedef struct xl_pool3d_params {
  xl_axis axis[3]; /* depth, height, width */
  int32_t batch;
  int32_t channels;
} xl_pool3d_params;

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
  float value; /* finite; +1 or -1 for bits; a value that they have for integers */
} xl_pad_params;

/* TRANSPOSE: axis a of the output is axis permutation[a] of x. */
typedef struct xl_transpose_params {
  int32_t rank; /* 1 to 6 */
  int32_t shape[XL_MAX_RANK]; /* x's */
  int32_t permutation[XL_MAX_RANK];
} xl_transpose_params;

/* SLICE: element i of an axis of the output is element begin + i * stride of x, i < size. */
typedef struct xl_slice_params {
  int32_t rank; /* 1 to 6 */
  int32_t shape[XL_MAX_RANK]; /* x's */
  int32_t begin[XL_MAX_RANK];
  int32_t size[XL_MAX_RANK];
  int32_t stride[XL_MAX_RANK];
} xl_slice_params;

/* TILE: x is repeated multiples[a] times along axis a. */
typedef struct xl_tile_params {
  int32_t rank; /* 1 to 6 */
  int32_t shape[XL_MAX_RANK]; /* x's */
  int32_t multiples[XL_MAX_RANK];
} xl_tile_params;

/* REDUCE over the axes whose `reduced` is 1; it is 0 for the others, whose elements the output has in order. */
enum { XL_REDUCE_SUM = 0, XL_REDUCE_MEAN = 1, XL_REDUCE_MAX = 2, XL_REDUCE_MIN = 3, XL_REDUCE_PROD = 4 };
typedef struct xl_reduce_params {
  int32_t kind;
  int32_t rank; /* 1 to 6 */
  int32_t shape[XL_MAX_RANK]; /* x's */
  int32_t reduced[XL_MAX_RANK];
} xl_reduce_params;

/* RESIZE_BILINEAR_2D. Extents of the image: up to 65536. */
typedef struct xl_resize_params {
  int32_t batch;
  int32_t in_h, in_w;
  int32_t out_h, out_w;
  int32_t channels;
} xl_resize_params;

/* EMBEDDING: `count` indices into a table of `rows` rows of `columns` floats. */
typedef struct xl_embedding_params {
  int32_t count;
  int32_t rows, columns;
} xl_embedding_params;

/* ---- Convolutions, dense ---------------------------------------------------------------------------------- */

/* dot = the sum of x * w over the window; elements outside the image are pad_value. With bit planes, it is the sum
 * over planes p of 2^p * the dot product of plane p, whose channels are p * in_c / planes and on.
 *   _b_b_b     bit 1 (-1) where dot < threshold[channel]: threshold INT32_MIN never, INT32_MAX always
 *   _b_b_i32   dot
 *   _b_b_f32   activation(float(dot) * scale + bias); without scale no product, without bias no sum
 *   _f32_b_f32 the same of a float dot; the filter holds +1 and -1
 *   _f32_f32_f32  activation(dot * scale + bias)
 *
 * Filters: convolution O, KH, KW, I or O, KD, KH, KW, I, where bits pack one filter's whole window as one row;
 * depthwise KH, KW, C * M, where bits pack the last axis and output channel c * M + m sees input channel c;
 * locally connected OH, OW, O, KH, KW, I, where bits pack one filter's window of one output pixel;
 * dense O, I. Filters of group g see the input channels g * I to (g + 1) * I - 1 (of every plane).
 * A mask of bits has the layout of its filter of bits: where its bit is 1 the weight is 0.
 *
 * The _workspace functions give bytes; 0 where the kernel needs none. */
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
XL_API uint64_t xl_dense_b_b_workspace(const xl_dense_params *p);
XL_API void xl_dense_f32_b_f32(const xl_op *op);
XL_API void xl_dense_f32_f32_f32(const xl_op *op);

XL_API void xl_conv3d_b_b_b(const xl_op *op);
XL_API void xl_conv3d_b_b_i32(const xl_op *op);
XL_API void xl_conv3d_b_b_f32(const xl_op *op);
XL_API uint64_t xl_conv3d_b_b_workspace(const xl_conv3d_params *p);
XL_API void xl_conv3d_f32_b_f32(const xl_op *op);
XL_API void xl_conv3d_f32_f32_f32(const xl_op *op);
XL_API uint64_t xl_conv3d_f32_workspace(const xl_conv3d_params *p);

XL_API void xl_conv3d_transpose_b_b_b(const xl_op *op);
XL_API void xl_conv3d_transpose_b_b_i32(const xl_op *op);
XL_API void xl_conv3d_transpose_b_b_f32(const xl_op *op);
XL_API uint64_t xl_conv3d_transpose_b_b_workspace(const xl_conv3d_params *p);
XL_API void xl_conv3d_transpose_f32_b_f32(const xl_op *op);
XL_API void xl_conv3d_transpose_f32_f32_f32(const xl_op *op);
XL_API uint64_t xl_conv3d_transpose_f32_workspace(const xl_conv3d_params *p);

XL_API void xl_locally_connected2d_b_b_b(const xl_op *op);
XL_API void xl_locally_connected2d_b_b_i32(const xl_op *op);
XL_API void xl_locally_connected2d_b_b_f32(const xl_op *op);
XL_API uint64_t xl_locally_connected2d_b_b_workspace(const xl_conv2d_params *p);
XL_API void xl_locally_connected2d_f32_b_f32(const xl_op *op);
XL_API void xl_locally_connected2d_f32_f32_f32(const xl_op *op);
XL_API uint64_t xl_locally_connected2d_f32_workspace(const xl_conv2d_params *p);

/* Of integers: dot is an exact int32 of input_multiplier * x - input_zero_point (u8, i8) or of +1 and -1 (b), with a
 * filter of int8 or bits; the sum of the magnitudes of all products is below 2^31. What is stored is as above.
 *   _u8_i8_*, _u8_b_*, _i8_i8_*, _i8_b_*, _b_i8_*   to b, i32 and f32
 *   _f32_i8_f32   activation(dot * scale + bias), of floats and an int8 filter
 * Filters of int8 have the layout of those of floats. */
XL_API void xl_conv2d_u8_i8_b(const xl_op *op);
XL_API void xl_conv2d_u8_i8_i32(const xl_op *op);
XL_API void xl_conv2d_u8_i8_f32(const xl_op *op);
XL_API void xl_conv2d_u8_b_b(const xl_op *op);
XL_API void xl_conv2d_u8_b_i32(const xl_op *op);
XL_API void xl_conv2d_u8_b_f32(const xl_op *op);
XL_API void xl_conv2d_i8_i8_b(const xl_op *op);
XL_API void xl_conv2d_i8_i8_i32(const xl_op *op);
XL_API void xl_conv2d_i8_i8_f32(const xl_op *op);
XL_API void xl_conv2d_i8_b_b(const xl_op *op);
XL_API void xl_conv2d_i8_b_i32(const xl_op *op);
XL_API void xl_conv2d_i8_b_f32(const xl_op *op);
XL_API void xl_conv2d_b_i8_b(const xl_op *op);
XL_API void xl_conv2d_b_i8_i32(const xl_op *op);
XL_API void xl_conv2d_b_i8_f32(const xl_op *op);
XL_API void xl_conv2d_f32_i8_f32(const xl_op *op);
XL_API uint64_t xl_conv2d_integer_workspace(const xl_conv2d_params *p); /* all but the last */
XL_API uint64_t xl_conv2d_f32_i8_workspace(const xl_conv2d_params *p);

XL_API void xl_depthwise_conv2d_u8_i8_b(const xl_op *op);
XL_API void xl_depthwise_conv2d_u8_i8_i32(const xl_op *op);
XL_API void xl_depthwise_conv2d_u8_i8_f32(const xl_op *op);
XL_API void xl_depthwise_conv2d_u8_b_b(const xl_op *op);
XL_API void xl_depthwise_conv2d_u8_b_i32(const xl_op *op);
XL_API void xl_depthwise_conv2d_u8_b_f32(const xl_op *op);
XL_API void xl_depthwise_conv2d_i8_i8_b(const xl_op *op);
XL_API void xl_depthwise_conv2d_i8_i8_i32(const xl_op *op);
XL_API void xl_depthwise_conv2d_i8_i8_f32(const xl_op *op);
XL_API void xl_depthwise_conv2d_i8_b_b(const xl_op *op);
XL_API void xl_depthwise_conv2d_i8_b_i32(const xl_op *op);
XL_API void xl_depthwise_conv2d_i8_b_f32(const xl_op *op);
XL_API void xl_depthwise_conv2d_b_i8_b(const xl_op *op);
XL_API void xl_depthwise_conv2d_b_i8_i32(const xl_op *op);
XL_API void xl_depthwise_conv2d_b_i8_f32(const xl_op *op);
XL_API void xl_depthwise_conv2d_f32_i8_f32(const xl_op *op);

XL_API void xl_dense_u8_i8_b(const xl_op *op);
XL_API void xl_dense_u8_i8_i32(const xl_op *op);
XL_API void xl_dense_u8_i8_f32(const xl_op *op);
XL_API void xl_dense_u8_b_b(const xl_op *op);
XL_API void xl_dense_u8_b_i32(const xl_op *op);
XL_API void xl_dense_u8_b_f32(const xl_op *op);
XL_API void xl_dense_i8_i8_b(const xl_op *op);
XL_API void xl_dense_i8_i8_i32(const xl_op *op);
XL_API void xl_dense_i8_i8_f32(const xl_op *op);
XL_API void xl_dense_i8_b_b(const xl_op *op);
XL_API void xl_dense_i8_b_i32(const xl_op *op);
XL_API void xl_dense_i8_b_f32(const xl_op *op);
XL_API void xl_dense_b_i8_b(const xl_op *op);
XL_API void xl_dense_b_i8_i32(const xl_op *op);
XL_API void xl_dense_b_i8_f32(const xl_op *op);
XL_API void xl_dense_f32_i8_f32(const xl_op *op);
XL_API uint64_t xl_dense_f32_i8_workspace(const xl_dense_params *p);

/* ---- Binary convolution by look-up ------------------------------------------------------------------------- */

/* CONV_2D with bit filters for machines without a popcount instruction: tables of small pieces of the filters are made
 * on the fly, and used by all pixels. The results are those of xl_conv2d_b_b_*. takes: whether these parameters can be
 * computed so: one plane, no mask, whole words of channels a group, windows of up to 65534 elements. pays: whether
 * that is faster than xl_conv2d_b_b_* in this library, on this machine; it takes them then. */
XL_API void xl_lookup_conv2d_b_b_b(const xl_op *op);
XL_API void xl_lookup_conv2d_b_b_i32(const xl_op *op);
XL_API void xl_lookup_conv2d_b_b_f32(const xl_op *op);
XL_API uint64_t xl_lookup_conv2d_b_b_workspace(const xl_conv2d_params *p);
XL_API int32_t xl_lookup_conv2d_b_b_takes(const xl_conv2d_params *p);
XL_API int32_t xl_lookup_conv2d_b_b_pays(const xl_conv2d_params *p);

/* What the kernels above, and those of integers, take on 32-bit Arm from ARMv6 with VFPv2 on, and whether look-ups pay
 * there: of any shared library, whatever it was compiled for. */
XL_API uint64_t xl_armv6_lookup_conv2d_b_b_workspace(const xl_conv2d_params *p);
XL_API int32_t xl_armv6_lookup_conv2d_b_b_pays(const xl_conv2d_params *p);
XL_API uint64_t xl_armv6_conv2d_integer_workspace(const xl_conv2d_params *p);

/* ---- Convolution in register tiles of one instruction set -------------------------------------------------- */

/* What the library holds for an instruction set; constant. There are none where only the portable kernels are
 * compiled. */
typedef struct xl_isa xl_isa;

/* CONV_2D with filters that were packed for isa when the network was loaded; a DENSE op is one whose image has its
 * rows as pixels. Of bits with bit filters: at most 32767 for window_h * window_w * in_c / planes / groups times the number of
 * copies (2 where masked, else 1), times 2^planes - 1.
 * filters, folds: of the functions below; floats need no folds. threads: how many may run it; the workspace is for as
 * many. */
typedef struct xl_tiled_conv2d_params {
  xl_conv2d_params conv;
  const xl_isa *isa;
  const uint8_t *filters;
  const int16_t *folds;
  int32_t threads;
} xl_tiled_conv2d_params;

XL_API void xl_tiled_conv2d_b_b_b(const xl_op *op);
XL_API void xl_tiled_conv2d_b_b_i32(const xl_op *op);
XL_API void xl_tiled_conv2d_b_b_f32(const xl_op *op);
XL_API uint64_t xl_tiled_conv2d_b_b_workspace(const xl_tiled_conv2d_params *p);

/* Only where xl_isa_has_f32. Dot products may be of fused products and sums. */
XL_API void xl_tiled_conv2d_f32_f32_f32(const xl_op *op);
XL_API void xl_tiled_conv2d_f32_b_f32(const xl_op *op);
XL_API uint64_t xl_tiled_conv2d_f32_f32_workspace(const xl_tiled_conv2d_params *p);
XL_API uint64_t xl_tiled_conv2d_f32_b_workspace(const xl_tiled_conv2d_params *p);

/* The filters in the order in which tiles read them. filter, mask: the op's in[1] and in[5]. out: aligned to 64
 * bytes, as many as the first function says. */
XL_API uint64_t xl_tile_filters_bytes(const xl_isa *isa, const xl_conv2d_params *conv);
XL_API void xl_tile_filters(const xl_isa *isa, const xl_conv2d_params *conv, const uint32_t *filter,
                            const uint32_t *mask, uint8_t *out);

/* What turns counts into outputs, for pixels that see different parts of the padding: from which count on a bit is
 * 1, where threshold is not NULL, else the dot product of a count of 0. Aligned as the filters. */
XL_API uint64_t xl_tile_folds_bytes(const xl_conv2d_params *conv);
XL_API void xl_tile_folds(const xl_conv2d_params *conv, const uint32_t *filter, const uint32_t *mask,
                          const int32_t *threshold, int16_t *out);

/* The filters of float convolutions: floats (bits = 0) or bits (bits = 1). Aligned as the others. */
XL_API uint64_t xl_tile_filters_f32_bytes(const xl_isa *isa, const xl_conv2d_params *conv, int32_t bits);
XL_API void xl_tile_filters_f32(const xl_isa *isa, const xl_conv2d_params *conv, const float *filter, float *out);
XL_API void xl_tile_filters_f32_b(const xl_isa *isa, const xl_conv2d_params *conv, const uint32_t *filter,
                                  const uint32_t *mask, uint32_t *out);

/* ---- Element-wise ----------------------------------------------------------------------------------------- */

XL_API void xl_batch_norm_f32(const xl_op *op); /* xl_rows_params; in: x, scale, offset; in place */
XL_API void xl_sign_f32_b(const xl_op *op);     /* xl_rows_params; bit 1 where x < 0, so +1 for NaN, +0 and -0 */
XL_API void xl_unpack_b_f32(const xl_op *op);   /* xl_rows_params; +1 and -1 */
XL_API void xl_activation_f32(const xl_op *op); /* xl_activation_params; in place */
XL_API void xl_prelu_f32(const xl_op *op);      /* xl_prelu_params; in: x, slope; slope * x below 0; in place */
XL_API void xl_softmax_f32(const xl_op *op);    /* xl_rows_params; in place */

/* xl_binary_params; in: a, b; in place in an input of the output's shape. */
XL_API void xl_add_f32(const xl_op *op);
XL_API void xl_subtract_f32(const xl_op *op);
XL_API void xl_multiply_f32(const xl_op *op);
XL_API void xl_divide_f32(const xl_op *op);
XL_API void xl_maximum_f32(const xl_op *op); /* NaN where either is */
XL_API void xl_minimum_f32(const xl_op *op); /* NaN where either is */

XL_API void xl_bit_planes_f32_b(const xl_op *op);  /* xl_planes_params */
XL_API void xl_from_planes_b_f32(const xl_op *op); /* xl_planes_params */

/* xl_quantize_params. q = x / scale rounded, half to even, + zero_point, clamped; NaN counts as 0. And back
 * x = float(q - zero_point) * scale. */
XL_API void xl_quantize_f32_i8(const xl_op *op);
XL_API void xl_quantize_f32_u8(const xl_op *op);
XL_API void xl_dequantize_i8_f32(const xl_op *op);
XL_API void xl_dequantize_u8_f32(const xl_op *op);
XL_API void xl_dequantize_i32_f32(const xl_op *op);

/* ---- Pooling ---------------------------------------------------------------------------------------------- */

XL_API void xl_max_pool2d_f32(const xl_op *op); /* xl_pool2d_params; NaN where the window holds one */

/* xl_pool2d_params; in: x, flip (may be NULL: none). The largest sign under the window; in channels whose bit of
 * flip is 1, the smallest. */
XL_API void xl_max_pool2d_b(const xl_op *op);

XL_API void xl_max_pool2d_i8(const xl_op *op); /* xl_pool2d_params */
XL_API void xl_max_pool2d_u8(const xl_op *op); /* xl_pool2d_params */

XL_API void xl_average_pool2d_f32(const xl_op *op); /* xl_pool2d_params; elements outside the image do not count */

XL_API void xl_max_pool3d_f32(const xl_op *op);     /* xl_pool3d_params; NaN where the window holds one */
XL_API void xl_average_pool3d_f32(const xl_op *op); /* xl_pool3d_params; elements outside the volume do not count */

/* xl_reduce_params; in float; MAX and MIN are NaN where an element is. */
XL_API void xl_reduce_f32(const xl_op *op);

/* ---- Shape ------------------------------------------------------------------------------------------------ */

XL_API void xl_concatenate_f32(const xl_op *op); /* xl_concatenate_params */
XL_API void xl_concatenate_b(const xl_op *op);   /* xl_concatenate_params */
XL_API void xl_concatenate_8(const xl_op *op);   /* xl_concatenate_params */
XL_API void xl_reshape_copy(const xl_op *op);    /* xl_bytes_params; in place */
XL_API void xl_reshape_b(const xl_op *op);       /* xl_reshape_params */
XL_API void xl_pad_f32(const xl_op *op);         /* xl_pad_params */
XL_API void xl_pad_b(const xl_op *op);           /* xl_pad_params */
XL_API void xl_pad_8(const xl_op *op);           /* xl_pad_params */
XL_API void xl_transpose_f32(const xl_op *op);   /* xl_transpose_params */
XL_API void xl_transpose_b(const xl_op *op);     /* xl_transpose_params */
XL_API void xl_transpose_8(const xl_op *op);     /* xl_transpose_params */
XL_API void xl_slice_f32(const xl_op *op);       /* xl_slice_params */
XL_API void xl_slice_b(const xl_op *op);         /* xl_slice_params */
XL_API void xl_slice_8(const xl_op *op);         /* xl_slice_params */
XL_API void xl_tile_f32(const xl_op *op);        /* xl_tile_params */
XL_API void xl_tile_b(const xl_op *op);          /* xl_tile_params */
XL_API void xl_tile_8(const xl_op *op);          /* xl_tile_params */

/* xl_resize_params; pixel centres lie at one half, as in tf.image.resize; no smoothing where it gets smaller. */
XL_API void xl_resize_bilinear2d_f32(const xl_op *op);

/* xl_embedding_params; in: indices, table. Indices are cut to integers and clamped to the table; NaN is 0. */
XL_API void xl_embedding_f32_f32_f32(const xl_op *op);
XL_API void xl_embedding_i32_f32_f32(const xl_op *op);

/* ---- Models: .xlite files run in place (runtime/) ----------------------------------------------------------- */

/* A .xlite file is read where it lies, in flash for example: it is verified completely before anything runs, and its
 * weights are used in place. Of the caller's memory it takes an xl_model and an arena; nothing is allocated.
 *
 *   XLITE_REGISTER(ops, xl_op_conv2d_f32_b_f32, xl_op_conv2d_b_b_b, xl_op_dense_b_b_f32);   or xl_all_ops
 *   static uint8_t arena[5200] XL_ALIGNED;
 *   xl_model model;
 *   xl_error error;
 *   if (xl_model_open(&model, file, file_bytes, ops, arena, sizeof arena, &error) != XL_RULE_NONE) ...
 *   memcpy(xl_model_input(&model, 0), pixels, xl_model_input_bytes(&model, 0));
 *   xl_model_invoke(&model);
 *   const float *scores = (const float *)xl_model_output(&model, 0);
 *
 * Any number of models may be open, each with an xl_model and an arena of its own, and different ones may run at once.
 */

/* Before or behind the declaration of memory: a file, or an arena. */
#if defined(__GNUC__)
#define XL_ALIGNED __attribute__((aligned(16)))
#else
#define XL_ALIGNED
#endif

/* Element types, numbered as in files. */
enum { XL_F32 = 0, XL_I32 = 1, XL_I8 = 2, XL_U8 = 3, XL_B = 4, XL_ANY_TYPE = 255 };

/* Every rule that a file can break, and what a model needs of the program. */
#define XL_RULES(RULE)                                                                                             \
  RULE(NONE, "no rule is broken")                                                                                  \
  /* of the program */                                                                                             \
  RULE(DATA_ALIGNMENT, "the file must lie at an address that is a multiple of 16")                                 \
  RULE(ARENA_ALIGNMENT, "the arena must lie at an address that is a multiple of 16")                               \
  RULE(ARENA_BYTES, "the arena is too small; 'at' says how many bytes are needed")                                 \
  RULE(NO_ENTRY, "the table of ops has nothing that computes it")                                                  \
  RULE(NO_PLAN, "the file has no plan of the arena; convert the model again")                                      \
  RULE(TOO_LARGE, "it needs more memory than this machine can address")                                            \
  /* of the bytes; 'at' is the byte */                                                                             \
  RULE(NOT_XLITE, "this is no .xlite file")                                                                        \
  RULE(VERSION, "the file is of another major version of the format")                                              \
  RULE(OFFSET, "an offset is null, not aligned or points outside the file")                                        \
  RULE(TABLE, "a table or its vtable is damaged or outside the file")                                              \
  RULE(SCALAR_ALIGNMENT, "a value is not aligned to its size")                                                     \
  RULE(VECTOR, "a vector is too long, not aligned or runs past the end of the file")                               \
  RULE(STRING, "a string runs past the end of the file, has no zero byte at its end or is not UTF-8")              \
  RULE(UNION, "options have a type without a value, or a value without a type")                                    \
  RULE(BUDGET, "offsets reach more than twice the file's size, its bytes over and over")                           \
  RULE(UNKNOWN, "a number is not known to this reader; the file is of a newer version or damaged")                 \
  /* of tensors */                                                                                                 \
  RULE(RANK, "a tensor needs 1 to 6 axes")                                                                         \
  RULE(EXTENT, "an axis is out of range, or a tensor has more than 2^31 - 1 elements or bytes")                    \
  RULE(PACKED_AXES, "packed_axes is out of range, or not 1 where only the last axis is packed")                    \
  RULE(BUFFER, "there is no such buffer")                                                                          \
  RULE(CONSTANT_BYTES, "a constant's data has another number of bytes than its type needs")                        \
  RULE(UNUSED_BITS, "the unused bits of a row's last word are not all zero")                                       \
  RULE(BATCH, "an activation needs a batch axis of 1 and at least one more axis")                                  \
  RULE(QUANTIZATION, "a scale and zero point are for integers: above 0, and within their range")                   \
  RULE(TOTAL_BYTES, "the activations take more than 2^40 bytes")                                                   \
  /* of the graph */                                                                                               \
  RULE(NO_ENDS, "the model has no inputs or no outputs")                                                           \
  RULE(INDEX, "there is no such tensor")                                                                           \
  RULE(CONSTANT_END, "a constant cannot be an input or output of the graph")                                       \
  RULE(END_TWICE, "a tensor is an input or output of the graph twice")                                             \
  RULE(READ_BEFORE_WRITTEN, "it reads a tensor before it is written")                                              \
  RULE(NO_OUTPUTS, "an op has no outputs")                                                                         \
  RULE(WRITTEN_TWICE, "it writes a constant, a graph input or a tensor that is written already")                   \
  RULE(NEVER_WRITTEN, "no op writes this tensor and it is no graph input")                                         \
  /* of ops: inputs and options */                                                                                 \
  RULE(OPTIONS, "it needs another options table, or none")                                                         \
  RULE(INPUT_COUNT, "it has too few or too many inputs")                                                           \
  RULE(INPUT_ABSENT, "an input that it needs is absent")                                                           \
  RULE(INPUT_CONSTANT, "this input must be a constant")                                                            \
  RULE(INPUT_ACTIVATION, "this input, or at least one of its inputs, must be an activation")                       \
  RULE(INPUT_DTYPE, "an input has a type of elements that it does not take")                                       \
  RULE(INPUT_RANK, "an input has another number of axes than it needs")                                            \
  RULE(INPUT_SHAPE, "the shapes of its inputs do not fit each other")                                              \
  RULE(OUTPUT_COUNT, "it needs exactly one output")                                                                \
  RULE(OUTPUT_TYPE, "its output has another type than follows from its inputs and options")                        \
  RULE(OUTPUT_DTYPE, "it cannot give elements of output_dtype")                                                    \
  RULE(ACTIVATION, "an activation has parameters that it does not take, or takes but not these")                   \
  RULE(CHANNELS, "channels, filters and groups do not fit each other")                                             \
  RULE(PLANES, "planes are out of range or do not divide the channels")                                            \
  RULE(ACCUMULATOR, "the sums of its bit planes do not fit an int32")                                              \
  RULE(MASK, "a mask is for bit filters only and has the filter's type")                                           \
  RULE(THRESHOLD, "a threshold is needed for bit outputs and for these only")                                      \
  RULE(SCALE_BIAS, "scale, bias and activation are for float outputs only")                                        \
  RULE(CHANNEL_VECTOR, "scale, bias, threshold, offset or flip needs one element a channel")                       \
  RULE(PAD_VALUE, "the value that is padded is out of range")                                                      \
  RULE(WINDOW, "a window, stride, dilation or padding is out of range or does not fit the input")                  \
  RULE(PARAMETER, "an option is out of range")                                                                     \
  RULE(CUSTOM_NAME, "a custom op needs a name")                                                                    \
  /* of the plan and metadata */                                                                                   \
  RULE(PLAN_LENGTH, "the plan needs one offset a tensor")                                                          \
  RULE(PLAN_BYTES, "the plan's arena or lower bound is out of range")                                              \
  RULE(PLAN_OFFSET, "the plan's offset is not a multiple of 16, outside the arena or of a constant")               \
  RULE(PLAN_OVERLAP, "two tensors overlap in the arena while both are alive")                                      \
  RULE(METADATA, "a key of the metadata is there twice, or its preprocessing is not finite")

#define XL_RULE_NAME(name, text) XL_RULE_##name,
typedef enum xl_rule { XL_RULES(XL_RULE_NAME) XL_RULE_COUNT } xl_rule;
#undef XL_RULE_NAME

/* What was wrong first. op, tensor: their indices in the file; -1 where it is none's. kind: the op's number in
 * docs/format.md, 256 and more for activations; where rule is NO_ENTRY, what is missing: that kind, of these element
 * types (XL_ANY_TYPE: does not matter), or the custom op of this name, a string within the file. */
typedef struct xl_error {
  xl_rule rule;
  int32_t op, tensor;
  uint32_t at;
  const char *name;
  uint16_t kind;
  uint8_t x, weights, out;
} xl_error;

/* One short sentence; empty where the library is compiled with -DXL_NO_STRINGS. */
XL_API const char *xl_rule_text(xl_rule rule);

/* The whole message, for example "op 3 (CONV_2D), tensor 5: ...", cut to `bytes` with its zero byte. Returns `text`. */
XL_API const char *xl_error_text(const xl_error *error, char *text, size_t bytes);

/* An op that a model may use: one kernel, for one op and the types of its elements, or one function for `activation`
 * fields. An array of one, so that its name is a pointer to it. A program holds the kernels of those that it names,
 * and no others, if it is compiled with -ffunction-sections -fdata-sections and linked with --gc-sections. Of several
 * that fit, the first in the table runs whose workspace there is room for. */
typedef struct xl_kind xl_kind; /* the rules of an op, and how its parameters are read; internal */
typedef struct xl_entry {
  uint16_t number;               /* of the op, 0 for a custom one; 256 + n for activation n */
  uint8_t x, weights, out;       /* element types; of in[0], in[1] and the output */
  const xl_kind *kind;           /* NULL for functions */
  const char *name;              /* of a custom op */
  xl_kernel run;                 /* NULL for functions */
  xl_activation_fn function;     /* NULL for ops */
  int (*fits)(const void *params); /* 0 where the kernel does not take an op of these types; NULL: it takes every one */
  uint64_t (*workspace)(const void *params); /* bytes; NULL: none */
} xl_entry;

/* static const table of entries, ended by NULL. */
#define XLITE_REGISTER(table, ...) static const xl_entry *const table[] = {__VA_ARGS__, NULL}

/* Everything, for programs that do not know their model. */
XL_API extern const xl_entry *const xl_all_ops[];

/* xl_op_<kernel> for the kernels below, xl_op_<function> for the activations above. */
#define XL_OP(name) XL_API extern const xl_entry xl_op_##name[1]
#define XL_OP_FILTERED(name) \
  XL_OP(name##_b_b_b);       \
  XL_OP(name##_b_b_i32);     \
  XL_OP(name##_b_b_f32);     \
  XL_OP(name##_f32_b_f32);   \
  XL_OP(name##_f32_f32_f32)
#define XL_OP_OUTPUTS(name) \
  XL_OP(name##_b);          \
  XL_OP(name##_i32);        \
  XL_OP(name##_f32)
#define XL_OP_INTEGER(name)    \
  XL_OP_OUTPUTS(name##_u8_i8); \
  XL_OP_OUTPUTS(name##_u8_b);  \
  XL_OP_OUTPUTS(name##_i8_i8); \
  XL_OP_OUTPUTS(name##_i8_b);  \
  XL_OP_OUTPUTS(name##_b_i8);  \
  XL_OP(name##_f32_i8_f32)
XL_OP_OUTPUTS(lookup_conv2d_b_b); /* in a table they come before those of conv2d: the first that fits runs */
XL_OP_FILTERED(conv2d);
XL_OP_INTEGER(conv2d);
XL_OP_FILTERED(depthwise_conv2d);
XL_OP_INTEGER(depthwise_conv2d);
XL_OP_FILTERED(dense);
XL_OP_INTEGER(dense);
XL_OP_FILTERED(conv3d);
XL_OP_FILTERED(conv3d_transpose);
XL_OP_FILTERED(locally_connected2d);
XL_OP(batch_norm_f32);
XL_OP(sign_f32_b);
XL_OP(unpack_b_f32);
XL_OP(activation_f32);
XL_OP(prelu_f32);
XL_OP(softmax_f32);
XL_OP(add_f32);
XL_OP(subtract_f32);
XL_OP(multiply_f32);
XL_OP(divide_f32);
XL_OP(maximum_f32);
XL_OP(minimum_f32);
XL_OP(bit_planes_f32_b);
XL_OP(from_planes_b_f32);
XL_OP(quantize_f32_i8);
XL_OP(quantize_f32_u8);
XL_OP(dequantize_i8_f32);
XL_OP(dequantize_u8_f32);
XL_OP(dequantize_i32_f32);
XL_OP(max_pool2d_f32);
XL_OP(max_pool2d_b);
XL_OP(max_pool2d_i8);
XL_OP(max_pool2d_u8);
XL_OP(average_pool2d_f32);
XL_OP(max_pool3d_f32);
XL_OP(average_pool3d_f32);
XL_OP(reduce_f32);
XL_OP(concatenate_f32);
XL_OP(concatenate_b);
XL_OP(concatenate_8);
XL_OP(reshape_copy); /* of any type, where the bytes stay as they are */
XL_OP(reshape_b);    /* of bits, where rows are packed anew */
XL_OP(pad_f32);
XL_OP(pad_b);
XL_OP(pad_8);
XL_OP(transpose_f32);
XL_OP(transpose_b);
XL_OP(transpose_8);
XL_OP(slice_f32);
XL_OP(slice_b);
XL_OP(slice_8);
XL_OP(tile_f32);
XL_OP(tile_b);
XL_OP(tile_8);
XL_OP(resize_bilinear2d_f32);
XL_OP(embedding_f32_f32_f32);
XL_OP(embedding_i32_f32_f32);

XL_OP(relu);
XL_OP(clip);
XL_OP(hard_tanh);
XL_OP(hard_sigmoid);
XL_OP(hard_silu);
XL_OP(threshold);
XL_OP(soft_shrink);
XL_OP(hard_shrink);
XL_OP(softsign);
XL_OP(sparse_plus);
XL_OP(sparse_sigmoid);
XL_OP(abs);
XL_OP(negate);
XL_OP(square);
XL_OP(round);
XL_OP(floor);
XL_OP(sign);
XL_OP(sigmoid);
XL_OP(log_sigmoid);
XL_OP(silu);
XL_OP(tanh);
XL_OP(tanh_shrink);
XL_OP(elu);
XL_OP(selu);
XL_OP(celu);
XL_OP(softplus);
XL_OP(mish);
XL_OP(gelu);
XL_OP(gelu_tanh);
XL_OP(squareplus);
XL_OP(sqrt);
XL_OP(rsqrt);
XL_OP(exp);
XL_OP(log);

/* A file that was verified, and the memory that it runs in. The caller's, and to be left alone: the functions below
 * say what can be known of it. There is nothing to close. */
typedef struct xl_model {
  const uint8_t *data;
  const xl_entry *const *ops;
  uint8_t *arena;
  uint32_t bytes;                                          /* of the file */
  uint32_t tensors_at, buffers_at, ops_at, inputs_at, outputs_at; /* vectors in the file: their first elements */
  uint32_t plan_at, metadata_at;                           /* tables; 0: none */
  uint32_t tensors, buffers, op_count, inputs, outputs;    /* how many */
  uint32_t arena_bytes;                                    /* of the plan, a multiple of 16 */
  uint32_t workspace_bytes;                                /* behind them */
} xl_model;

/* What a model needs of its arena: that of its plan and behind it one workspace for all ops. */
typedef struct xl_arena_need {
  size_t plan;      /* a multiple of 16 */
  size_t workspace; /* the largest of any op, of the smallest entry for it in the table */
  size_t total;     /* plan + workspace: with an arena of as many bytes a model opens */
  size_t fastest;   /* with as many, each op runs on the first entry for it in the table */
} xl_arena_need;

/* Verifies a file and says what it needs, before there is an arena. data: at a multiple of 16, up to 2^31 - 1 bytes.
 * ops: ended by NULL. error: may be NULL. */
XL_API xl_rule xl_model_arena_bytes(const void *data, size_t bytes, const xl_entry *const *ops, xl_arena_need *need,
                                    xl_error *error);

/* Verifies a file and makes it ready to run in the arena, which lies at a multiple of 16. The file, the table and the
 * arena stay where they are as long as the model is used, and the file does not change. Where it returns a rule other
 * than XL_RULE_NONE, the model must not be used. error: may be NULL. */
XL_API xl_rule xl_model_open(xl_model *model, const void *data, size_t bytes, const xl_entry *const *ops, void *arena,
                             size_t arena_bytes, xl_error *error);

/* Runs all ops. Inputs keep their values: nothing is written over them. */
XL_API void xl_model_invoke(const xl_model *model);

/* The same, with a call of hook before (done = 0) and after (done = 1) each op; op->tag is its index. */
XL_API void xl_model_invoke_profiled(const xl_model *model, xl_profile hook, void *user);

/* Inputs and outputs of the graph, by their order in the file; index is below xl_model_inputs or _outputs. Their memory
 * lies in the arena, with elements as kernels take them; outputs are valid until the next run. */
XL_API uint32_t xl_model_inputs(const xl_model *model);
XL_API uint32_t xl_model_outputs(const xl_model *model);
XL_API void *xl_model_input(const xl_model *model, uint32_t index);
XL_API const void *xl_model_output(const xl_model *model, uint32_t index);
XL_API uint32_t xl_model_input_bytes(const xl_model *model, uint32_t index);
XL_API uint32_t xl_model_output_bytes(const xl_model *model, uint32_t index);

/* A tensor: where its elements are and what they are. shape counts elements; dtype is XL_F32 and the like. Constants
 * are not to be written. name: a string within the file, which may be empty. */
typedef struct xl_tensor {
  void *data;
  const char *name;
  uint32_t bytes;
  uint8_t dtype, rank;
  int32_t shape[XL_MAX_RANK];
} xl_tensor;
XL_API xl_tensor xl_model_input_tensor(const xl_model *model, uint32_t index);
XL_API xl_tensor xl_model_output_tensor(const xl_model *model, uint32_t index);

/* How many labels the metadata has, and one of them; and the preprocessing of raw input, raw * scale + offset. */
XL_API uint32_t xl_model_labels(const xl_model *model);
XL_API const char *xl_model_label(const xl_model *model, uint32_t index);
XL_API void xl_model_preprocessing(const xl_model *model, float *scale, float *offset);

/* Kind, name and element types of op `index`, in the fields of an error without a rule: what xl_error_text prints and
 * profilers group by. */
XL_API uint32_t xl_model_ops(const xl_model *model);
XL_API xl_error xl_model_op(const xl_model *model, uint32_t index);
XL_API const char *xl_kind_name(uint16_t kind); /* as docs/format.md has it; "" with -DXL_NO_STRINGS */

/* Custom ops: run gets an xl_op whose params is an xl_custom, and whose in and out are NULL where it has more than
 * XL_MAX_INPUTS inputs, or more than one output.
 *
 *   static const xl_entry my_op[1] = {XL_CUSTOM_OP("my_op", my_op_run, NULL)};
 *   XLITE_REGISTER(ops, xl_op_dense_b_b_f32, my_op);
 *
 * data: the op's own bytes of the file. */
typedef struct xl_custom {
  const xl_model *model;
  uint32_t op;
  uint32_t inputs, outputs;
  const uint8_t *data;
  uint32_t data_bytes;
} xl_custom;
XL_API xl_tensor xl_custom_input(const xl_custom *custom, uint32_t index);
XL_API xl_tensor xl_custom_output(const xl_custom *custom, uint32_t index);
XL_API extern const xl_kind xl_custom_kind;
#define XL_CUSTOM_OP(name, run, workspace) \
  {0, XL_ANY_TYPE, XL_ANY_TYPE, XL_ANY_TYPE, &xl_custom_kind, name, run, NULL, NULL, workspace}

/* ---- Shared library only (host/) -------------------------------------------------------------------------- */

/* XL_ABI_VERSION as compiled, and the size of every struct above, ended by a NULL name: a loader compares them
 * with what it was written for. */
typedef struct xl_struct_size {
  const char *name;
  uint32_t bytes;
} xl_struct_size;
XL_API uint32_t xl_abi_version(void);
XL_API const xl_struct_size *xl_struct_sizes(void);

/* The instruction sets with register tiles that this machine has, the fastest first, ended by NULL. */
XL_API const xl_isa *const *xl_isas(void);
XL_API const char *xl_isa_name(const xl_isa *isa);
XL_API int32_t xl_isa_has_f32(const xl_isa *isa); /* whether there are tiles of floats */

/* A kernel as it is compiled for an instruction set; itself where it is not. The results are the same. */
XL_API xl_kernel xl_isa_kernel(const xl_isa *isa, xl_kernel portable);

/* `count` threads, the caller's among them; NULL where there are none to be had. One call runs on them at a time.
 * Free them once no op uses them, in the process that made them. */
XL_API xl_threads *xl_threads_new(int32_t count);
XL_API void xl_threads_free(xl_threads *threads);

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
