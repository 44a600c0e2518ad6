/* Work for several threads, or for one. Internal. */
#ifndef XL_PARALLEL_H
#define XL_PARALLEL_H

#include <stddef.h>

#include "xlite.h"

#define XL_PIECE_BYTES 32768 /* less is done before another thread has begun */

static inline int32_t xl_thread_count(const xl_op *op) { return op->threads == NULL ? 1 : op->threads->count; }

/* task over 0 to n - 1, in pieces of `grain`; see xl_threads. */
static inline void xl_parallel(const xl_op *op, xl_task task, void *context, int32_t n, int32_t grain) {
  if (op->threads == NULL || n <= grain) {
    task(context, 0, n, 0);
  } else {
    op->threads->run(op->threads, task, context, n, grain);
  }
}

/* How many pieces of `bytes` each are worth a thread's while. */
static inline int32_t xl_grain(ptrdiff_t bytes) {
  return bytes >= XL_PIECE_BYTES ? 1 : (int32_t)(XL_PIECE_BYTES / bytes);
}

#endif
