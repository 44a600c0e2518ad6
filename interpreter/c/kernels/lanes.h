/* Four floats side by side: a vector register, by the extension that gcc and clang share, or where there is none
 * four floats one after the other, with the same results. Internal. */
#ifndef XL_LANES_H
#define XL_LANES_H

#include <stdint.h>
#include <string.h>

#include "bits.h"

#define XL_LANES 4

/* x with its sign changed where `flip` is 0x80000000, as it is where flip is 0. */
XL_INLINE float xl_flip(float x, uint32_t flip) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits ^= flip;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* What xl_flip takes for bit i of a row. */
XL_INLINE uint32_t xl_flip_of(const uint32_t *row, ptrdiff_t i) {
  return (row[i / XL_WORD_BITS] >> (i % XL_WORD_BITS)) << 31;
}

#if defined(__GNUC__) && !defined(XL_PORTABLE)
#pragma GCC diagnostic ignored "-Wpsabi" /* all is inlined: how vectors are passed does not matter */

typedef float xl_f32x4 __attribute__((vector_size(16)));
typedef uint32_t xl_u32x4 __attribute__((vector_size(16)));

XL_INLINE xl_f32x4 xl_splat4(float x) { return (xl_f32x4){x, x, x, x}; }
XL_INLINE xl_u32x4 xl_splat4_u32(uint32_t x) { return (xl_u32x4){x, x, x, x}; }
XL_INLINE xl_f32x4 xl_add4(xl_f32x4 a, xl_f32x4 b) { return a + b; }
XL_INLINE xl_f32x4 xl_mul4(xl_f32x4 a, xl_f32x4 b) { return a * b; }
XL_INLINE xl_f32x4 xl_flip4(xl_f32x4 x, xl_u32x4 flips) { return (xl_f32x4)((xl_u32x4)x ^ flips); }

/* 0 in the lanes where `drops` is all ones; the others stay. */
XL_INLINE xl_f32x4 xl_drop4(xl_f32x4 x, xl_u32x4 drops) { return (xl_f32x4)((xl_u32x4)x & ~drops); }

/* What xl_drop4 takes for bits first to first + 3 of a word. */
XL_INLINE xl_u32x4 xl_drops4(uint32_t word, int first) {
  const xl_u32x4 lane_bits = {1u << first, 2u << first, 4u << first, 8u << first};
  return (xl_u32x4)((xl_splat4_u32(word) & lane_bits) != 0);
}

/* What xl_flip4 takes for bits first to first + 3 of a word. */
XL_INLINE xl_u32x4 xl_flips4(uint32_t word, int first) {
  const xl_u32x4 lane_bits = {1u << first, 2u << first, 4u << first, 8u << first};
  return (xl_u32x4)((xl_splat4_u32(word) & lane_bits) != 0) & 0x80000000u;
}

#else

typedef struct xl_f32x4 {
  float lane[XL_LANES];
} xl_f32x4;
typedef struct xl_u32x4 {
  uint32_t lane[XL_LANES];
} xl_u32x4;

XL_INLINE xl_f32x4 xl_splat4(float x) {
  const xl_f32x4 v = {{x, x, x, x}};
  return v;
}

XL_INLINE xl_u32x4 xl_splat4_u32(uint32_t x) {
  const xl_u32x4 v = {{x, x, x, x}};
  return v;
}

XL_INLINE xl_f32x4 xl_add4(xl_f32x4 a, xl_f32x4 b) {
  for (int i = 0; i < XL_LANES; ++i) a.lane[i] += b.lane[i];
  return a;
}

XL_INLINE xl_f32x4 xl_mul4(xl_f32x4 a, xl_f32x4 b) {
  for (int i = 0; i < XL_LANES; ++i) a.lane[i] *= b.lane[i];
  return a;
}

XL_INLINE xl_f32x4 xl_flip4(xl_f32x4 x, xl_u32x4 flips) {
  for (int i = 0; i < XL_LANES; ++i) x.lane[i] = xl_flip(x.lane[i], flips.lane[i]);
  return x;
}

XL_INLINE xl_u32x4 xl_flips4(uint32_t word, int first) {
  xl_u32x4 v;
  for (int i = 0; i < XL_LANES; ++i) v.lane[i] = (word >> (first + i)) << 31;
  return v;
}

XL_INLINE xl_f32x4 xl_drop4(xl_f32x4 x, xl_u32x4 drops) {
  for (int i = 0; i < XL_LANES; ++i) x.lane[i] = drops.lane[i] ? 0.0f : x.lane[i];
  return x;
}

XL_INLINE xl_u32x4 xl_drops4(uint32_t word, int first) {
  xl_u32x4 v;
  for (int i = 0; i < XL_LANES; ++i) v.lane[i] = (word >> (first + i)) & 1u ? UINT32_MAX : 0;
  return v;
}

#endif

XL_INLINE xl_f32x4 xl_load4(const float *p) {
  xl_f32x4 v;
  memcpy(&v, p, sizeof v);
  return v;
}

XL_INLINE void xl_store4(float *p, xl_f32x4 v) { memcpy(p, &v, sizeof v); }

/* acc + a * b, rounded twice. */
XL_INLINE xl_f32x4 xl_add_product4(xl_f32x4 acc, xl_f32x4 a, xl_f32x4 b) { return xl_add4(acc, xl_mul4(a, b)); }

#endif
