/* Binary convolution by look-up the other way round: tables of pixels, which all filters use. Internal. */
#ifndef XL_LOOKUP_PIXELS_H
#define XL_LOOKUP_PIXELS_H

#include "lookup_store.h"

void xl_lookup_pixels(const xl_op *op, xl_lookup_store store);

#endif
