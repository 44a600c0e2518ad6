/* Rules of the arena's plan. Two tensors that are alive at once lie apart, but for an output that takes over its
 * input's memory.
 *
 * A tensor is alive from the op that writes it to the last that reads it, and those of the graph's ends to the end. So
 * it is held against what ops write in between: one walk over the ops behind it, which notes the first that writes over
 * it and finds fault with the next that reads it. That needs no memory, and for n ops takes n^2 steps at most. */
#include "limits.h"
#include "look.h"

static xl_rule check_offset(const xl_model *m, uint32_t tensor, int64_t offset, uint64_t arena, uint64_t *together) {
  const xl_type t = xl_type_of(m, tensor);
  const uint64_t bytes = (uint64_t)xl_type_bytes(&t);
  if (t.constant) {
    XL_REQUIRE(offset == -1, PLAN_OFFSET);
    return XL_RULE_NONE;
  }
  XL_REQUIRE(offset >= 0 && offset % 16 == 0, PLAN_OFFSET);
  XL_REQUIRE((uint64_t)offset <= arena && bytes <= arena - (uint64_t)offset, PLAN_OFFSET);
  *together += (bytes + 15) / 16 * 16;
  return XL_RULE_NONE;
}

static xl_rule check_bounds(const xl_model *m, xl_error *error) {
  const xl_vector offsets = xl_field_vector(m, m->plan_at, XL_PLAN_OFFSETS);
  const uint32_t arena_at = xl_field(m, m->plan_at, XL_PLAN_ARENA_BYTES);
  const uint32_t bound_at = xl_field(m, m->plan_at, XL_PLAN_LOWER_BOUND);
  const uint64_t arena = arena_at == 0 ? 0 : xl_u64(m, arena_at), bound = bound_at == 0 ? 0 : xl_u64(m, bound_at);
  uint64_t together = 0;
  XL_REQUIRE(offsets.count == m->tensors, PLAN_LENGTH);
  XL_REQUIRE(arena <= XL_MAX_ARENA && bound <= arena, PLAN_BYTES);
  for (uint32_t i = 0; i < m->tensors; ++i) {
    const xl_rule rule = check_offset(m, i, xl_item_i64(m, offsets, i), arena, &together);
    if (rule != XL_RULE_NONE) {
      error->tensor = (int32_t)i;
      return rule;
    }
  }
  XL_REQUIRE(arena <= together, PLAN_BYTES);
  return XL_RULE_NONE;
}

/* A tensor and its bytes in the arena. */
typedef struct place {
  uint32_t tensor;
  int64_t begin, end;
} place;

static place place_of(const xl_model *m, uint32_t tensor) {
  const xl_type t = xl_type_of(m, tensor);
  place p;
  p.tensor = tensor;
  p.begin = xl_offset(m, tensor);
  p.end = p.begin + xl_type_bytes(&t);
  return p;
}

static int holds(const xl_model *m, xl_vector indices, uint32_t tensor) {
  for (uint32_t i = 0; i < indices.count; ++i) {
    if (xl_item(m, indices, i) == (int32_t)tensor) return 1;
  }
  return 0;
}

/* The first tensor of a vector, from `from` on, that overlaps p; -1 if none does. */
static int32_t overlapping(const xl_model *m, xl_vector indices, uint32_t from, const place *p) {
  for (uint32_t i = from; i < indices.count; ++i) {
    const int32_t tensor = xl_item(m, indices, i);
    const int64_t begin = xl_offset(m, (uint32_t)tensor);
    if (begin >= p->end) continue;
    const place other = place_of(m, (uint32_t)tensor);
    if (other.end > p->begin) return tensor;
  }
  return -1;
}

/* Whether op `index` may write its output over p, one of its inputs. */
static int may_take_over(const xl_model *m, uint32_t index, const place *p) {
  xl_look l;
  xl_look_at(&l, m, index);
  const xl_kind *kind = xl_kind_of(&l);
  if (kind->inplace == 0 || xl_offset(m, (uint32_t)xl_item(m, l.outputs, 0)) != p->begin) return 0;
  if (l.number == XL_NUMBER_RESHAPE && !xl_same_rows(&l.x, &l.y)) return 0;
  for (uint32_t i = 0; i < l.inputs.count && i < 8; ++i) {
    const xl_type *t = i == 0 ? &l.x : &l.w;
    if ((kind->inplace >> i & 1) == 0 || xl_item(m, l.inputs, i) != (int32_t)p->tensor) continue;
    if (t->dtype == l.y.dtype && xl_type_bytes(t) == xl_type_bytes(&l.y)) return 1;
  }
  return 0;
}

/* p, which is written by op first - 1 or before all, against what ops from `first` on write. */
static xl_rule check_life(const xl_model *m, const place *p, uint32_t first, xl_error *error) {
  const xl_vector inputs = {m->inputs_at, m->inputs}, outputs = {m->outputs_at, m->outputs};
  const int stays = holds(m, outputs, p->tensor) || holds(m, inputs, p->tensor);
  int lost = 0;
  for (uint32_t i = first; i < m->op_count; ++i) {
    const uint32_t op = xl_table_at(m, m->ops_at, i);
    const int reads = holds(m, xl_field_vector(m, op, XL_OP_INPUTS), p->tensor);
    int broken = reads && lost;
    if (!lost && overlapping(m, xl_field_vector(m, op, XL_OP_OUTPUTS), 0, p) >= 0) {
      lost = 1;
      broken = stays || (reads && !may_take_over(m, i, p));
    }
    if (broken) {
      error->op = (int32_t)i;
      return XL_RULE_PLAN_OVERLAP;
    }
  }
  return XL_RULE_NONE;
}

/* Tensors that are written at once: by op first - 1, or the graph's inputs. */
static xl_rule check_written(const xl_model *m, xl_vector written, uint32_t first, xl_error *error) {
  for (uint32_t i = 0; i < written.count; ++i) {
    const place p = place_of(m, (uint32_t)xl_item(m, written, i));
    error->tensor = (int32_t)p.tensor;
    XL_REQUIRE(overlapping(m, written, i + 1, &p) < 0, PLAN_OVERLAP);
    const xl_rule rule = check_life(m, &p, first, error);
    if (rule != XL_RULE_NONE) return rule;
  }
  error->tensor = -1;
  return XL_RULE_NONE;
}

xl_rule xl_check_plan(const xl_model *m, xl_error *error) {
  const xl_vector inputs = {m->inputs_at, m->inputs};
  xl_rule rule = m->plan_at == 0 ? XL_RULE_NO_PLAN : check_bounds(m, error);
  if (rule == XL_RULE_NONE) rule = check_written(m, inputs, 0, error);
  for (uint32_t i = 0; rule == XL_RULE_NONE && i < m->op_count; ++i) {
    const uint32_t op = xl_table_at(m, m->ops_at, i);
    rule = check_written(m, xl_field_vector(m, op, XL_OP_OUTPUTS), i + 1, error);
  }
  return rule;
}
