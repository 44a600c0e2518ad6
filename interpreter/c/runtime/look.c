/* Looking at ops: what they name, and which entry computes them. */
#include "look.h"

static void type_at(const xl_model *m, xl_vector v, uint32_t i, xl_type *t) {
  const int32_t tensor = i < v.count ? xl_item(m, v, i) : -1;
  if (tensor >= 0) {
    *t = xl_type_of(m, (uint32_t)tensor);
  } else {
    t->rank = 0;
    t->dtype = XL_ANY_TYPE;
  }
}

void xl_look_at(xl_look *l, const xl_model *m, uint32_t index) {
  const uint32_t table = xl_table_at(m, m->ops_at, index);
  l->m = m;
  l->inputs = xl_field_vector(m, table, XL_OP_INPUTS);
  l->outputs = xl_field_vector(m, table, XL_OP_OUTPUTS);
  l->options = xl_field_table(m, table, XL_OP_OPTIONS);
  l->options_number = xl_field_u8(m, table, XL_OP_OPTIONS_TYPE, 0);
  l->tensor = -1;
  l->number = xl_field_u16(m, table, XL_OP_KIND);
  type_at(m, l->inputs, 0, &l->x);
  type_at(m, l->inputs, 1, &l->w);
  type_at(m, l->outputs, 0, &l->y);
}

int xl_has_input(const xl_look *l, uint32_t slot) {
  return slot < l->inputs.count && xl_item(l->m, l->inputs, slot) >= 0;
}

int xl_input_type(const xl_look *l, uint32_t slot, xl_type *t) {
  type_at(l->m, l->inputs, slot, t);
  return t->rank != 0;
}

int32_t xl_option(const xl_look *l, uint32_t slot, int32_t absent) {
  return xl_field_i32(l->m, l->options, slot, absent);
}

xl_activation_fn xl_function(const xl_model *m, uint32_t activation) {
  for (const xl_entry *const *e = m->ops; *e != NULL; ++e) {
    if ((*e)->number == XL_FUNCTIONS + activation) return (*e)->function;
  }
  return NULL;
}

static int same_name(const char *a, const char *b) {
  while (*a != 0 && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

/* By number and, for custom ops, by name. */
static int is_for(const xl_entry *e, const xl_look *l) {
  if (e->number != l->number || e->kind == NULL) return 0;
  return l->number != 0 || same_name(e->name, xl_field_string(l->m, l->options, XL_CUSTOM_NAME));
}

static int takes(uint8_t wanted, uint8_t dtype) {
  if (wanted == XL_I8_OR_U8) return dtype == XL_I8 || dtype == XL_U8;
  return wanted == XL_ANY_TYPE || wanted == dtype;
}

const xl_kind *xl_kind_of(const xl_look *l) {
  for (const xl_entry *const *e = l->m->ops; *e != NULL; ++e) {
    if ((*e)->kind != NULL && (*e)->number == l->number) return (*e)->kind;
  }
  return NULL;
}

static void fill_op(const xl_look *l, uint32_t index, xl_op *op, xl_params *p) {
  op->params = p;
  for (uint32_t i = 0; i < XL_MAX_INPUTS; ++i) {
    const int many = l->inputs.count > XL_MAX_INPUTS || !xl_has_input(l, i);
    op->in[i] = many ? NULL : xl_data_of(l->m, (uint32_t)xl_item(l->m, l->inputs, i));
  }
  op->out = l->outputs.count > 1 ? NULL : xl_data_of(l->m, (uint32_t)xl_item(l->m, l->outputs, 0));
  op->workspace = l->m->arena == NULL ? NULL : l->m->arena + l->m->arena_bytes;
  op->workspace_bytes = 0;
  op->tag = index;
  op->threads = NULL;
}

/* Parameters by this entry; the workspace that it needs, UINT64_MAX where it does not take the op. */
static uint64_t try_entry(const xl_entry *e, const xl_look *l, xl_op *op, xl_params *p) {
  if (!is_for(e, l)) return UINT64_MAX;
  if (!takes(e->x, l->x.dtype) || !takes(e->weights, l->w.dtype) || !takes(e->out, l->y.dtype)) return UINT64_MAX;
  if (!e->kind->fill(l, op, p) || (e->fits != NULL && !e->fits(p))) return UINT64_MAX;
  return e->workspace == NULL ? 0 : e->workspace(p);
}

void xl_needs(const xl_look *l, uint64_t *least, uint64_t *first) {
  xl_op op;
  xl_params params;
  *least = UINT64_MAX;
  *first = UINT64_MAX;
  fill_op(l, 0, &op, &params);
  for (const xl_entry *const *e = l->m->ops; *e != NULL; ++e) {
    const uint64_t bytes = try_entry(*e, l, &op, &params);
    if (*first == UINT64_MAX) *first = bytes;
    if (bytes < *least) *least = bytes;
  }
}

const xl_entry *xl_resolve(const xl_look *l, uint32_t index, uint64_t room, xl_op *op, xl_params *p) {
  fill_op(l, index, op, p);
  for (const xl_entry *const *e = l->m->ops; *e != NULL; ++e) {
    const uint64_t bytes = try_entry(*e, l, op, p);
    if (bytes > room) continue;
    op->run = (*e)->run;
    op->workspace_bytes = (uint32_t)bytes;
    if (bytes == 0) op->workspace = NULL;
    return *e;
  }
  return NULL;
}

void xl_name_types(const xl_look *l, xl_error *error) {
  error->kind = l->number;
  error->x = l->x.dtype;
  error->weights = l->w.dtype;
  error->out = l->y.dtype;
  if (l->number == 0 && l->options != 0) error->name = xl_field_string(l->m, l->options, XL_CUSTOM_NAME);
}
