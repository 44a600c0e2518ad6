/* Rules that hold for every op: its inputs by slot, its options table, one output; and that something computes it. */
#include "limits.h"
#include "look.h"

static xl_rule check_slots(xl_look *l, const xl_kind *kind) {
  const uint32_t count = l->inputs.count;
  uint32_t activations = 0;
  XL_REQUIRE(kind->slots == 0 || (count >= kind->required && count <= kind->slots), INPUT_COUNT);
  for (uint32_t i = 0; i < count; ++i) {
    const int32_t tensor = xl_item(l->m, l->inputs, i);
    if (tensor < 0) {
      XL_REQUIRE(kind->slots != 0 && i >= kind->required, INPUT_ABSENT);
      continue;
    }
    const uint32_t slot = kind->slots == 0 ? 1u : (uint32_t)1 << i;
    const int constant = xl_is_constant(l->m, (uint32_t)tensor), wanted = (kind->constant & slot) != 0;
    if (!constant) ++activations;
    if ((kind->either & slot) == 0 && constant != wanted) {
      l->tensor = tensor;
      return constant ? XL_RULE_INPUT_ACTIVATION : XL_RULE_INPUT_CONSTANT;
    }
  }
  XL_REQUIRE(activations > 0 || l->number == 0, INPUT_ACTIVATION);
  return XL_RULE_NONE;
}

xl_rule xl_check_op(xl_look *l) {
  const xl_kind *kind = xl_kind_of(l);
  XL_REQUIRE(l->number < XL_OP_COUNT, UNKNOWN);
  XL_REQUIRE(kind != NULL, NO_ENTRY);
  XL_REQUIRE(l->options_number == kind->options, OPTIONS);
  XL_REQUIRE(l->inputs.count > 0, INPUT_COUNT);
  xl_rule rule = check_slots(l, kind);
  if (rule != XL_RULE_NONE) return rule;
  if (l->number != 0) {
    XL_REQUIRE(l->outputs.count == 1, OUTPUT_COUNT);
  }
  return kind->check(l);
}

/* The activation of an op needs its function. */
static int has_function(const xl_look *l, uint16_t *missing) {
  const xl_kind *kind = xl_kind_of(l);
  if (kind->activation == XL_NO_SLOT) return 1;
  const uint32_t activation = xl_field_table(l->m, l->options, kind->activation);
  const uint8_t number = activation == 0 ? 0 : xl_field_u8(l->m, activation, XL_ACTIVATION_KIND, 0);
  *missing = (uint16_t)(XL_FUNCTIONS + number);
  return number == 0 || xl_function(l->m, number) != NULL;
}

/* That something computes this op; the workspace is the largest of any. */
static xl_rule check_entry(const xl_look *l, xl_workspaces *largest, xl_error *error) {
  uint64_t least, first;
  uint16_t missing;
  if (!has_function(l, &missing)) {
    error->kind = missing;
    return XL_RULE_NO_ENTRY;
  }
  xl_needs(l, &least, &first);
  if (least == UINT64_MAX) {
    xl_name_types(l, error);
    return XL_RULE_NO_ENTRY;
  }
  if (least > largest->least) largest->least = least;
  if (first > largest->first) largest->first = first;
  return XL_RULE_NONE;
}

xl_rule xl_check_ops(const xl_model *m, xl_workspaces *largest, xl_error *error) {
  largest->least = 0;
  largest->first = 0;
  for (uint32_t i = 0; i < m->op_count; ++i) {
    xl_look look;
    xl_look_at(&look, m, i);
    error->kind = look.number;
    xl_rule rule = xl_check_op(&look);
    if (rule == XL_RULE_NO_ENTRY) xl_name_types(&look, error);
    if (rule == XL_RULE_NONE) rule = check_entry(&look, largest, error);
    if (rule != XL_RULE_NONE) {
      error->op = (int32_t)i;
      error->tensor = look.tensor;
      return rule;
    }
  }
  error->kind = 0;
  return XL_RULE_NONE;
}
