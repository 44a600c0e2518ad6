/* ADD. */
#include "binary.h"

XL_BINARY_ENTRY(add_f32, XL_NUMBER_ADD, 2);
