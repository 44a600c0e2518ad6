/* DENSE. */
#include "entry.h"
#include "filtered.h"

static const xl_filtered_slots SLOTS = {XL_DENSE_ACTIVATION, 1, 1};

static xl_rule check(xl_look *l) {
  XL_REQUIRE(l->w.rank == 2, INPUT_RANK);
  const int32_t units = l->w.shape[0], features = l->w.shape[1];
  const xl_rule rule = xl_check_filtered(l, &SLOTS, 1, units, features);
  if (rule != XL_RULE_NONE) return rule;
  XL_REQUIRE(xl_plane_channels(l, &SLOTS) == features, CHANNELS);
  XL_REQUIRE(l->y.rank == l->x.rank && l->y.shape[l->y.rank - 1] == units, OUTPUT_TYPE);
  for (uint32_t i = 0; i + 1 < l->x.rank; ++i) XL_REQUIRE(l->y.shape[i] == l->x.shape[i], OUTPUT_TYPE);
  return XL_RULE_NONE;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  xl_dense_params *p = &params->dense;
  (void)op;
  xl_fill_activation(l, XL_DENSE_ACTIVATION, &p->activation);
  p->rows = (int32_t)xl_elements(&l->x, 0, l->x.rank - 1u);
  p->features = l->w.shape[1];
  p->units = l->w.shape[0];
  p->planes = xl_planes(l, &SLOTS);
  p->masked = xl_is_masked(l);
  p->input_multiplier = xl_input_multiplier(l, &SLOTS);
  p->input_zero_point = xl_input_zero_point(l, &SLOTS);
  return 1;
}

static uint64_t bits(const void *p) { return xl_dense_b_b_workspace((const xl_dense_params *)p); }
static uint64_t integer_filters(const void *p) { return xl_dense_f32_i8_workspace((const xl_dense_params *)p); }

static const xl_kind KIND = XL_FILTERED_KIND(check, fill, XL_DENSE_OPTIONS, XL_DENSE_ACTIVATION);

XL_FILTERED_ENTRIES(dense, XL_NUMBER_DENSE, KIND, bits, NULL);
XL_INTEGER_ENTRIES(dense, XL_NUMBER_DENSE, KIND, NULL, integer_filters);
