/* Models: opening and what can be known of them. */
#include "limits.h"
#include "look.h"

static xl_error no_error(void) {
  const xl_error none = {XL_RULE_NONE, -1, -1, 0, NULL, 0, XL_ANY_TYPE, XL_ANY_TYPE, XL_ANY_TYPE};
  return none;
}

/* All rules, one after the other. */
static xl_rule verify(xl_model *m, xl_arena_need *need, xl_error *error) {
  xl_workspaces largest;
  xl_rule rule = xl_check_structure(m, error);
  if (rule == XL_RULE_NONE) rule = xl_check_tensors(m, error);
  if (rule == XL_RULE_NONE) rule = xl_check_order(m, error);
  if (rule == XL_RULE_NONE) rule = xl_check_metadata(m, error);
  if (rule == XL_RULE_NONE) rule = xl_check_ops(m, &largest, error);
  if (rule == XL_RULE_NONE) rule = xl_check_plan(m, error);
  if (rule != XL_RULE_NONE) return rule;
  const uint32_t arena_at = xl_field(m, m->plan_at, XL_PLAN_ARENA_BYTES);
  const uint64_t plan = arena_at == 0 ? 0 : (xl_u64(m, arena_at) + 15) / 16 * 16;
  const uint64_t most = SIZE_MAX < UINT32_MAX ? SIZE_MAX : UINT32_MAX;
  XL_REQUIRE(plan <= most && largest.least <= most - plan, TOO_LARGE);
  m->arena_bytes = (uint32_t)plan;
  need->plan = (size_t)plan;
  need->workspace = (size_t)largest.least;
  need->total = need->plan + need->workspace;
  need->fastest = largest.first <= most - plan ? need->plan + (size_t)largest.first : need->total;
  return XL_RULE_NONE;
}

/* The model without an arena. */
static xl_rule read(xl_model *m, const void *data, size_t bytes, const xl_entry *const *ops, xl_arena_need *need,
                    xl_error *error) {
  *error = no_error();
  XL_REQUIRE((uintptr_t)data % 16 == 0, DATA_ALIGNMENT);
  XL_REQUIRE(bytes <= INT32_MAX, TOO_LARGE);
  m->data = (const uint8_t *)data;
  m->ops = ops;
  m->arena = NULL;
  m->bytes = (uint32_t)bytes;
  m->arena_bytes = 0;
  m->workspace_bytes = 0;
  return verify(m, need, error);
}

static xl_rule tell(xl_error *error, const xl_error *found, xl_rule rule) {
  if (error != NULL) {
    *error = *found;
    error->rule = rule;
  }
  return rule;
}

xl_rule xl_model_arena_bytes(const void *data, size_t bytes, const xl_entry *const *ops, xl_arena_need *need,
                             xl_error *error) {
  xl_model m;
  xl_error found;
  const xl_rule rule = read(&m, data, bytes, ops, need, &found);
  return tell(error, &found, rule);
}

static xl_rule open_model(xl_model *m, const void *data, size_t bytes, const xl_entry *const *ops, void *arena,
                          size_t arena_bytes, xl_error *error) {
  xl_arena_need need;
  const xl_rule rule = read(m, data, bytes, ops, &need, error);
  if (rule != XL_RULE_NONE) return rule;
  XL_REQUIRE((uintptr_t)arena % 16 == 0, ARENA_ALIGNMENT);
  if (arena_bytes < need.total) {
    error->at = (uint32_t)need.total;
    return XL_RULE_ARENA_BYTES;
  }
  const size_t room = arena_bytes - need.plan;
  m->arena = (uint8_t *)arena;
  m->workspace_bytes = room > UINT32_MAX ? UINT32_MAX : (uint32_t)room;
  return XL_RULE_NONE;
}

xl_rule xl_model_open(xl_model *model, const void *data, size_t bytes, const xl_entry *const *ops, void *arena,
                      size_t arena_bytes, xl_error *error) {
  xl_error found;
  const xl_rule rule = open_model(model, data, bytes, ops, arena, arena_bytes, &found);
  return tell(error, &found, rule);
}

static uint32_t end_of(const xl_model *m, uint32_t at, uint32_t index) { return xl_u32(m, at + 4 * index); }

uint32_t xl_model_inputs(const xl_model *model) { return model->inputs; }

uint32_t xl_model_outputs(const xl_model *model) { return model->outputs; }

void *xl_model_input(const xl_model *model, uint32_t index) {
  return xl_data_of(model, end_of(model, model->inputs_at, index));
}

const void *xl_model_output(const xl_model *model, uint32_t index) {
  return xl_data_of(model, end_of(model, model->outputs_at, index));
}

uint32_t xl_model_input_bytes(const xl_model *model, uint32_t index) {
  return xl_model_input_tensor(model, index).bytes;
}

uint32_t xl_model_output_bytes(const xl_model *model, uint32_t index) {
  return xl_model_output_tensor(model, index).bytes;
}

xl_tensor xl_model_input_tensor(const xl_model *model, uint32_t index) {
  return xl_tensor_of(model, end_of(model, model->inputs_at, index));
}

xl_tensor xl_model_output_tensor(const xl_model *model, uint32_t index) {
  return xl_tensor_of(model, end_of(model, model->outputs_at, index));
}

uint32_t xl_model_ops(const xl_model *model) { return model->op_count; }

xl_error xl_model_op(const xl_model *model, uint32_t index) {
  xl_error named = no_error();
  xl_look look;
  xl_look_at(&look, model, index);
  xl_name_types(&look, &named);
  named.op = (int32_t)index;
  return named;
}
