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
#if defined(__ARM_FP) && (__ARM_FP & 8)
#define XL_CORE_ARMV6_VFP 1 /* with doubles */
#endif
#endif

/* Cortex-M: vectors (M55, M85), Thumb-2 (M3, M4, M7, M33), or Thumb-1 alone (M0, M0+, M23). */
#if defined(__thumb__) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARM_BIG_ENDIAN)
#if defined(__ARM_FEATURE_MVE)
#define XL_CORE_MVE 1
#elif defined(__thumb2__)
#define XL_CORE_THUMB2 1
#else
#define XL_CORE_THUMB1 1
#endif
#define XL_CORE_COUNTS 1
#define XL_CORE_COUNTS_APART 1
#endif

/* RISC-V of 32 bits without a popcount instruction. */
#if defined(__riscv) && __riscv_xlen == 32 && !defined(__riscv_zbb)
#define XL_CORE_RV32 1
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

#endif
