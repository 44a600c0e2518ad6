/* Rules of the graph: which tensors are written, when, and which are read.
 *
 * What is written already is one bit a tensor. The stack holds BLOCK of them: with more tensors the ops are walked once
 * for every BLOCK, so that no memory is needed but this. */
#include <string.h>

#include "type.h"
#include "verify.h"

#define BLOCK 1024

typedef struct block {
  uint32_t first;             /* tensor of bit 0 */
  uint32_t bits[BLOCK / 32];
} block;

static void clear(block *b, uint32_t first) {
  b->first = first;
  memset(b->bits, 0, sizeof b->bits);
}

/* Of a tensor outside the block nothing is known here: `there` says what to answer. */
static int is_set(const block *b, uint32_t tensor, int there) {
  const uint32_t i = tensor - b->first;
  return i < BLOCK ? (int)(b->bits[i / 32] >> i % 32 & 1u) : there;
}

static void set(block *b, uint32_t tensor) {
  const uint32_t i = tensor - b->first;
  if (i < BLOCK) b->bits[i / 32] |= (uint32_t)1 << i % 32;
}

static xl_rule broken(xl_error *error, xl_rule rule, int64_t tensor) {
  error->tensor = (int32_t)tensor;
  return rule;
}

/* The graph's inputs or outputs, of which those in the block are set in it. */
static xl_rule check_ends(const xl_model *m, xl_vector ends, block *b, xl_error *error) {
  XL_REQUIRE(ends.count > 0, NO_ENDS);
  for (uint32_t i = 0; i < ends.count; ++i) {
    const int32_t tensor = xl_item(m, ends, i);
    if (tensor < 0 || (uint32_t)tensor >= m->tensors) return broken(error, XL_RULE_INDEX, tensor);
    if (xl_is_constant(m, (uint32_t)tensor)) return broken(error, XL_RULE_CONSTANT_END, tensor);
    if (is_set(b, (uint32_t)tensor, 0)) return broken(error, XL_RULE_END_TWICE, tensor);
    set(b, (uint32_t)tensor);
  }
  return XL_RULE_NONE;
}

/* One op against what is written before it; its outputs are written afterwards. */
static xl_rule check_op(const xl_model *m, uint32_t op, block *written, xl_error *error) {
  const xl_vector inputs = xl_field_vector(m, op, XL_OP_INPUTS), outputs = xl_field_vector(m, op, XL_OP_OUTPUTS);
  for (uint32_t i = 0; i < inputs.count; ++i) {
    const int32_t tensor = xl_item(m, inputs, i);
    if (tensor == -1) continue;
    if (tensor < 0 || (uint32_t)tensor >= m->tensors) return broken(error, XL_RULE_INDEX, tensor);
    if (!is_set(written, (uint32_t)tensor, 1)) return broken(error, XL_RULE_READ_BEFORE_WRITTEN, tensor);
  }
  XL_REQUIRE(outputs.count > 0, NO_OUTPUTS);
  for (uint32_t i = 0; i < outputs.count; ++i) {
    const int32_t tensor = xl_item(m, outputs, i);
    if (tensor < 0 || (uint32_t)tensor >= m->tensors) return broken(error, XL_RULE_INDEX, tensor);
    if (is_set(written, (uint32_t)tensor, 0)) return broken(error, XL_RULE_WRITTEN_TWICE, tensor);
    set(written, (uint32_t)tensor);
  }
  return XL_RULE_NONE;
}

static xl_rule check_ops(const xl_model *m, block *written, xl_error *error) {
  for (uint32_t i = 0; i < m->op_count; ++i) {
    const xl_rule rule = check_op(m, xl_table_at(m, m->ops_at, i), written, error);
    if (rule != XL_RULE_NONE) {
      error->op = (int32_t)i;
      return rule;
    }
  }
  return XL_RULE_NONE;
}

static xl_rule check_block(const xl_model *m, uint32_t first, xl_error *error) {
  const xl_vector inputs = {m->inputs_at, m->inputs}, outputs = {m->outputs_at, m->outputs};
  const uint32_t end = m->tensors - first < BLOCK ? m->tensors : first + BLOCK;
  block b;
  clear(&b, first);
  xl_rule rule = check_ends(m, outputs, &b, error);
  if (rule != XL_RULE_NONE) return rule;
  clear(&b, first);
  rule = check_ends(m, inputs, &b, error);
  if (rule != XL_RULE_NONE) return rule;
  for (uint32_t t = first; t < end; ++t) {
    if (xl_is_constant(m, t)) set(&b, t);
  }
  rule = check_ops(m, &b, error);
  for (uint32_t t = first; rule == XL_RULE_NONE && t < end; ++t) {
    if (!is_set(&b, t, 1)) rule = broken(error, XL_RULE_NEVER_WRITTEN, t);
  }
  return rule;
}

xl_rule xl_check_order(const xl_model *m, xl_error *error) {
  uint32_t first = 0;
  do { /* once at least: a model without tensors has no ends */
    const xl_rule rule = check_block(m, first, error);
    if (rule != XL_RULE_NONE) return rule;
    first += BLOCK;
  } while (first < m->tensors);
  return XL_RULE_NONE;
}
