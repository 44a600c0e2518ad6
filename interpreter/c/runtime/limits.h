/* Limits of the format, as schema/limits.py and schema/contracts/rules.py have them. Internal. */
#ifndef XL_LIMITS_H
#define XL_LIMITS_H

#include <stdint.h>

#define XL_MAX_VECTOR 65536u           /* tensors, ops, buffers, labels, metadata entries */
#define XL_MAX_ARENA ((uint64_t)1 << 40) /* bytes; also of all activations together */
#define XL_MAX_ELEMENTS INT32_MAX      /* of a tensor; also its bytes */
#define XL_MAX_EXTENT 65536            /* of a window, stride, dilation or padding */
#define XL_MAX_IMAGE (1 << 24)         /* of an image's height, width or depth */
#define XL_MAX_PLANES 8
#define XL_MAX_MULTIPLIER 64           /* of an integer input */
#define XL_MAX_NUMBER 32767            /* that an element of it counts as */
#define XL_BUDGET_FACTOR 2
#define XL_BUDGET_FLOOR 4096
#define XL_VERSION_MAJOR 1
#define XL_IDENTIFIER 0x45544c58u /* "XLTE" */

/* How many values enums have. */
enum { XL_DTYPE_COUNT = 5, XL_ACTIVATION_COUNT = 35, XL_PLANES_COUNT = 2, XL_REDUCE_COUNT = 5 };

#endif
