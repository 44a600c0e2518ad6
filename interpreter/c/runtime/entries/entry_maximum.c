/* MAXIMUM. */
#include "binary.h"

XL_BINARY_ENTRY(maximum_f32, XL_NUMBER_MAXIMUM, 2);
