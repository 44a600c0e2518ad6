/* Rules of single tensors: their types, and the data of constants. */
#include "bits.h"
#include "floats.h"
#include "limits.h"
#include "type.h"
#include "verify.h"

/* The type, field by field, so that nothing overflows before it is known to fit. */
static xl_rule check_type(const xl_model *m, uint32_t table) {
  const xl_vector shape = xl_field_vector(m, table, XL_TENSOR_SHAPE);
  XL_REQUIRE(xl_field_u8(m, table, XL_TENSOR_DTYPE, XL_F32) < XL_DTYPE_COUNT, UNKNOWN);
  XL_REQUIRE(shape.count >= 1 && shape.count <= XL_MAX_RANK, RANK);
  int64_t elements = 1;
  for (uint32_t i = 0; i < shape.count; ++i) {
    const int32_t extent = xl_item(m, shape, i);
    XL_REQUIRE(extent >= 1, EXTENT);
    elements *= extent;
    XL_REQUIRE(elements <= XL_MAX_ELEMENTS, EXTENT);
  }
  const uint32_t packed = xl_field_u8(m, table, XL_TENSOR_PACKED_AXES, 1);
  XL_REQUIRE(packed >= 1 && packed <= shape.count, PACKED_AXES);
  return XL_RULE_NONE;
}

static xl_rule check_numbers(const xl_model *m, uint32_t table, uint8_t dtype) {
  const uint32_t scale = xl_field_u32(m, table, XL_TENSOR_SCALE, 0);
  const int32_t zero_point = xl_field_i32(m, table, XL_TENSOR_ZERO_POINT, 0);
  if (xl_is_zero(scale) && zero_point == 0) return XL_RULE_NONE;
  XL_REQUIRE(xl_is_finite(scale) && xl_float_order(scale) > 0, QUANTIZATION);
  XL_REQUIRE(xl_is_value(dtype, zero_point), QUANTIZATION);
  return XL_RULE_NONE;
}

/* Rows of bits end in zeros. */
static xl_rule check_unused_bits(const xl_model *m, const xl_type *t, xl_vector data) {
  const int64_t row = xl_row(t);
  const uint32_t used = (uint32_t)(row % XL_WORD_BITS), step = (uint32_t)xl_words((ptrdiff_t)row) * 4;
  if (used == 0) return XL_RULE_NONE;
  for (uint32_t at = step; at <= data.count; at += step) {
    XL_REQUIRE(xl_u32(m, data.at + at - 4) >> used == 0, UNUSED_BITS);
  }
  return XL_RULE_NONE;
}

static xl_rule check_constant(const xl_model *m, uint32_t tensor, const xl_type *t) {
  const xl_vector data = xl_constant(m, tensor);
  XL_REQUIRE((int64_t)data.count == xl_type_bytes(t), CONSTANT_BYTES);
  return t->dtype == XL_B ? check_unused_bits(m, t, data) : XL_RULE_NONE;
}

static xl_rule check_tensor(const xl_model *m, uint32_t tensor, uint64_t *activations) {
  const uint32_t table = xl_table_at(m, m->tensors_at, tensor);
  const int32_t buffer = xl_field_i32(m, table, XL_TENSOR_BUFFER, -1);
  xl_rule rule = check_type(m, table);
  if (rule != XL_RULE_NONE) return rule;
  const xl_type t = xl_type_of(m, tensor);
  XL_REQUIRE(xl_type_bytes(&t) <= XL_MAX_ELEMENTS, EXTENT);
  XL_REQUIRE(buffer >= -1 && buffer < (int64_t)m->buffers, BUFFER);
  XL_REQUIRE(t.packed_axes == 1 || (t.dtype == XL_B && t.constant), PACKED_AXES);
  rule = check_numbers(m, table, t.dtype);
  if (rule != XL_RULE_NONE) return rule;
  if (t.constant) return check_constant(m, tensor, &t);
  XL_REQUIRE(t.rank >= 2 && t.shape[0] == 1, BATCH);
  *activations += (uint64_t)xl_type_bytes(&t);
  return XL_RULE_NONE;
}

xl_rule xl_check_tensors(const xl_model *m, xl_error *error) {
  uint64_t activations = 0;
  for (uint32_t i = 0; i < m->tensors; ++i) {
    const xl_rule rule = check_tensor(m, i, &activations);
    if (rule != XL_RULE_NONE) {
      error->tensor = (int32_t)i;
      return rule;
    }
  }
  XL_REQUIRE(activations <= XL_MAX_ARENA, TOTAL_BYTES);
  return XL_RULE_NONE;
}
