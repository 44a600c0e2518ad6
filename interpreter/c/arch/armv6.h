/* What the assembler of several files for ARMv6 is written with. Internal. */
#ifndef XL_ARMV6_H
#define XL_ARMV6_H

#define NAKED __attribute__((naked))
#define UNUSED __attribute__((unused))

/* d0 and so on += an entry of a look-up table, d8 and so on: so many units, six sums each. */
#define ADD_1 "vadd.f64 d0, d0, d8\n\t"
#define ADD_2 ADD_1 "vadd.f64 d1, d1, d9\n\t"
#define ADD_3 ADD_2 "vadd.f64 d2, d2, d10\n\t"
#define ADD_4 ADD_3 "vadd.f64 d3, d3, d11\n\t"
#define ADD_5 ADD_4 "vadd.f64 d4, d4, d12\n\t"
#define ADD_6 ADD_5 "vadd.f64 d5, d5, d13\n\t"

/* `make`, a macro of a number of units and of the registers of their sums and of an entry, for each number. */
#define FOR_EACH_UNITS(make)     \
  make(1, "{d0}", "{d8}")        \
  make(2, "{d0-d1}", "{d8-d9}")  \
  make(3, "{d0-d2}", "{d8-d10}") \
  make(4, "{d0-d3}", "{d8-d11}") \
  make(5, "{d0-d4}", "{d8-d12}") \
  make(6, "{d0-d5}", "{d8-d13}")

/* Products of floats, s0 and so on with s8 and so on, to s16 and so on. */
#define MULTIPLY_ADD_4        \
  "vmla.f32 s16, s0, s8\n\t"  \
  "vmla.f32 s17, s1, s9\n\t"  \
  "vmla.f32 s18, s2, s10\n\t" \
  "vmla.f32 s19, s3, s11\n\t"
#define MULTIPLY_ADD_8        \
  MULTIPLY_ADD_4              \
  "vmla.f32 s20, s4, s12\n\t" \
  "vmla.f32 s21, s5, s13\n\t" \
  "vmla.f32 s22, s6, s14\n\t" \
  "vmla.f32 s23, s7, s15\n\t"

#endif
