/* RESHAPE: a copy where the stored bytes stay as they are; rows of bits that change their length are packed
 * anew. */
#include <string.h>

#include "bits.h"
#include "xlite.h"

void xl_reshape_copy(const xl_op *op) {
  const xl_bytes_params *p = (const xl_bytes_params *)op->params;
  if (op->out != op->in[0]) memcpy(op->out, op->in[0], (size_t)p->bytes);
}

/* The elements in order, in pieces that end where a row of either side does. */
void xl_reshape_b(const xl_op *op) {
  const xl_reshape_params *p = (const xl_reshape_params *)op->params;
  const uint32_t *x = (const uint32_t *)op->in[0];
  xl_bit_writer y = xl_write_bits((uint32_t *)op->out);
  int32_t at = 0; /* in the row of x */
  for (int32_t r = 0; r < p->out_rows; ++r) {
    for (int32_t left = p->out_bits; left > 0;) {
      const int32_t n = xl_min32(left, p->in_bits - at);
      xl_put_row(&y, x, at, n);
      left -= n;
      at += n;
      if (at == p->in_bits) {
        x += xl_words(p->in_bits);
        at = 0;
      }
    }
    xl_end_row(&y);
  }
}
