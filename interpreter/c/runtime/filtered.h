/* Ops with a filter: x, filter, scale, bias, threshold, mask. Internal. */
#ifndef XL_FILTERED_H
#define XL_FILTERED_H

#include "windows.h"

/* The slot of the activation in the options; output_dtype stands before it, planes behind. numbers: whether
 * input_multiplier and input_zero_point follow. integers: whether the op takes int8 and uint8. */
typedef struct xl_filtered_slots {
  uint8_t activation;
  uint8_t numbers;
  uint8_t integers;
} xl_filtered_slots;

#define XL_FILTERED_KIND(check, fill, options, activation) \
  { check, fill, options, 6, 2, 0x3e, 0, 0, activation }

/* Types, planes, scale and so on of an op whose output has `channels`, and whose sums are of `taps` products. The
 * filter has this many packed axes. */
xl_rule xl_check_filtered(xl_look *l, const xl_filtered_slots *s, uint32_t packed, int32_t channels, int64_t taps);

/* Channels of one plane of x, which the planes divide; 0 where they do not, or are out of range. */
int32_t xl_plane_channels(const xl_look *l, const xl_filtered_slots *s);

/* x has the channels of `groups` filters of in_c channels, of which there are out_c. */
xl_rule xl_check_groups(const xl_look *l, const xl_filtered_slots *s, int32_t groups, int32_t in_c, int32_t out_c);

/* pad_value is 0, or +1 or -1 for bits. */
xl_rule xl_check_pad_value(const xl_look *l, uint32_t slot);

int32_t xl_planes(const xl_look *l, const xl_filtered_slots *s);
int32_t xl_input_multiplier(const xl_look *l, const xl_filtered_slots *s);
int32_t xl_input_zero_point(const xl_look *l, const xl_filtered_slots *s);
static inline int32_t xl_is_masked(const xl_look *l) { return xl_has_input(l, 5); }

/* CONV_2D, DEPTHWISE_CONV_2D and LOCALLY_CONNECTED_2D share their options and parameters; their window is the two axes
 * before the filter's last. */
extern const xl_filtered_slots xl_conv2d_slots;
extern const xl_filtered_slots xl_local_slots;
xl_rule xl_check_conv2d_window(const xl_look *l, int32_t channels);
int xl_fill_conv2d(const xl_look *l, xl_op *op, xl_params *p);

#endif
