/* Binary convolution by look-up the other way round: tables of pixels, which all filters use. Internal. */
#ifndef XL_LOOKUP_PIXELS_H
#define XL_LOOKUP_PIXELS_H

#include "store.h"

/* Instructions, but for the outputs; INT64_MAX where it cannot be done. */
int64_t xl_lookup_pixels_cost(const xl_conv2d_params *p);
uint64_t xl_lookup_pixels_workspace(const xl_conv2d_params *p);
void xl_lookup_pixels(const xl_op *op, xl_store store, ptrdiff_t pixel_bytes);

#endif
