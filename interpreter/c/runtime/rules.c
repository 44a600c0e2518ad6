/* Rules and parameters that several ops share. */
#include "rules.h"

xl_rule xl_check_like_x(const xl_look *l, uint8_t dtype) {
  XL_REQUIRE(l->y.rank == l->x.rank && l->y.dtype == dtype, OUTPUT_TYPE);
  for (uint32_t i = 0; i < l->x.rank; ++i) XL_REQUIRE(l->y.shape[i] == l->x.shape[i], OUTPUT_TYPE);
  return XL_RULE_NONE;
}

xl_rule xl_check_channel_vector(xl_look *l, uint32_t slot, uint8_t dtype, int32_t channels) {
  xl_type t;
  if (!xl_input_type(l, slot, &t)) return XL_RULE_NONE;
  l->tensor = xl_item(l->m, l->inputs, slot);
  XL_REQUIRE(t.dtype == dtype && t.rank == 1 && t.shape[0] == channels, CHANNEL_VECTOR);
  l->tensor = -1;
  return XL_RULE_NONE;
}

int xl_is_moved(const xl_look *l) { return l->x.dtype != XL_I32; }

xl_vector xl_option_vector(const xl_look *l, uint32_t slot) { return xl_field_vector(l->m, l->options, slot); }

void xl_fill_rows(const xl_look *l, xl_rows_params *p) {
  p->rows = (int32_t)xl_elements(&l->x, 0, l->x.rank - 1u);
  p->channels = l->x.shape[l->x.rank - 1];
}

void xl_fill_shape(const xl_type *t, int32_t *shape) {
  for (uint32_t i = 0; i < XL_MAX_RANK; ++i) shape[i] = i < t->rank ? t->shape[i] : 0;
}
