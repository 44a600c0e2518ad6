/* Running a model. Each op is decoded from the file into one xl_op and its parameters, which live on the stack while
 * its kernel runs: no memory is kept for it between runs. */
#include "look.h"

#if defined(__GNUC__)
#define NOT_INLINE __attribute__((noinline))
#else
#define NOT_INLINE
#endif

/* A frame of its own, which is gone when the kernel runs. */
static NOT_INLINE void prepare(const xl_model *m, uint32_t index, xl_op *op, xl_params *params) {
  xl_look look;
  xl_look_at(&look, m, index);
  (void)xl_resolve(&look, index, m->workspace_bytes, op, params); /* xl_model_open has seen that there is one */
}

void xl_model_invoke(const xl_model *model) {
  for (uint32_t i = 0; i < model->op_count; ++i) {
    xl_op op;
    xl_params params;
    prepare(model, i, &op, &params);
    op.run(&op);
  }
}

void xl_model_invoke_profiled(const xl_model *model, xl_profile hook, void *user) {
  for (uint32_t i = 0; i < model->op_count; ++i) {
    xl_op op;
    xl_params params;
    prepare(model, i, &op, &params);
    hook(user, &op, i, 0);
    op.run(&op);
    hook(user, &op, i, 1);
  }
}
