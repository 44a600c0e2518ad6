/* Work for several threads, or for one. Internal. */
#ifndef XL_PARALLEL_H
#define XL_PARALLEL_H

#include "xlite.h"

static inline int32_t xl_thread_count(const xl_op *op) { return op->threads == NULL ? 1 : op->threads->count; }

/* task over 0 to n - 1, in pieces of `grain`; see xl_threads. */
static inline void xl_parallel(const xl_op *op, xl_task task, void *context, int32_t n, int32_t grain) {
  if (op->threads == NULL || n <= grain) {
    task(context, 0, n, 0);
  } else {
    op->threads->run(op->threads, task, context, n, grain);
  }
}

#endif
