/* MULTIPLY. */
#include "binary.h"

XL_BINARY_ENTRY(multiply_f32, XL_NUMBER_MULTIPLY, 2);
