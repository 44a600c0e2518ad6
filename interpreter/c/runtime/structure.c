/* The bytes of a file that nobody has vouched for: every offset, vtable, vector and string is checked once, so that
 * flat.c can follow them without looking. The rules are those of schema/decoder.py: what is reached through several
 * offsets costs its bytes each time, and a file may be charged twice its size, so that work is bounded by it. */
#include "layout.h"
#include "limits.h"
#include "verify.h"

typedef struct walk {
  const xl_model *m;
  int64_t left; /* bytes that may still be charged */
  xl_error *error;
} walk;

static const char *const OPTIONS[] = {XL_LAYOUT_OPTIONS};

static xl_rule fail(const walk *w, xl_rule rule, uint32_t at) {
  w->error->at = at;
  return rule;
}

static xl_rule spend(walk *w, int64_t bytes, uint32_t at) {
  w->left -= bytes;
  return w->left < 0 ? fail(w, XL_RULE_BUDGET, at) : XL_RULE_NONE;
}

/* The target of the offset at byte `where`, whose four bytes lie within the file: aligned to 4 bytes, with four bytes of
 * room. */
static xl_rule follow(const walk *w, uint32_t where, uint32_t *target) {
  if (where % 4 != 0) return fail(w, XL_RULE_OFFSET, where);
  const uint32_t offset = xl_u32(w->m, where);
  if (offset == 0 || offset > w->m->bytes - 4 - where) return fail(w, XL_RULE_OFFSET, where);
  *target = where + offset;
  return *target % 4 != 0 ? fail(w, XL_RULE_OFFSET, where) : XL_RULE_NONE;
}

static xl_rule check_string(walk *w, uint32_t where) {
  uint32_t at;
  xl_rule rule = follow(w, where, &at);
  if (rule != XL_RULE_NONE) return rule;
  const uint32_t length = xl_u32(w->m, at), start = at + 4;
  if (length >= w->m->bytes - start || w->m->data[start + length] != 0) return fail(w, XL_RULE_STRING, at);
  rule = spend(w, 5 + (int64_t)length, at);
  if (rule != XL_RULE_NONE) return rule;
  return xl_is_utf8(w->m->data + start, length) ? XL_RULE_NONE : fail(w, XL_RULE_STRING, at);
}

static xl_rule check_strings(walk *w, xl_vector v) {
  for (uint32_t i = 0; i < v.count; ++i) {
    const xl_rule rule = check_string(w, v.at + 4 * i);
    if (rule != XL_RULE_NONE) return rule;
  }
  return XL_RULE_NONE;
}

/* A vector that the offset at byte `where` leads to. */
static xl_rule check_vector(walk *w, uint32_t where, char letter) {
  const uint32_t width = letter == 'b' || letter == 'a' ? 1 : letter == 'l' ? 8 : 4;
  const uint32_t align = letter == 'a' ? 16 : width;
  uint32_t at;
  xl_rule rule = follow(w, where, &at);
  if (rule != XL_RULE_NONE) return rule;
  const xl_vector v = {at + 4, xl_u32(w->m, at)};
  if (v.count > (w->m->bytes - v.at) / width) return fail(w, XL_RULE_VECTOR, at);
  if ((letter == 'T' || letter == 'S') && v.count > XL_MAX_VECTOR) return fail(w, XL_RULE_VECTOR, at);
  if (v.count > 0 && v.at % align != 0) return fail(w, XL_RULE_VECTOR, at);
  rule = spend(w, 4 + (int64_t)v.count * width, at);
  if (rule != XL_RULE_NONE || letter != 'S') return rule;
  return check_strings(w, v);
}

/* The vtable of the table at `start` and its slots. Returns the table's bytes in *size. */
static xl_rule check_vtable(const walk *w, uint32_t start, const char *layout, uint32_t *size) {
  const int64_t place = (int64_t)start - (int32_t)xl_u32(w->m, start);
  if (place < 0 || place > (int64_t)w->m->bytes - 4 || place % 2 != 0) return fail(w, XL_RULE_TABLE, start);
  const uint32_t vtable = (uint32_t)place, length = xl_u16(w->m, vtable);
  *size = xl_u16(w->m, vtable + 2);
  if (length < 4 || length % 2 != 0 || *size < 4 || length > w->m->bytes - vtable) {
    return fail(w, XL_RULE_TABLE, vtable);
  }
  for (uint32_t slot = 0; layout[slot] != 0 && 4 + 2 * slot < length; ++slot) {
    const char letter = layout[slot];
    const uint32_t offset = xl_u16(w->m, vtable + 4 + 2 * slot);
    const uint32_t width = letter == 'u' ? 1 : letter >= '1' && letter <= '8' ? (uint32_t)(letter - '0') : 4;
    if (offset != 0 && (offset < 4 || offset + width > *size)) return fail(w, XL_RULE_TABLE, vtable);
  }
  return *size > w->m->bytes - start ? fail(w, XL_RULE_TABLE, start) : XL_RULE_NONE;
}

static xl_rule check_field(walk *w, uint32_t at, char letter) {
  uint32_t target;
  switch (letter) {
    case '1':
    case 'u':
      return XL_RULE_NONE;
    case '2':
    case '4':
    case '8':
      return at % (uint32_t)(letter - '0') != 0 ? fail(w, XL_RULE_SCALAR_ALIGNMENT, at) : XL_RULE_NONE;
    case 's':
      return check_string(w, at);
    case 't':
    case 'U':
      return follow(w, at, &target);
    default:
      return check_vector(w, at, letter);
  }
}

