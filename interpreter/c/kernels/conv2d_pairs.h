/* CONV_2D of integers in pairs of int16, where XL_CORE_PAIRS is set. Internal. */
#ifndef XL_CONV2D_PAIRS_H
#define XL_CONV2D_PAIRS_H

#include "integers.h"

/* Workspace in bytes, and the op where it has as many. */
uint64_t xl_conv2d_pairs_workspace(const xl_conv2d_params *p);
void xl_conv2d_pairs(const xl_op *op, const xl_integers *kind);

#endif
