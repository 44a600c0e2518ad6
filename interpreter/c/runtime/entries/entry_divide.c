/* DIVIDE. */
#include "binary.h"

XL_BINARY_ENTRY(divide_f32, XL_NUMBER_DIVIDE, 3);
