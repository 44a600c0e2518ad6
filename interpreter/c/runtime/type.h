/* Types of tensors. Internal. */
#ifndef XL_TYPE_H
#define XL_TYPE_H

#include "flat.h"
#include "layout.h"

typedef struct xl_type {
  int32_t shape[XL_MAX_RANK];
  uint8_t rank;
  uint8_t dtype;
  uint8_t packed_axes;
  uint8_t constant;
} xl_type;

/* Of a tensor that xl_check_tensors has seen. */
xl_type xl_type_of(const xl_model *m, uint32_t tensor);

int xl_is_constant(const xl_model *m, uint32_t tensor);

/* Elements of axes begin to end - 1. */
int64_t xl_elements(const xl_type *t, uint32_t begin, uint32_t end);

/* Elements of one row of bits, and what a tensor takes: 4-byte words of bits, else elements; bytes. */
int64_t xl_row(const xl_type *t);
int64_t xl_stored(const xl_type *t);
int64_t xl_type_bytes(const xl_type *t);

/* Whether elements of an integer type can have this value. */
int xl_is_value(uint8_t dtype, int32_t value);

int xl_same_type(const xl_type *a, const xl_type *b);

/* Whether a RESHAPE leaves the stored bytes as they are: rows of bits are equal, or whole words on both sides. */
int xl_same_rows(const xl_type *x, const xl_type *y);

/* Where a tensor's elements lie; those of a constant are in the file. */
void *xl_data_of(const xl_model *m, uint32_t tensor);

/* The data of a constant's buffer. */
xl_vector xl_constant(const xl_model *m, uint32_t tensor);

/* Its place in the plan. */
int64_t xl_offset(const xl_model *m, uint32_t tensor);

/* What the public functions tell of it. */
xl_tensor xl_tensor_of(const xl_model *m, uint32_t tensor);

#endif
