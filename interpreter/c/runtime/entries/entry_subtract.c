/* SUBTRACT. */
#include "binary.h"

XL_BINARY_ENTRY(subtract_f32, XL_NUMBER_SUBTRACT, 3);
