/* Types and places of tensors. */
#include "type.h"

#include "bits.h"

static uint32_t table_of(const xl_model *m, uint32_t tensor) { return xl_table_at(m, m->tensors_at, tensor); }

int xl_is_constant(const xl_model *m, uint32_t tensor) {
  return xl_field_i32(m, table_of(m, tensor), XL_TENSOR_BUFFER, -1) >= 0;
}

xl_type xl_type_of(const xl_model *m, uint32_t tensor) {
  const uint32_t table = table_of(m, tensor);
  const xl_vector shape = xl_field_vector(m, table, XL_TENSOR_SHAPE);
  xl_type t;
  t.rank = (uint8_t)shape.count;
  for (uint32_t i = 0; i < XL_MAX_RANK; ++i) t.shape[i] = i < shape.count ? xl_item(m, shape, i) : 1;
  t.dtype = xl_field_u8(m, table, XL_TENSOR_DTYPE, XL_F32);
  t.packed_axes = xl_field_u8(m, table, XL_TENSOR_PACKED_AXES, 1);
  t.constant = (uint8_t)(xl_field_i32(m, table, XL_TENSOR_BUFFER, -1) >= 0);
  return t;
}

int64_t xl_elements(const xl_type *t, uint32_t begin, uint32_t end) {
  int64_t n = 1;
  for (uint32_t i = begin; i < end; ++i) n *= t->shape[i];
  return n;
}

int64_t xl_row(const xl_type *t) { return xl_elements(t, (uint32_t)(t->rank - t->packed_axes), t->rank); }

int64_t xl_stored(const xl_type *t) {
  if (t->dtype != XL_B) return xl_elements(t, 0, t->rank);
  return xl_elements(t, 0, (uint32_t)(t->rank - t->packed_axes)) * ((xl_row(t) + XL_WORD_BITS - 1) >> 5);
}

int64_t xl_type_bytes(const xl_type *t) {
  const int64_t stored = xl_stored(t);
  return t->dtype == XL_I8 || t->dtype == XL_U8 ? stored : 4 * stored;
}

int xl_is_value(uint8_t dtype, int32_t value) {
  if (dtype == XL_I8) return value >= -128 && value <= 127;
  if (dtype == XL_U8) return value >= 0 && value <= 255;
  return dtype == XL_I32;
}

int xl_same_type(const xl_type *a, const xl_type *b) {
  if (a->rank != b->rank || a->dtype != b->dtype || a->packed_axes != b->packed_axes) return 0;
  for (uint32_t i = 0; i < a->rank; ++i) {
    if (a->shape[i] != b->shape[i]) return 0;
  }
  return 1;
}

int xl_same_rows(const xl_type *x, const xl_type *y) {
  const int32_t a = x->shape[x->rank - 1], b = y->shape[y->rank - 1];
  return x->dtype != XL_B || a == b || (a % XL_WORD_BITS == 0 && b % XL_WORD_BITS == 0);
}

xl_vector xl_constant(const xl_model *m, uint32_t tensor) {
  const int32_t buffer = xl_field_i32(m, table_of(m, tensor), XL_TENSOR_BUFFER, -1);
  return xl_field_vector(m, xl_table_at(m, m->buffers_at, (uint32_t)buffer), XL_BUFFER_DATA);
}

int64_t xl_offset(const xl_model *m, uint32_t tensor) {
  return xl_item_i64(m, xl_field_vector(m, m->plan_at, XL_PLAN_OFFSETS), tensor);
}

void *xl_data_of(const xl_model *m, uint32_t tensor) {
  if (xl_is_constant(m, tensor)) return (void *)(uintptr_t)(m->data + xl_constant(m, tensor).at);
  return m->arena == NULL ? NULL : m->arena + xl_offset(m, tensor);
}

xl_tensor xl_tensor_of(const xl_model *m, uint32_t tensor) {
  const xl_type type = xl_type_of(m, tensor);
  xl_tensor t;
  t.data = xl_data_of(m, tensor);
  t.name = xl_field_string(m, table_of(m, tensor), XL_TENSOR_NAME);
  t.bytes = (uint32_t)xl_type_bytes(&type);
  t.dtype = type.dtype;
  t.rank = type.rank;
  for (uint32_t i = 0; i < XL_MAX_RANK; ++i) t.shape[i] = type.shape[i];
  return t;
}
