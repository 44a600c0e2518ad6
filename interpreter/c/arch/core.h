/* Inner loops that are written for one core without vectors and without a popcount instruction. Internal.
 *
 * Which core it is, is known when the library is compiled: such machines run one program. A core has a macro
 * XL_CORE_<NAME>, below, and a file in arch/ whose content stands between #ifdef and #endif of it. XL_CORE_COUNTS is
 * set where it defines xl_core_count_differing, which xor_popcount.c then calls in place of its own loop. XL_PORTABLE
 * leaves only what every C99 compiler takes. */
#ifndef XL_CORE_H
#define XL_CORE_H

#include <stddef.h>
#include <stdint.h>

#if !defined(XL_PORTABLE) && defined(__GNUC__)

/* 32-bit Arm instructions of ARMv6 and newer, for example the ARM1176 of a Raspberry Pi Zero. */
#if defined(__arm__) && !defined(__thumb__) && defined(__ARM_ARCH) && __ARM_ARCH >= 6 && !defined(__ARM_BIG_ENDIAN)
#define XL_CORE_ARMV6 1
#define XL_CORE_COUNTS 1
#if !defined(__ARM_NEON)
#define XL_CORE_PAIRS 1
#endif
#if defined(__ARM_FP) && (__ARM_FP & 8)
#define XL_CORE_ARMV6_VFP 1 /* with doubles */
#define XL_CORE_FLOATS 1
#endif
#endif

/* Cortex-M: vectors (M55, M85), Thumb-2 (M3, M4, M7, M33), or Thumb-1 alone (M0, M0+, M23). */
#if defined(__thumb__) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARM_BIG_ENDIAN)
#if defined(__ARM_FEATURE_MVE)
#define XL_CORE_MVE 1
#elif defined(__thumb2__)
#define XL_CORE_THUMB2 1
#define XL_CORE_MOST_WORDS 255
#else
#define XL_CORE_THUMB1 1
#define XL_CORE_MOST_WORDS 255
#endif
#define XL_CORE_COUNTS 1
#define XL_CORE_COUNTS_APART 1
#endif

/* RISC-V of 32 bits without a popcount instruction. */
#if defined(__riscv) && __riscv_xlen == 32 && !defined(__riscv_zbb)
#define XL_CORE_RV32 1
#define XL_CORE_MOST_WORDS 255
#define XL_CORE_COUNTS 1
#define XL_CORE_COUNTS_APART 1
#endif

#endif

/* counts[i] = in how many bits `row` differs from row i of `weights`, i < n; all rows have `words` words. Rows are
 * aligned to 4 bytes, no more. */
void xl_core_count_differing(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, int32_t n,
                             uint32_t *counts);

/* The same where rows of weights lie apart: each begins `stride` words behind the one before. XL_CORE_COUNTS_APART is
 * set where it is defined. */
void xl_core_count_differing_apart(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, ptrdiff_t stride,
                                   int32_t n, uint32_t *counts);

/* The same for XL_CORE_MOST_WORDS words at most and one row of weights at least; skip: bytes from the end of one to the
 * next. core_count.c makes the one above of it, where XL_CORE_MOST_WORDS is set. */
void xl_core_count_some(const uint32_t *row, const uint32_t *weights, uint32_t words, int32_t n, uint32_t *counts,
                        ptrdiff_t skip);

/* With XL_CORE_ARMV6: pixels whose counts lie in pairs, n of them a pixel and then skip_pairs bytes to the next pixel's,
 * to bits: whether both halves of a pair, with `fewer` added, are at least those of its limit. The first word has room for
 * so many pairs; of what is there `kept` is a mask. step: bytes from that word of a pixel to that of the next one. shuffle:
 * 0x0000ff00, 0x00f000f0, 0x0c0c0c0c, 0x22222222. The assembler knows the order, and changes word and pixels. */
