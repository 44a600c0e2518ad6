/* MINIMUM. */
#include "binary.h"

XL_BINARY_ENTRY(minimum_f32, XL_NUMBER_MINIMUM, 2);
