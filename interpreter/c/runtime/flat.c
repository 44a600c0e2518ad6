/* Fields of flatbuffer tables. */
#include "flat.h"

#include <string.h>

/* Every number stands at a multiple of its size: structure.c checks that before it is read. */
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

uint16_t xl_u16(const xl_model *m, uint32_t at) {
  uint16_t value;
  memcpy(&value, __builtin_assume_aligned(m->data + at, 2), sizeof value); /* one load */
  return value;
}

uint32_t xl_u32(const xl_model *m, uint32_t at) {
  uint32_t value;
  memcpy(&value, __builtin_assume_aligned(m->data + at, 4), sizeof value);
  return value;
}

#else

uint16_t xl_u16(const xl_model *m, uint32_t at) {
  const uint8_t *p = m->data + at;
  return (uint16_t)(p[0] | (uint32_t)p[1] << 8);
}

uint32_t xl_u32(const xl_model *m, uint32_t at) {
  const uint8_t *p = m->data + at;
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#endif

uint64_t xl_u64(const xl_model *m, uint32_t at) { return xl_u32(m, at) | (uint64_t)xl_u32(m, at + 4) << 32; }

uint32_t xl_field(const xl_model *m, uint32_t table, uint32_t slot) {
  const uint32_t vtable = table - xl_u32(m, table), place = 4 + 2 * slot; /* the offset is signed: it wraps */
  if (place >= xl_u16(m, vtable)) return 0;
  const uint32_t offset = xl_u16(m, vtable + place);
  return offset == 0 ? 0 : table + offset;
}

uint32_t xl_field_u32(const xl_model *m, uint32_t table, uint32_t slot, uint32_t absent) {
  const uint32_t at = xl_field(m, table, slot);
  return at == 0 ? absent : xl_u32(m, at);
}

int32_t xl_field_i32(const xl_model *m, uint32_t table, uint32_t slot, int32_t absent) {
  return (int32_t)xl_field_u32(m, table, slot, (uint32_t)absent);
}

uint16_t xl_field_u16(const xl_model *m, uint32_t table, uint32_t slot) {
  const uint32_t at = xl_field(m, table, slot);
  return at == 0 ? 0 : xl_u16(m, at);
}

uint8_t xl_field_u8(const xl_model *m, uint32_t table, uint32_t slot, uint8_t absent) {
  const uint32_t at = xl_field(m, table, slot);
  return at == 0 ? absent : m->data[at];
}

float xl_field_f32(const xl_model *m, uint32_t table, uint32_t slot, uint32_t absent) {
  const uint32_t bits = xl_field_u32(m, table, slot, absent);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t xl_field_table(const xl_model *m, uint32_t table, uint32_t slot) {
  const uint32_t at = xl_field(m, table, slot);
  return at == 0 ? 0 : at + xl_u32(m, at);
}

xl_vector xl_field_vector(const xl_model *m, uint32_t table, uint32_t slot) {
  const uint32_t at = xl_field_table(m, table, slot);
  xl_vector v = {0, 0};
  if (at != 0) {
    v.at = at + 4;
    v.count = xl_u32(m, at);
  }
  return v;
}

const char *xl_field_string(const xl_model *m, uint32_t table, uint32_t slot) {
  const xl_vector v = xl_field_vector(m, table, slot);
  return v.at == 0 ? "" : (const char *)(m->data + v.at);
}

int32_t xl_item(const xl_model *m, xl_vector v, uint32_t i) { return (int32_t)xl_u32(m, v.at + 4 * i); }

int64_t xl_item_i64(const xl_model *m, xl_vector v, uint32_t i) { return (int64_t)xl_u64(m, v.at + 8 * i); }

uint32_t xl_table_at(const xl_model *m, uint32_t vector_at, uint32_t i) {
  const uint32_t at = vector_at + 4 * i;
  return at + xl_u32(m, at);
}
