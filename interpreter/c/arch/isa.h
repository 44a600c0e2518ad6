/* What register tiles need of an instruction set, and the instruction sets there are. Internal.
 *
 * Output channels come in blocks of XL_TILE_CHANNELS. A tile is up to `pixels` output pixels by up to `blocks` blocks.
 * The K elements of a filter are taken unit by unit, `unit_bits` at a time. */
#ifndef XL_ISA_H
#define XL_ISA_H

#include "xlite.h"

typedef struct xl_isa_f32 xl_isa_f32;

#define XL_TILE_CHANNELS 32
#define XL_TILE_MAX_PIXELS 8
#define XL_NATURAL_LANES \
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
#define XL_TILE_MAX_BLOCKS 2

/* Where one product reads: windows of `lines` times `runs` runs of `units` units. rows[m]: the beginning of output
 * pixel m's window; a line is line_bytes behind the one before, a run run_bytes. */
typedef struct xl_tile_rows {
  const uint8_t *rows[XL_TILE_MAX_PIXELS];
  ptrdiff_t line_bytes, run_bytes;
  int32_t lines, runs, units;
} xl_tile_rows;

/* Filters lie block by block, unit by unit, in XL_TILE_CHANNELS lanes of unit_bits bits: channel c of the block is
 * lane lanes[c]. A row of activations is unit by unit row_bytes, as `spread` makes them of bits; where spread is
 * NULL they are bits as they are. */
struct xl_isa {
  const char *name;
  int32_t unit_bits, row_bytes;
  int32_t pixels, blocks;
  const uint8_t *lanes;
  /* `units` units of a row of bits from bit `first` on, a multiple of unit_bits, to `out`. */
  void (*spread)(const uint32_t *row, int32_t first, int32_t units, uint8_t *out);
  /* counts[(m * blocks + b) * XL_TILE_CHANNELS + c] = in how many bits pixel m's window differs from channel c of
   * block b, whose filters begin at filters + b * block_bytes; added to what is there where add is not 0. counts is
   * aligned to 64 bytes. No count exceeds 32767. */
  void (*count)(const xl_tile_rows *rows, int32_t pixels, const uint8_t *filters, ptrdiff_t block_bytes,
                int32_t blocks, int32_t add, int16_t *counts);
  /* What becomes of the counts of one block of one pixel. store_b: bit c of the result is counts[c] > limits[c].
   * store_f32: the dot product is dots[c] - factor * counts[c], and out activation(dot * scale + bias); without
   * scale no product, without bias no sum. */
  uint32_t (*store_b)(const int16_t *counts, const int16_t *limits);
  void (*store_f32)(const int16_t *counts, const int16_t *dots, int32_t factor, const float *scale, const float *bias,
                    const xl_activation *activation, float *out);
  const xl_isa_f32 *f32; /* of isa_f32.h; NULL where there are no tiles of floats */
};

/* Each is defined in a file of its own, where the compiler knows it. XL_PORTABLE leaves only what every C99 compiler
 * takes. XL_ARM_NEON: the files for NEON are compiled for it, the others are not. */
#if !defined(XL_PORTABLE) && defined(__GNUC__)
#if defined(__x86_64__)
#define XL_HAS_AVX2 1
#define XL_HAS_AVX512 1
#elif defined(__aarch64__) || (defined(__arm__) && (defined(__ARM_NEON) || defined(XL_ARM_NEON)))
#define XL_HAS_NEON 1
#elif defined(__wasm_simd128__)
#define XL_HAS_WASM 1
#endif
#endif

extern const xl_isa xl_avx512; /* F, BW and VPOPCNTDQ */
extern const xl_isa xl_avx2;
extern const xl_isa xl_neon;
extern const xl_isa xl_wasm_simd128;

/* A portable kernel, and the same compiled for an instruction set. */
typedef struct xl_variant {
  xl_kernel portable, own;
} xl_variant;

extern const xl_variant xl_avx2_variants[]; /* ended by NULL */

#endif
