/* What a file is held to before it runs, in the order in which it is looked at: each step may trust those before it.
 * The rules are those of schema/decoder.py, schema/verifier.py, schema/contracts and schema/plan_rules.py; tests hold
 * both to the same verdicts. Each returns the first rule that is broken and sets where in *error. Internal. */
#ifndef XL_VERIFY_H
#define XL_VERIFY_H

#include "flat.h"

/* Leaves a function with `rule` unless the condition holds. */
#define XL_REQUIRE(condition, rule)                \
  do {                                             \
    if (!(condition)) return XL_RULE_##rule;       \
  } while (0)

/* Fills the model's places of vectors and tables. */
xl_rule xl_check_structure(xl_model *m, xl_error *error);

xl_rule xl_check_tensors(const xl_model *m, xl_error *error);

/* Indices, and the order in which tensors are written and read. */
xl_rule xl_check_order(const xl_model *m, xl_error *error);

/* The largest workspace of any op: of the smallest entry for each, of the first for each. */
typedef struct xl_workspaces {
  uint64_t least, first;
} xl_workspaces;

/* Every op keeps its contract and is in the table. */
xl_rule xl_check_ops(const xl_model *m, xl_workspaces *largest, xl_error *error);

xl_rule xl_check_plan(const xl_model *m, xl_error *error);

xl_rule xl_check_metadata(const xl_model *m, xl_error *error);

int xl_is_utf8(const uint8_t *text, uint32_t length);

#endif
