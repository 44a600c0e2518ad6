/* Ops on two tensors, which broadcast. Internal. */
#ifndef XL_BINARY_H
#define XL_BINARY_H

#include "entry.h"

xl_rule xl_check_binary(xl_look *l);
int xl_fill_binary(const xl_look *l, xl_op *op, xl_params *p);

/* either: which operands may be constants, a bit each. */
#define XL_BINARY_ENTRY(name, number, either)                                                            \
  static const xl_kind KIND = {xl_check_binary, xl_fill_binary, 0, 2, 2, 0, either, 3, XL_NO_SLOT};       \
  XL_ENTRY(name, number, XL_F32, XL_F32, XL_F32, KIND, NULL)

#endif
