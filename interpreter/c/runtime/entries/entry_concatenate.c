/* CONCATENATE. Its kernel reads an array of its inputs: up to XL_PARTS of them lie on the stack with the parameters,
 * more in the workspace. */
#include "entry.h"
#include "rules.h"

/* The joined axis; 0, which it cannot be, where it is out of range. */
static uint32_t joined_axis(const xl_look *l) {
  const int32_t given = xl_option(l, XL_CONCATENATE_AXIS, -1);
  if (given >= l->x.rank || given < -(int32_t)l->x.rank) return 0;
  return (uint32_t)(given < 0 ? given + l->x.rank : given);
}

static xl_rule check(xl_look *l) {
  const uint32_t axis = joined_axis(l);
  int64_t total = 0;
  XL_REQUIRE(xl_is_moved(l), INPUT_DTYPE);
  XL_REQUIRE(axis != 0, PARAMETER);
  XL_REQUIRE(l->y.rank == l->x.rank && l->y.dtype == l->x.dtype, OUTPUT_TYPE);
  for (uint32_t i = 0; i < l->inputs.count; ++i) {
    xl_type t;
    l->tensor = xl_item(l->m, l->inputs, i);
    xl_input_type(l, i, &t);
    XL_REQUIRE(t.dtype == l->x.dtype, INPUT_DTYPE);
    XL_REQUIRE(t.rank == l->x.rank, INPUT_RANK);
    for (uint32_t a = 0; a < t.rank; ++a) XL_REQUIRE(a == axis || t.shape[a] == l->x.shape[a], INPUT_SHAPE);
    total += t.shape[axis];
  }
  l->tensor = -1;
  for (uint32_t a = 0; a < l->x.rank; ++a) {
    XL_REQUIRE(l->y.shape[a] == (a == axis ? total : l->x.shape[a]), OUTPUT_TYPE);
  }
  return XL_RULE_NONE;
}

/* Elements of this input that lie together; of bits that are joined along another axis than the last, those of whole
 * words. */
static int64_t part_extent(const xl_type *t, uint32_t axis) {
  if (t->dtype != XL_B || axis + 1u == t->rank) return xl_elements(t, axis, t->rank);
  return (int32_t)xl_stored(t) / (int32_t)xl_elements(t, 0, axis) * (int64_t)32;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  const uint32_t axis = joined_axis(l), count = l->inputs.count;
  xl_part *parts = count <= XL_PARTS ? params->concatenate.parts : (xl_part *)op->workspace;
  params->concatenate.p.rows = (int32_t)xl_elements(&l->x, 0, axis);
  params->concatenate.p.count = (int32_t)count;
  for (uint32_t i = 1; i < XL_MAX_INPUTS; ++i) op->in[i] = NULL;
  op->in[0] = parts;
  for (uint32_t i = 0; i < count; ++i) {
    xl_type t;
    xl_input_type(l, i, &t);
    const int64_t extent = part_extent(&t, axis);
    if (extent > INT32_MAX) return 0;
    if (parts == NULL) continue; /* there is no workspace yet */
    parts[i].data = xl_data_of(l->m, (uint32_t)xl_item(l->m, l->inputs, i));
    parts[i].extent = (int32_t)extent;
  }
  return 1;
}

static uint64_t workspace(const void *p) {
  const uint64_t count = (uint64_t)((const xl_concatenate_all *)p)->p.count;
  return count <= XL_PARTS ? 0 : count * sizeof(xl_part);
}

static const xl_kind KIND = {check, fill, XL_CONCATENATE_OPTIONS, 0, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(concatenate_f32, XL_NUMBER_CONCATENATE, XL_F32, XL_ANY_TYPE, XL_F32, KIND, workspace);
XL_ENTRY(concatenate_b, XL_NUMBER_CONCATENATE, XL_B, XL_ANY_TYPE, XL_B, KIND, workspace);
XL_ENTRY(concatenate_8, XL_NUMBER_CONCATENATE, XL_I8_OR_U8, XL_ANY_TYPE, XL_I8_OR_U8, KIND, workspace);
