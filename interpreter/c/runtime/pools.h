/* Pooling ops. Internal. */
#ifndef XL_POOLS_H
#define XL_POOLS_H

#include "windows.h"

xl_rule xl_check_pool2d(const xl_look *l); /* but for x's type */
int xl_fill_pool2d(const xl_look *l, xl_op *op, xl_params *p);
xl_rule xl_check_pool3d(xl_look *l);
int xl_fill_pool3d(const xl_look *l, xl_op *op, xl_params *p);

#endif