typedef struct xl_core_signs {
  const uint32_t *pairs, *limits;
  uint32_t *word;
  int32_t pixels, n, room;
  uint32_t kept;
  ptrdiff_t skip_pairs, step;
  uint32_t fewer;
  uint32_t shuffle[4];
} xl_core_signs;
void xl_core_store_signs(xl_core_signs *p); /* fewer is 0 */
void xl_core_store_signs_of_fewer(xl_core_signs *p);

/* Where XL_CORE_ARMV6 is set: n 3x3 windows of 32 channels of bits, `step` bytes apart. constants: a filter's nine words,
 * and four of bounds as depthwise_conv2d_b.c has them. pixel: bytes from a tap to the next, and from an output word to the
 * next; line: from a line to the next. Bit i of an output: whether as many products of channel i are -1 as its bound. */
void xl_core_depthwise_signs(const uint32_t *x, const uint32_t *constants, ptrdiff_t pixel, ptrdiff_t line, ptrdiff_t step,
                             int32_t n, uint32_t *out);

/* Where XL_CORE_FLOATS is set: loops on floats, whose results are those of plain C, each product and sum rounded.
 *
 * sums[p * 2 + f] = the dot product of n elements of filter f, `step` bytes behind the first one's w, and of pixel p,
 * x[k * 8 + p]; f < 2, p < 8. And added to sums[f] that of filter f and of one pixel, x[k]; f < 4. finish: the sums of so
 * many pixels times scale plus bias, two scales and two biases in `constants`, to out, `step` bytes a pixel. */
void xl_core_dots_8x2(const float *x, const float *w, ptrdiff_t step, ptrdiff_t n, float *sums);
void xl_core_finish_8x2(const float *sums, ptrdiff_t step, const float *constants, float *out, int32_t pixels);
void xl_core_dots_1x4(const float *x, const float *w, ptrdiff_t step, ptrdiff_t n, float *sums);

/* to[i * stride] = from[i], i < n. */
void xl_core_spread_f32(const float *from, ptrdiff_t n, float *to, ptrdiff_t stride);

/* y[i] = x[i] * scale[i] + offset[i]; a[i] + b[i]; a[i] * b[i]; slope[i] * x[i] where x[i] < 0, else x[i]. i < n; y may be
 * any of the others, but for slope. */
void xl_core_scale_f32(const float *x, const float *scale, const float *offset, ptrdiff_t n, float *y);
void xl_core_add_f32(const float *a, const float *b, ptrdiff_t n, float *y);
void xl_core_multiply_f32(const float *a, const float *b, ptrdiff_t n, float *y);
void xl_core_prelu_f32(const float *x, const float *slope, ptrdiff_t n, float *y);

/* y[i] = -1 where bit i is 1, else 1; i < n, and on to the next multiple of 4. */
void xl_core_unpack_f32(const uint32_t *bits, ptrdiff_t n, float *y);

/* y[i] = x[i] where x[i] >= 0, else 0 * x[i]; i < n. y may be x. */
void xl_core_relu_f32(const float *x, ptrdiff_t n, float *y);

/* Bit i of word w: whether x[32 * w + i] < 0. At least one word. */
void xl_core_signs_f32(const float *x, ptrdiff_t words, uint32_t *out);

/* The largest of each of four channels of `lines` lines of `taps` taps, NaN where one is. step: bytes from a tap to the
 * next; skip: from behind the last one of a line, where the next would be, to the next line. */
void xl_core_max4_f32(const float *x, ptrdiff_t step, ptrdiff_t taps, ptrdiff_t lines, ptrdiff_t skip, float *out);

/* Pixels whose counts, in how many of so many bits they differ, lie in pairs, the first one's in the low half: 8 *
 * eights + 2 * twos each, then skip_pairs bytes to the next pixel's, and skip_y bytes in y. half: half of the bits, in
 * both halves; most: 2^24 + the bits, which are even. The assembler knows the order. */
