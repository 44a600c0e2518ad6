/* CUSTOM ops, whose types only their author knows. */
#include "look.h"

static xl_rule check(xl_look *l) {
  XL_REQUIRE(xl_field_vector(l->m, l->options, XL_CUSTOM_NAME).count > 0, CUSTOM_NAME);
  return XL_RULE_NONE;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  const xl_vector data = xl_field_vector(l->m, l->options, XL_CUSTOM_DATA);
  xl_custom *p = &params->custom;
  p->model = l->m;
  p->op = op->tag;
  p->inputs = l->inputs.count;
  p->outputs = l->outputs.count;
  p->data = l->m->data + data.at;
  p->data_bytes = data.count;
  return 1;
}

const xl_kind xl_custom_kind = {check, fill, XL_CUSTOM_OPTIONS, 0, 1, 0, 0xff, 0, XL_NO_SLOT};

xl_tensor xl_custom_input(const xl_custom *custom, uint32_t index) {
  const uint32_t op = xl_table_at(custom->model, custom->model->ops_at, custom->op);
  const xl_vector inputs = xl_field_vector(custom->model, op, XL_OP_INPUTS);
  return xl_tensor_of(custom->model, (uint32_t)xl_item(custom->model, inputs, index));
}

xl_tensor xl_custom_output(const xl_custom *custom, uint32_t index) {
  const uint32_t op = xl_table_at(custom->model, custom->model->ops_at, custom->op);
  const xl_vector outputs = xl_field_vector(custom->model, op, XL_OP_OUTPUTS);
  return xl_tensor_of(custom->model, (uint32_t)xl_item(custom->model, outputs, index));
}
