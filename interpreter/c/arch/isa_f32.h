/* What register tiles of floats need of an instruction set. Internal.
 *
 * Output channels come in blocks of `channels`. A tile is up to `pixels` output pixels by one block, whose sums stay
 * in registers while the K elements of a filter go by. Where vectors are long there is a second kind of tile, of one
 * vector of channels and more pixels, for groups with few of them. */
#ifndef XL_ISA_F32_H
#define XL_ISA_F32_H

#include "isa.h"

#define XL_F32_MAX_PIXELS 12
#define XL_F32_MAX_CHANNELS 32

/* Where one product reads: lines of `runs` runs of n floats. rows[m]: the beginning of output pixel m's window; a run
 * is run_step floats behind the one before, a line line_step. */
typedef struct xl_rows_f32 {
  const float *rows[XL_F32_MAX_PIXELS];
  ptrdiff_t line_step, run_step;
  int32_t runs;
} xl_rows_f32;

struct xl_isa_f32 {
  int32_t pixels, channels;
  /* sums[m * channels + c] = the dot product of `lines` lines of runs of n floats of pixel m, from rows[m] + at on, and of
   * filters[k * channels + c]; added to what is there where add is not 0. It is summed in the order of k. */
  void (*dot)(const xl_rows_f32 *rows, ptrdiff_t at, int32_t lines, int32_t n, int32_t pixels, const float *filters,
              int32_t add, float *sums);
  /* out[m * step + c] = activation(sums[m * channels + c] * scale[c] + bias[c]); without scale no product, without
   * bias no sum. */
  void (*store)(const float *sums, int32_t pixels, const float *scale, const float *bias,
                const xl_activation *activation, float *out, ptrdiff_t step);
  /* to[k * channels + c] = +1, or -1 where bit c of signs[k * stride] is 1, or 0 where that of zeros[k * stride] is;
   * zeros may be NULL. */
  void (*unpack)(const uint32_t *signs, const uint32_t *zeros, int32_t stride, int32_t n, float *to);
  const xl_isa_f32 *narrow; /* for groups of no more channels than it has; NULL where there is none */
};

extern const xl_isa_f32 xl_avx512_f32, xl_avx512_f32_narrow;
extern const xl_isa_f32 xl_avx2_f32, xl_avx2_f32_narrow;
extern const xl_isa_f32 xl_neon_f32;
extern const xl_isa_f32 xl_wasm_simd128_f32;

#endif
