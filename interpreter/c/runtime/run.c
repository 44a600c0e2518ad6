/* The executor. */
#include "xlite.h"

void xl_run(const xl_op *ops, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) ops[i].run(&ops[i]);
}

void xl_run_profiled(const xl_op *ops, uint32_t n, xl_profile hook, void *user) {
  for (uint32_t i = 0; i < n; ++i) {
    hook(user, &ops[i], i, 0);
    ops[i].run(&ops[i]);
    hook(user, &ops[i], i, 1);
  }
}
