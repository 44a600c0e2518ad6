/* Which instruction sets this machine has, of those that the library holds register tiles for. */
#include "isa.h"

#if defined(XL_HAS_NEON) && defined(__arm__) && defined(__linux__)
#include <sys/auxv.h>
#define HWCAP_NEON_BIT (1ul << 12)
#endif

/* The fastest first; what a machine lacks is a beginning of the list. */
static const xl_isa *const ALL[] = {
#ifdef XL_HAS_AVX512
    &xl_avx512,
#endif
#ifdef XL_HAS_AVX2
    &xl_avx2,
#endif
#ifdef XL_HAS_NEON
    &xl_neon,
#endif
#ifdef XL_HAS_WASM
    &xl_wasm_simd128,
#endif
    NULL,
};

static int has(const xl_isa *isa) {
#ifdef XL_HAS_AVX512
  if (isa == &xl_avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vpopcntdq");
  }
#endif
#ifdef XL_HAS_AVX2
  if (isa == &xl_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
#if defined(XL_HAS_NEON) && defined(__arm__) && defined(__linux__)
  if (isa == &xl_neon) return (getauxval(AT_HWCAP) & HWCAP_NEON_BIT) != 0;
#endif
  return isa != NULL;
}

const char *xl_isa_name(const xl_isa *isa) { return isa->name; }

int32_t xl_isa_has_f32(const xl_isa *isa) { return isa->f32 != NULL; }

xl_kernel xl_isa_kernel(const xl_isa *isa, xl_kernel portable) {
#ifdef XL_HAS_AVX2
  const int has_avx2 = isa == &xl_avx2 || isa == &xl_avx512;
  for (const xl_variant *v = xl_avx2_variants; has_avx2 && v->portable != NULL; ++v) {
    if (v->portable == portable) return v->own;
  }
#endif
  (void)isa;
  return portable;
}

const xl_isa *const *xl_isas(void) {
  const xl_isa *const *first = ALL;
  while (*first != NULL && !has(*first)) ++first;
  return first;
}