typedef struct xl_core_pixels {
  const uint32_t *pairs;
  float *y;
  const float *scale, *bias;
  int32_t pixels, eights, twos;
  ptrdiff_t skip_pairs, skip_y;
  uint32_t half;
  float most;
} xl_core_pixels;

/* y = bits - 2 * count; the same, but 0 where that is below it; times scale, plus bias, or both. At least one pixel. */
void xl_core_store_dots(const xl_core_pixels *p);
void xl_core_store_relu_f32(const xl_core_pixels *p);
void xl_core_store_scaled(const xl_core_pixels *p);
void xl_core_store_biased(const xl_core_pixels *p);
void xl_core_store_finished(const xl_core_pixels *p);

/* Pairs of two pixels' counts, a word for each of 2 * twos filters, `step` bytes apart, to pairs of filters, twos > 0. */
void xl_core_turn_pairs(const uint32_t *pairs, ptrdiff_t step, int32_t twos, uint32_t *first, uint32_t *second);

/* Where XL_CORE_PAIRS is set: products of int16, two an instruction. Two neighbouring elements lie in a word.
 *
 * dots[32 * (3 * t + p) + f] = the dot product of pixel p of triple t with filter f, p < 3, f < 2, both of so many pairs:
 * pair i of the pixels is x[3 * (t * pairs + i) + p], that of the filters w[2 * i + f]. At least one pair and one
 * triple. dots is aligned to 8 bytes. */
void xl_core_dot_pairs(const uint32_t *x, const uint32_t *w, ptrdiff_t pairs, int32_t triples, int32_t *dots);

/* The same at seven points, of conv2d_toom.c, for triples of tiles of four outputs: dots[32 * (12 * t + 4 * p + k) + f] =
 * output k of tile p of triple t and filter f, a 120th of the sum of their dot products at the points 0, 1, -1, 2, -2, 3
 * and infinity times the point to the power of k. x and w have the pairs of points one after the other, in the order 0, 1,
 * -1, 2, -2, infinity, 3: `last` of them at 3, `pairs` at each other one; two at least. dots is aligned to 8 bytes. */
void xl_core_toom(const uint32_t *x, const uint32_t *w, ptrdiff_t pairs, ptrdiff_t last, int32_t triples,
                  int32_t *dots);

/* Windows of some pixels of a line of output, from `rows` lines of numbers that begin so many bytes behind x: n neighbours
 * each, n > 0; the next pixel's are `step` bytes further. to: as with xl_core_widen, whose first element is the first one of
 * a word; a word that is not full is filled by 0. left: how many pixels of the first triple there is room for; skip: bytes
 * from the place behind a triple's third pixel to the next triple. At least one pixel. The assembler knows the order. */
typedef struct xl_core_windows {
  const int16_t *x;
  const uint32_t *begins;
  int32_t rows;
  ptrdiff_t n;
  int16_t *to;
  int32_t pixels, left;
  ptrdiff_t step, skip;
} xl_core_windows;
void xl_core_gather(const xl_core_windows *w);

/* n numbers of bytes, from[i] - zero_point or multiplier * from[i] - zero_point, n > 0, as the elements of one pixel of a
 * triple: to is where the first one lies; after the second element of a word the next one is 10 bytes further. Returns
 * where the next element lies. */
typedef int16_t *xl_core_widen(const uint8_t *from, ptrdiff_t n, int16_t *to, int32_t multiplier, int32_t zero_point);
xl_core_widen xl_core_widen_u8, xl_core_widen_i8;
xl_core_widen xl_core_widen_products_u8, xl_core_widen_products_i8;

/* Bit i: whether dots[i] < thresholds[i], i < 32. */
uint32_t xl_core_signs_of_dots(const int32_t *dots, const int32_t *thresholds);

/* With XL_CORE_FLOATS besides: y[i] = dots[i] * scale[i] + bias[i], i < 4 * fours, fours > 0. */
void xl_core_store_dots_f32(const int32_t *dots, int32_t fours, const float *scale, const float *bias, float *y);

#endif
