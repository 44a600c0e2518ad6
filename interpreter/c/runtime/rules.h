/* Rules that several ops share, and their parameters. Internal. */
#ifndef XL_RULES_H
#define XL_RULES_H

#include "limits.h"
#include "look.h"

/* The output has x's shape (which kernels of rows want of it), and these elements. */
xl_rule xl_check_like_x(const xl_look *l, uint8_t dtype);

/* As many elements as channels, at an input slot that may be absent. */
xl_rule xl_check_channel_vector(xl_look *l, uint32_t slot, uint8_t dtype, int32_t channels);

/* x is of one of the types that move about: floats, bits, int8 and uint8. */
int xl_is_moved(const xl_look *l);

/* The vector of int32 at an option's slot. */
xl_vector xl_option_vector(const xl_look *l, uint32_t slot);

/* x's rows, which are its last axis. */
void xl_fill_rows(const xl_look *l, xl_rows_params *p);
void xl_fill_shape(const xl_type *t, int32_t *shape);

/* The activation at an option's slot: its parameters are in range. */
xl_rule xl_check_activation(const xl_look *l, uint32_t slot);
uint8_t xl_activation_kind(const xl_look *l, uint32_t slot);
void xl_fill_activation(const xl_look *l, uint32_t slot, xl_activation *a);

#endif
