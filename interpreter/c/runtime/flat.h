/* Reading the tables of a file that structure.c has checked. Internal. */
#ifndef XL_FLAT_H
#define XL_FLAT_H

#include "xlite.h"

/* A vector in the file: the byte of its first element, and how many there are. */
typedef struct xl_vector {
  uint32_t at, count;
} xl_vector;

/* Little-endian numbers at multiples of their size. */
uint16_t xl_u16(const xl_model *m, uint32_t at);
uint32_t xl_u32(const xl_model *m, uint32_t at);
uint64_t xl_u64(const xl_model *m, uint32_t at);

/* Where a field of a table stands; 0 where the table does not have it. */
uint32_t xl_field(const xl_model *m, uint32_t table, uint32_t slot);

/* A field's value, or `absent` where the table does not have it. Floats are read as their bits. */
int32_t xl_field_i32(const xl_model *m, uint32_t table, uint32_t slot, int32_t absent);
uint32_t xl_field_u32(const xl_model *m, uint32_t table, uint32_t slot, uint32_t absent);
uint16_t xl_field_u16(const xl_model *m, uint32_t table, uint32_t slot);
uint8_t xl_field_u8(const xl_model *m, uint32_t table, uint32_t slot, uint8_t absent);
float xl_field_f32(const xl_model *m, uint32_t table, uint32_t slot, uint32_t absent);

/* A table; 0 where there is none. An empty vector and an empty string where there are none. */
uint32_t xl_field_table(const xl_model *m, uint32_t table, uint32_t slot);
xl_vector xl_field_vector(const xl_model *m, uint32_t table, uint32_t slot);
const char *xl_field_string(const xl_model *m, uint32_t table, uint32_t slot);

/* Element i of a vector of int32, of int64, of tables. */
int32_t xl_item(const xl_model *m, xl_vector v, uint32_t i);
int64_t xl_item_i64(const xl_model *m, xl_vector v, uint32_t i);
uint32_t xl_table_at(const xl_model *m, uint32_t vector_at, uint32_t i);

#endif