/* A table and its fields, but for the tables that these lead to. */
static xl_rule check_table(walk *w, uint32_t start, const char *layout) {
  uint32_t size;
  xl_rule rule = check_vtable(w, start, layout, &size);
  if (rule == XL_RULE_NONE) rule = spend(w, size, start);
  for (uint32_t slot = 0; rule == XL_RULE_NONE && layout[slot] != 0; ++slot) {
    const uint32_t at = xl_field(w->m, start, slot);
    if (at != 0) rule = check_field(w, at, layout[slot]);
  }
  return rule;
}

/* The options of an op and the activation in them. */
static xl_rule check_options(walk *w, uint32_t op) {
  const uint32_t number = xl_field_u8(w->m, op, XL_OP_OPTIONS_TYPE, 0);
  const uint32_t where = xl_field(w->m, op, XL_OP_OPTIONS);
  if ((number == 0) != (where == 0)) return fail(w, XL_RULE_UNION, op);
  if (number == 0) return XL_RULE_NONE;
  if (number >= XL_OPTIONS_COUNT) return fail(w, XL_RULE_UNKNOWN, op);
  const uint32_t options = where + xl_u32(w->m, where);
  const char *layout = OPTIONS[number - 1];
  const xl_rule rule = check_table(w, options, layout);
  uint32_t slot = 0;
  while (layout[slot] != 0 && layout[slot] != 't') ++slot;
  if (rule != XL_RULE_NONE || layout[slot] == 0) return rule;
  const uint32_t activation = xl_field_table(w->m, options, slot);
  return activation == 0 ? XL_RULE_NONE : check_table(w, activation, XL_LAYOUT_ACTIVATION);
}

/* Every table of a vector. is_ops: their options too. */
static xl_rule check_tables(walk *w, xl_vector v, const char *layout, int is_ops) {
  for (uint32_t i = 0; i < v.count; ++i) {
    uint32_t at;
    xl_rule rule = follow(w, v.at + 4 * i, &at);
    if (rule == XL_RULE_NONE) rule = check_table(w, at, layout);
    if (rule == XL_RULE_NONE && is_ops) rule = check_options(w, at);
    if (rule != XL_RULE_NONE) return rule;
  }
  return XL_RULE_NONE;
}

static xl_rule check_metadata(walk *w, uint32_t metadata) {
  if (metadata == 0) return XL_RULE_NONE;
  xl_rule rule = check_table(w, metadata, XL_LAYOUT_METADATA);
  if (rule != XL_RULE_NONE) return rule;
  const uint32_t preprocessing = xl_field_table(w->m, metadata, XL_METADATA_PREPROCESSING);
  if (preprocessing != 0) rule = check_table(w, preprocessing, XL_LAYOUT_PREPROCESSING);
  if (rule != XL_RULE_NONE) return rule;
  return check_tables(w, xl_field_vector(w->m, metadata, XL_METADATA_ENTRIES), XL_LAYOUT_KEY_VALUE, 0);
}

/* The root table, whose version is looked at before anything else. */
static xl_rule check_root(walk *w, uint32_t *root) {
  if (w->m->bytes < 8 || xl_u32(w->m, 4) != XL_IDENTIFIER) return fail(w, XL_RULE_NOT_XLITE, 4);
  xl_rule rule = follow(w, 0, root);
  if (rule == XL_RULE_NONE) rule = check_table(w, *root, XL_LAYOUT_VERSION);
  if (rule != XL_RULE_NONE) return rule;
  if (xl_field_u16(w->m, *root, XL_MODEL_VERSION_MAJOR) != XL_VERSION_MAJOR) return fail(w, XL_RULE_VERSION, *root);
  return check_table(w, *root, XL_LAYOUT_MODEL);
}

static uint32_t set_vector(const xl_model *m, uint32_t root, uint32_t slot, uint32_t *at) {
  const xl_vector v = xl_field_vector(m, root, slot);
  *at = v.at;
  return v.count;
}

xl_rule xl_check_structure(xl_model *m, xl_error *error) {
  walk w = {m, (int64_t)XL_BUDGET_FACTOR * m->bytes + XL_BUDGET_FLOOR, error};
  uint32_t root;
  xl_rule rule = check_root(&w, &root);
  if (rule != XL_RULE_NONE) return rule;
  m->tensors = set_vector(m, root, XL_MODEL_TENSORS, &m->tensors_at);
  m->buffers = set_vector(m, root, XL_MODEL_BUFFERS, &m->buffers_at);
  m->op_count = set_vector(m, root, XL_MODEL_OPS, &m->ops_at);
  m->inputs = set_vector(m, root, XL_MODEL_INPUTS, &m->inputs_at);
  m->outputs = set_vector(m, root, XL_MODEL_OUTPUTS, &m->outputs_at);
  m->plan_at = xl_field_table(m, root, XL_MODEL_PLAN);
  m->metadata_at = xl_field_table(m, root, XL_MODEL_METADATA);
  rule = check_tables(&w, xl_field_vector(m, root, XL_MODEL_TENSORS), XL_LAYOUT_TENSOR, 0);
  if (rule == XL_RULE_NONE) rule = check_tables(&w, xl_field_vector(m, root, XL_MODEL_BUFFERS), XL_LAYOUT_BUFFER, 0);
  if (rule == XL_RULE_NONE) rule = check_tables(&w, xl_field_vector(m, root, XL_MODEL_OPS), XL_LAYOUT_OP, 1);
  if (rule == XL_RULE_NONE && m->plan_at != 0) rule = check_table(&w, m->plan_at, XL_LAYOUT_PLAN);
  if (rule == XL_RULE_NONE) rule = check_metadata(&w, m->metadata_at);
  if (rule == XL_RULE_NONE) error->at = 0;
  return rule;
}
