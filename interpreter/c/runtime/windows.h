/* Windows that slide over the axes of an image or a volume. Internal. */
#ifndef XL_WINDOWS_H
#define XL_WINDOWS_H

#include "rules.h"

/* Where the options of windows stand: the slots of the first axis' stride, dilation and padding before it; those of
 * the next axis follow, two by two for the padding. dilation: XL_NO_SLOT where there is none. */
typedef struct xl_window_slots {
  uint8_t axes;
  uint8_t stride, dilation, pads;
} xl_window_slots;

/* Axis a, the one behind the batch being 0, with a window of `taps`. */
xl_axis xl_axis_of(const xl_look *l, const xl_window_slots *s, uint32_t a, int32_t taps);

/* The windows fit their input, and the output's extents follow. taps: of axis 0, axis 1... */
xl_rule xl_check_windows(const xl_look *l, const xl_window_slots *s, const int32_t *taps);

/* Ranges of one axis alone, and the elements from its first tap to its last. */
xl_rule xl_check_axis(const xl_axis *x, int32_t after);
static inline int64_t xl_axis_span(const xl_axis *x) { return (int64_t)(x->window - 1) * x->dilation + 1; }
int32_t xl_pad_after(const xl_look *l, const xl_window_slots *s, uint32_t a);

void xl_fill_window(const xl_look *l, const xl_window_slots *s, const int32_t *taps, xl_window *w);

#endif
