/* What a program can do without, so that it takes less flash. Everything is there unless it is left out here, by the
 * compiler's -D, or by the copy of this file that stands beside generated code, which knows its network. Internal.
 *
 * A switch is tested by an if: what it leaves out is compiled, and dropped. */
#ifndef XL_TRIM_H
#define XL_TRIM_H

/* 1 for code that is small before it is fast, with the same results but for the last digits of exponentials. */
#ifndef XL_SMALL
#define XL_SMALL 0
#endif

/* CONV_2D and DENSE of bits with bit planes, or with weights that are 0. */
#ifndef XL_WITH_VOLUMES
#define XL_WITH_VOLUMES 1
#endif

/* CONV_2D of bits with padding of 0, which no bit can hold. */
#ifndef XL_WITH_ZERO_PADDING
#define XL_WITH_ZERO_PADDING 1
#endif

/* CONV_2D of floats with filters of floats, and of bits. */
#ifndef XL_WITH_FLOAT_FILTERS
#define XL_WITH_FLOAT_FILTERS 1
#endif
#ifndef XL_WITH_BIT_FILTERS
#define XL_WITH_BIT_FILTERS 1
#endif

/* CONV_2D of floats with bit filters of which some weights are 0: half a KiB of stack. */
#ifndef XL_WITH_ZERO_WEIGHTS
#define XL_WITH_ZERO_WEIGHTS 1
#endif

/* CONV_2D and DENSE of floats in tiles of several pixels or filters, which machines with vectors gain by; the cores of
 * microcontrollers have too few registers for them. converter/codegen/trim.py knows what they take. */
#ifndef XL_WITH_TILES
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARM_FEATURE_MVE)
#define XL_WITH_TILES 0
#elif defined(__XTENSA__) || (defined(__riscv) && __riscv_xlen == 32)
#define XL_WITH_TILES 0
#else
#define XL_WITH_TILES (!XL_SMALL)
#endif
#endif

/* The exponential of libm, in place of one in 150 bytes that is as exact but for the last digit. */
#ifndef XL_WITH_EXPF
#define XL_WITH_EXPF (!XL_SMALL)
#endif

#endif
