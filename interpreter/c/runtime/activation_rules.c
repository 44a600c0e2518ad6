/* The activation that ops apply to their float output. */
#include "floats.h"
#include "rules.h"

/* Which of its three parameters each activation takes. */
enum { ALPHA = 1, MAX_VALUE = 2, THRESHOLD = 4 };
enum { RELU = 1, ELU = 5, CELU = 7, HARD_SIGMOID = 13, SOFT_SHRINK = 18, HARD_SHRINK = 19, THRESHOLD_KIND = 20 };
enum { SQUAREPLUS = 21, CLIP = 24 };

static uint32_t taken(uint8_t kind) {
  switch (kind) {
    case RELU:
      return ALPHA | MAX_VALUE | THRESHOLD;
    case HARD_SIGMOID:
    case THRESHOLD_KIND:
      return ALPHA | THRESHOLD;
    case CLIP:
      return MAX_VALUE | THRESHOLD;
    case SOFT_SHRINK:
    case HARD_SHRINK:
      return THRESHOLD;
    case ELU:
    case CELU:
    case SQUAREPLUS:
      return ALPHA;
    default:
      return 0;
  }
}

static uint32_t table_of(const xl_look *l, uint32_t slot) { return xl_field_table(l->m, l->options, slot); }

uint8_t xl_activation_kind(const xl_look *l, uint32_t slot) {
  const uint32_t table = table_of(l, slot);
  return table == 0 ? 0 : xl_field_u8(l->m, table, XL_ACTIVATION_KIND, 0);
}

xl_rule xl_check_activation(const xl_look *l, uint32_t slot) {
  const uint32_t table = table_of(l, slot);
  if (table == 0) return XL_RULE_NONE;
  const uint8_t kind = xl_activation_kind(l, slot);
  const uint32_t alpha = xl_field_u32(l->m, table, XL_ACTIVATION_ALPHA, 0);
  const uint32_t max_value = xl_field_u32(l->m, table, XL_ACTIVATION_MAX_VALUE, XL_INFINITY);
  const uint32_t threshold = xl_field_u32(l->m, table, XL_ACTIVATION_THRESHOLD, 0), takes = taken(kind);
  XL_REQUIRE(kind < XL_ACTIVATION_COUNT, UNKNOWN);
  XL_REQUIRE(xl_is_finite(alpha) && (takes & ALPHA || xl_is_zero(alpha)), ACTIVATION);
  XL_REQUIRE(takes & MAX_VALUE || max_value == XL_INFINITY, ACTIVATION);
  XL_REQUIRE(takes & THRESHOLD || xl_is_zero(threshold), ACTIVATION);
  XL_REQUIRE(xl_is_finite(threshold) || (kind == CLIP && threshold == XL_MINUS_INFINITY), ACTIVATION);
  if (takes & MAX_VALUE) {
    XL_REQUIRE(!xl_is_nan(max_value) && xl_float_order(max_value) >= xl_float_order(threshold), ACTIVATION);
  }
  XL_REQUIRE(kind != CELU || !xl_is_zero(alpha), ACTIVATION);
  return XL_RULE_NONE;
}

void xl_fill_activation(const xl_look *l, uint32_t slot, xl_activation *a) {
  const uint32_t table = table_of(l, slot);
  const uint8_t kind = xl_activation_kind(l, slot);
  a->apply = kind == 0 ? NULL : xl_function(l->m, kind);
  a->alpha = table == 0 ? 0 : xl_field_f32(l->m, table, XL_ACTIVATION_ALPHA, 0);
  a->max_value = table == 0 ? 0 : xl_field_f32(l->m, table, XL_ACTIVATION_MAX_VALUE, XL_INFINITY);
  a->threshold = table == 0 ? 0 : xl_field_f32(l->m, table, XL_ACTIVATION_THRESHOLD, 0);
}
