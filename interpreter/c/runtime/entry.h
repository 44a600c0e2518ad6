/* Writing entries of the op table: an op has a file in entries/ with its rules, its parameters and one entry for each
 * of its kernels. Internal. */
#ifndef XL_ENTRY_H
#define XL_ENTRY_H

#include "look.h"

/* The entry of kernel xl_<name>. */
#define XL_ENTRY(name, number, x, weights, out, kind, workspace) \
  const xl_entry xl_op_##name[1] = {{number, x, weights, out, &kind, NULL, xl_##name, NULL, NULL, workspace}}

/* Those of an op with a filter. */
#define XL_FILTERED_ENTRIES(name, number, kind, bits, floats)             \
  XL_ENTRY(name##_b_b_b, number, XL_B, XL_B, XL_B, kind, bits);           \
  XL_ENTRY(name##_b_b_i32, number, XL_B, XL_B, XL_I32, kind, bits);       \
  XL_ENTRY(name##_b_b_f32, number, XL_B, XL_B, XL_F32, kind, bits);       \
  XL_ENTRY(name##_f32_b_f32, number, XL_F32, XL_B, XL_F32, kind, floats); \
  XL_ENTRY(name##_f32_f32_f32, number, XL_F32, XL_F32, XL_F32, kind, floats)

/* Those of one that takes integers too. */
#define XL_OUTPUT_ENTRIES(name, number, x, weights, kind, workspace)      \
  XL_ENTRY(name##_b, number, x, weights, XL_B, kind, workspace);          \
  XL_ENTRY(name##_i32, number, x, weights, XL_I32, kind, workspace);      \
  XL_ENTRY(name##_f32, number, x, weights, XL_F32, kind, workspace)
#define XL_INTEGER_ENTRIES(name, number, kind, integers, floats)          \
  XL_OUTPUT_ENTRIES(name##_u8_i8, number, XL_U8, XL_I8, kind, integers);  \
  XL_OUTPUT_ENTRIES(name##_u8_b, number, XL_U8, XL_B, kind, integers);    \
  XL_OUTPUT_ENTRIES(name##_i8_i8, number, XL_I8, XL_I8, kind, integers);  \
  XL_OUTPUT_ENTRIES(name##_i8_b, number, XL_I8, XL_B, kind, integers);    \
  XL_OUTPUT_ENTRIES(name##_b_i8, number, XL_B, XL_I8, kind, integers);    \
  XL_ENTRY(name##_f32_i8_f32, number, XL_F32, XL_I8, XL_F32, kind, floats)

#endif
