/* How many multiply-accumulates a second this machine can do: the physical bound beside every benchmark.

   Each kernel is the inner loop of a matrix product, C[m][n] += A[m][k] * B[k][n] over a tile of M x N
   accumulators, in two forms. "registers": the operands stay in registers, nothing but the arithmetic is timed.
   "l1": rows of A are spread and vectors of B loaded from packed panels that stay in the first-level cache, as a
   real product does it. Where accumulators of a byte would run over they are widened every RUN steps; both forms
   pay for that.

   A line on stdin asks for one measurement of everything that this processor has; the answer is one line of JSON,
   {name: {"kind": "binary" | "float" | "int8", "isa": ..., "registers": G, "l1": G}}, G in 10^9
   multiply-accumulates a second on one thread. The program ends with its input.

   Instructions an inner step, and multiply-accumulates that it does:

     scalar popcnt       mov xor popcnt add                                  64  16 each
     AVX2 popcount       xor and srl and pshufb pshufb add add              256  32 each
     AVX2 table          pshufb add                                         128  64 each
     AVX-512 table       vpshufb vpaddb                                     256 128 each
     AVX-512 popcount    vpxorq vpopcntq vpaddq                             512 171 each
     NEON                veor vcnt vadd                                     128  43 each

   "table": a byte lane is an output channel and holds four of its weights. For four activations a, the sixteen
   values popcount(a ^ w) are a table; pshufb looks up 32 channels' w in it at once, which is xor and popcount in
   one instruction. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#define ON_X86 1
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#define ON_NEON 1
#if defined(__linux__) && defined(__aarch64__)
#include <sys/auxv.h>
#endif
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

enum { PANEL = 16384 };
static _Alignas(64) uint8_t panel_a[PANEL], panel_b[PANEL];
static _Alignas(64) uint8_t sums[PANEL];

/* One kernel in both forms. TARGET: function attributes. V: vector type. KEEP: asm constraint of its registers.
   The empty statement behind each step keeps compilers from computing all products first and spilling them.
   PRE##_step(acc, a, b), PRE##_a(pointer, i), PRE##_b(pointer, i), PRE##_flush(acc, pointer, i), PRE##_zero().
   L1M x L1N and RM x RN: tiles of the two forms; RUN: steps between two flushes. */
#define PRODUCT(PRE, TARGET, V, KEEP, L1M, L1N, RM, RN, RUN)                                                    \
    TARGET static void PRE##_l1(long tiles)                                                                     \
    {                                                                                                           \
        for (long t = 0; t < tiles; t++) {                                                                      \
            V acc[L1M][L1N];                                                                                    \
            UNROLL for (int m = 0; m < L1M; m++) UNROLL for (int n = 0; n < L1N; n++) acc[m][n] = PRE##_zero(); \
            _Pragma("GCC unroll 1") for (int k = 0; k < RUN; k++) {                                             \
                V b[L1N];                                                                                       \
                UNROLL for (int n = 0; n < L1N; n++) b[n] = PRE##_b(panel_b, k * L1N + n);                      \
                UNROLL for (int m = 0; m < L1M; m++) {                                                          \
                    V a = PRE##_a(panel_a, k * L1M + m);                                                        \
                    UNROLL for (int n = 0; n < L1N; n++) {                                                      \
                        acc[m][n] = PRE##_step(acc[m][n], a, b[n]);                                             \
                        __asm__ volatile("" : "+" KEEP(acc[m][n]));                                             \
                    }                                                                                           \
                }                                                                                               \
            }                                                                                                   \
            UNROLL for (int m = 0; m < L1M; m++) UNROLL for (int n = 0; n < L1N; n++)                           \
                PRE##_flush(acc[m][n], sums, m * L1N + n);                                                      \
            __asm__ volatile("" ::: "memory");                                                                  \
        }                                                                                                       \
    }                                                                                                           \
    TARGET static void PRE##_registers(long tiles)                                                              \
    {                                                                                                           \
        V a[RM], b[RN];                                                                                         \
        UNROLL for (int m = 0; m < RM; m++) a[m] = PRE##_a(panel_a, m);                                         \
        UNROLL for (int n = 0; n < RN; n++) b[n] = PRE##_b(panel_b, n);                                         \
        for (long t = 0; t < tiles; t++) {                                                                      \
            V acc[RM][RN];                                                                                      \
            UNROLL for (int m = 0; m < RM; m++) UNROLL for (int n = 0; n < RN; n++) acc[m][n] = PRE##_zero();   \
            _Pragma("GCC unroll 1") for (int k = 0; k < RUN; k++) {                                             \
                /* an empty statement that may have changed them: nothing can be computed once for all steps */ \
                UNROLL for (int m = 0; m < RM; m++) __asm__ volatile("" : "+" KEEP(a[m]));                      \
                UNROLL for (int n = 0; n < RN; n++) __asm__ volatile("" : "+" KEEP(b[n]));                      \
                UNROLL for (int m = 0; m < RM; m++)                                                             \
                    UNROLL for (int n = 0; n < RN; n++) {                                                       \
                        acc[m][n] = PRE##_step(acc[m][n], a[m], b[n]);                                          \
                        __asm__ volatile("" : "+" KEEP(acc[m][n]));                                             \
                    }                                                                                           \
            }                                                                                                   \
            UNROLL for (int m = 0; m < RM; m++) UNROLL for (int n = 0; n < RN; n++)                             \
                PRE##_flush(acc[m][n], sums, m * RN + n);                                                       \
            __asm__ volatile("" ::: "memory");                                                                  \
        }                                                                                                       \
    }                                                                                                           \
    enum { PRE##_l1_steps = L1M * L1N * RUN, PRE##_registers_steps = RM * RN * RUN };                           \
    _Static_assert(sizeof(V) * L1N * RUN <= PANEL && sizeof(V) * L1M * L1N * 2 <= PANEL, "panels");             \
    _Static_assert(sizeof(V) * RM * RN * 2 <= PANEL, "sums")

/* The same values of one type in memory: unaligned and aliased loads, spelled once. */
#define LOADS(T)                                                                                                \
    INLINE T load_##T(const void *p, int i)                                                                     \
    {                                                                                                           \
        T x;                                                                                                    \
        memcpy(&x, (const uint8_t *)p + (long)sizeof x * i, sizeof x);                                          \
        return x;                                                                                               \
    }
LOADS(uint64_t)
LOADS(float)

/* -- any processor -------------------------------------------------------------------------------------------- */

#if defined(ON_X86)
#define POPCNT __attribute__((target("popcnt")))
#else
#define POPCNT
#endif

INLINE uint64_t word_zero(void) { return 0; }
INLINE uint64_t word_a(const void *p, int i) { return load_uint64_t(p, i); }
INLINE uint64_t word_b(const void *p, int i) { return load_uint64_t(p, i); }
POPCNT INLINE uint64_t word_step(uint64_t acc, uint64_t a, uint64_t b)
{
    return acc + (uint64_t)__builtin_popcountll(a ^ b);
}
INLINE void word_flush(uint64_t acc, void *p, int i)
{
    uint64_t sum = load_uint64_t(p, i) + acc;
    memcpy((uint8_t *)p + 8 * i, &sum, 8);
}
PRODUCT(word, POPCNT, uint64_t, "r", 2, 2, 2, 2, 256);

/* -- x86 ------------------------------------------------------------------------------------------------------ */

#if defined(ON_X86)

#define AVX2 __attribute__((target("avx2")))
#define FMA __attribute__((target("avx2,fma")))

AVX2 INLINE __m256i avx2_zero(void) { return _mm256_setzero_si256(); }
AVX2 INLINE __m256i avx2_b(const void *p, int i) { return _mm256_load_si256((const __m256i *)p + i); }
AVX2 INLINE __m256i avx2_a(const void *p, int i) { return _mm256_set1_epi64x((long long)load_uint64_t(p, i)); }
AVX2 INLINE __m256i avx2_step(__m256i acc, __m256i a, __m256i b)
{
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, /* twice */
                                            0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    __m256i x = _mm256_xor_si256(a, b);
    __m256i lower = _mm256_shuffle_epi8(counts, _mm256_and_si256(x, low));
    __m256i upper = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(x, 4), low));
    return _mm256_add_epi8(acc, _mm256_add_epi8(lower, upper));
}
AVX2 INLINE void avx2_flush(__m256i acc, void *p, int i)
{
    __m256i *at = (__m256i *)p + i;
    *at = _mm256_add_epi64(*at, _mm256_sad_epu8(acc, _mm256_setzero_si256()));
}
PRODUCT(avx2, AVX2, __m256i, "x", 2, 4, 2, 3, 31); /* 8 a byte and step: 31 steps stay under 256 */

/* A panel of A holds four activations a byte, times sixteen: where their table begins. */
static _Alignas(64) uint8_t tables[16][16];
AVX2 INLINE __m256i table_zero(void) { return _mm256_setzero_si256(); }
AVX2 INLINE __m256i table_b(const void *p, int i) { return avx2_b(p, i); }
AVX2 INLINE __m256i table_a(const void *p, int i)
{
    const uint8_t *table = &tables[0][0] + ((const uint8_t *)p)[i];
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)table));
}
AVX2 INLINE __m256i table_step(__m256i acc, __m256i a, __m256i b)
{
    __m256i found = _mm256_shuffle_epi8(a, b);
    /* compilers would add into another register and move the sum back */
    __asm__("vpaddb %1, %0, %0" : "+x"(acc) : "x"(found));
    return acc;
}
AVX2 INLINE void table_flush(__m256i acc, void *p, int i)
{
    __m256i *at = (__m256i *)p + 2 * i;
    at[0] = _mm256_add_epi16(at[0], _mm256_cvtepu8_epi16(_mm256_castsi256_si128(acc)));
    at[1] = _mm256_add_epi16(at[1], _mm256_cvtepu8_epi16(_mm256_extracti128_si256(acc, 1)));
}
PRODUCT(table, AVX2, __m256i, "x", 2, 4, 2, 4, 63); /* 4 a byte and step */

FMA INLINE __m256 fma_zero(void) { return _mm256_setzero_ps(); }
FMA INLINE __m256 fma_b(const void *p, int i) { return _mm256_load_ps((const float *)p + 8 * i); }
FMA INLINE __m256 fma_a(const void *p, int i) { return _mm256_set1_ps(load_float(p, i)); }
FMA INLINE __m256 fma_step(__m256 acc, __m256 a, __m256 b) { return _mm256_fmadd_ps(a, b, acc); }
FMA INLINE void fma_flush(__m256 acc, void *p, int i)
{
    float *at = (float *)p + 8 * i;
    _mm256_store_ps(at, _mm256_add_ps(_mm256_load_ps(at), acc));
}
PRODUCT(fma, FMA, __m256, "x", 6, 2, 3, 3, 256);

AVX2 INLINE __m256i madd_zero(void) { return _mm256_setzero_si256(); }
AVX2 INLINE __m256i madd_b(const void *p, int i) { return avx2_b(p, i); }
AVX2 INLINE __m256i madd_a(const void *p, int i) { return _mm256_set1_epi32((int)load_float(p, i)); }
AVX2 INLINE __m256i madd_step(__m256i acc, __m256i a, __m256i b)
{
    __m256i pairs = _mm256_maddubs_epi16(a, b);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
AVX2 INLINE void madd_flush(__m256i acc, void *p, int i)
{
    __m256i *at = (__m256i *)p + i;
    *at = _mm256_add_epi32(*at, acc);
}
PRODUCT(madd, AVX2, __m256i, "x", 3, 3, 2, 4, 128);

#define ZMM __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define VPOPCNT __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

ZMM INLINE __m512i zmm_load(const void *p, int i) { return _mm512_load_si512((const __m512i *)p + i); }

VPOPCNT INLINE __m512i vpop_zero(void) { return _mm512_setzero_si512(); }
VPOPCNT INLINE __m512i vpop_b(const void *p, int i) { return _mm512_load_si512((const __m512i *)p + i); }
VPOPCNT INLINE __m512i vpop_a(const void *p, int i) { return _mm512_set1_epi64((long long)load_uint64_t(p, i)); }
VPOPCNT INLINE __m512i vpop_step(__m512i acc, __m512i a, __m512i b)
{
    return _mm512_add_epi64(acc, _mm512_popcnt_epi64(_mm512_xor_si512(a, b)));
}
VPOPCNT INLINE void vpop_flush(__m512i acc, void *p, int i)
{
    __m512i *at = (__m512i *)p + i;
    *at = _mm512_add_epi64(*at, acc);
}
PRODUCT(vpop, VPOPCNT, __m512i, "v", 6, 3, 4, 4, 64);

VPOPCNT INLINE __m256i ypop_zero(void) { return _mm256_setzero_si256(); }
VPOPCNT INLINE __m256i ypop_b(const void *p, int i) { return _mm256_load_si256((const __m256i *)p + i); }
VPOPCNT INLINE __m256i ypop_a(const void *p, int i) { return _mm256_set1_epi64x((long long)load_uint64_t(p, i)); }
VPOPCNT INLINE __m256i ypop_step(__m256i acc, __m256i a, __m256i b)
{
    return _mm256_add_epi64(acc, _mm256_popcnt_epi64(_mm256_xor_si256(a, b)));
}
VPOPCNT INLINE void ypop_flush(__m256i acc, void *p, int i)
{
    __m256i *at = (__m256i *)p + i;
    *at = _mm256_add_epi64(*at, acc);
}
PRODUCT(ypop, VPOPCNT, __m256i, "v", 6, 3, 4, 4, 128);

ZMM INLINE __m512i wide_zero(void) { return _mm512_setzero_si512(); }
ZMM INLINE __m512i wide_b(const void *p, int i) { return zmm_load(p, i); }
ZMM INLINE __m512i wide_a(const void *p, int i)
{
    const uint8_t *table = &tables[0][0] + ((const uint8_t *)p)[i];
    return _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)table));
}
ZMM INLINE __m512i wide_step(__m512i acc, __m512i a, __m512i b)
{
    __m512i found = _mm512_shuffle_epi8(a, b);
    __asm__("vpaddb %1, %0, %0" : "+v"(acc) : "v"(found));
    return acc;
}
ZMM INLINE void wide_flush(__m512i acc, void *p, int i)
{
    __m512i *at = (__m512i *)p + 2 * i;
    at[0] = _mm512_add_epi16(at[0], _mm512_cvtepu8_epi16(_mm512_castsi512_si256(acc)));
    at[1] = _mm512_add_epi16(at[1], _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(acc, 1)));
}
PRODUCT(wide, ZMM, __m512i, "v", 4, 4, 4, 4, 63);

ZMM INLINE __m512 zfma_zero(void) { return _mm512_setzero_ps(); }
ZMM INLINE __m512 zfma_b(const void *p, int i) { return _mm512_load_ps((const float *)p + 16 * i); }
ZMM INLINE __m512 zfma_a(const void *p, int i) { return _mm512_set1_ps(load_float(p, i)); }
ZMM INLINE __m512 zfma_step(__m512 acc, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, acc); }
ZMM INLINE void zfma_flush(__m512 acc, void *p, int i)
{
    float *at = (float *)p + 16 * i;
    _mm512_store_ps(at, _mm512_add_ps(_mm512_load_ps(at), acc));
}
PRODUCT(zfma, ZMM, __m512, "v", 8, 3, 4, 4, 64);

VNNI INLINE __m512i vnni_zero(void) { return _mm512_setzero_si512(); }
VNNI INLINE __m512i vnni_b(const void *p, int i) { return _mm512_load_si512((const __m512i *)p + i); }
VNNI INLINE __m512i vnni_a(const void *p, int i) { return _mm512_set1_epi32((int)load_float(p, i)); }
VNNI INLINE __m512i vnni_step(__m512i acc, __m512i a, __m512i b) { return _mm512_dpbusd_epi32(acc, a, b); }
VNNI INLINE void vnni_flush(__m512i acc, void *p, int i)
{
    __m512i *at = (__m512i *)p + i;
    *at = _mm512_add_epi32(*at, acc);
}
PRODUCT(vnni, VNNI, __m512i, "v", 8, 3, 4, 4, 64);

#if (defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11)
#define HAS_AVXVNNI 1
#include <cpuid.h>
static int has_avxvnni(void) /* older compilers have no name for it in __builtin_cpu_supports */
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#define YVNNI __attribute__((target("avx2,avxvnni")))
YVNNI INLINE __m256i yvnni_zero(void) { return _mm256_setzero_si256(); }
YVNNI INLINE __m256i yvnni_b(const void *p, int i) { return _mm256_load_si256((const __m256i *)p + i); }
YVNNI INLINE __m256i yvnni_a(const void *p, int i) { return _mm256_set1_epi32((int)load_float(p, i)); }
YVNNI INLINE __m256i yvnni_step(__m256i acc, __m256i a, __m256i b) { return _mm256_dpbusd_avx_epi32(acc, a, b); }
YVNNI INLINE void yvnni_flush(__m256i acc, void *p, int i)
{
    __m256i *at = (__m256i *)p + i;
    *at = _mm256_add_epi32(*at, acc);
}
PRODUCT(yvnni, YVNNI, __m256i, "x", 3, 3, 3, 3, 128);
#endif
#endif

/* -- Arm ------------------------------------------------------------------------------------------------------ */

#if defined(ON_NEON)
INLINE uint8x16_t neon_zero(void) { return vdupq_n_u8(0); }
INLINE uint8x16_t neon_b(const void *p, int i) { return vld1q_u8((const uint8_t *)p + 16 * i); }
INLINE uint8x16_t neon_a(const void *p, int i) { return vreinterpretq_u8_u64(vdupq_n_u64(load_uint64_t(p, i))); }
INLINE uint8x16_t neon_step(uint8x16_t acc, uint8x16_t a, uint8x16_t b)
{
    return vaddq_u8(acc, vcntq_u8(veorq_u8(a, b)));
}
INLINE void neon_flush(uint8x16_t acc, void *p, int i)
{
    uint16_t *at = (uint16_t *)p + 8 * i;
    vst1q_u16(at, vpadalq_u8(vld1q_u16(at), acc));
}
#if defined(__aarch64__)
PRODUCT(neon, , uint8x16_t, "w", 4, 4, 4, 4, 31);
#else
PRODUCT(neon, , uint8x16_t, "w", 2, 3, 2, 3, 31);
#endif

INLINE float32x4_t nfma_zero(void) { return vdupq_n_f32(0); }
INLINE float32x4_t nfma_b(const void *p, int i) { return vld1q_f32((const float *)p + 4 * i); }
INLINE float32x4_t nfma_a(const void *p, int i) { return vdupq_n_f32(load_float(p, i)); }
INLINE float32x4_t nfma_step(float32x4_t acc, float32x4_t a, float32x4_t b)
{
#if defined(__aarch64__)
    return vfmaq_f32(acc, a, b);
#else
    return vmlaq_f32(acc, a, b);
#endif
}
INLINE void nfma_flush(float32x4_t acc, void *p, int i)
{
    float *at = (float *)p + 4 * i;
    vst1q_f32(at, vaddq_f32(vld1q_f32(at), acc));
}
#if defined(__aarch64__)
PRODUCT(nfma, , float32x4_t, "w", 6, 3, 4, 4, 128);

#define DOT __attribute__((target("arch=armv8.2-a+dotprod")))
#if defined(__linux__)
#define HAS_DOT 1
DOT INLINE int32x4_t sdot_zero(void) { return vdupq_n_s32(0); }
DOT INLINE int32x4_t sdot_b(const void *p, int i) { return vreinterpretq_s32_u8(neon_b(p, i)); }
DOT INLINE int32x4_t sdot_a(const void *p, int i) { return vreinterpretq_s32_u8(neon_a(p, i)); }
DOT INLINE int32x4_t sdot_step(int32x4_t acc, int32x4_t a, int32x4_t b)
{
    return vdotq_s32(acc, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
}
DOT INLINE void sdot_flush(int32x4_t acc, void *p, int i)
{
    int32_t *at = (int32_t *)p + 4 * i;
    vst1q_s32(at, vaddq_s32(vld1q_s32(at), acc));
}
PRODUCT(sdot, DOT, int32x4_t, "w", 6, 3, 4, 4, 128);
#endif
#else
PRODUCT(nfma, , float32x4_t, "w", 3, 3, 2, 3, 128);
#endif

INLINE int32x4_t smull_zero(void) { return vdupq_n_s32(0); }
INLINE int32x4_t smull_b(const void *p, int i) { return vreinterpretq_s32_u8(neon_b(p, i)); }
INLINE int32x4_t smull_a(const void *p, int i) { return vreinterpretq_s32_u8(neon_a(p, i)); }
INLINE int32x4_t smull_step(int32x4_t acc, int32x4_t a, int32x4_t b)
{
    int8x16_t x = vreinterpretq_s8_s32(a), y = vreinterpretq_s8_s32(b);
    int16x8_t pairs = vmull_s8(vget_low_s8(x), vget_low_s8(y));
    return vpadalq_s16(acc, vmlal_s8(pairs, vget_high_s8(x), vget_high_s8(y)));
}
INLINE void smull_flush(int32x4_t acc, void *p, int i)
{
    int32_t *at = (int32_t *)p + 4 * i;
    vst1q_s32(at, vaddq_s32(vld1q_s32(at), acc));
}
PRODUCT(smull, , int32x4_t, "w", 2, 3, 2, 3, 128);
#endif

/* -- measuring ------------------------------------------------------------------------------------------------ */

typedef struct {
    const char *name, *kind, *isa;
    int here; /* whether this processor has it */
    int macs; /* a step */
    void (*registers)(long tiles);
    int registers_steps;
    void (*l1)(long tiles);
    int l1_steps;
} Kernel;

#define KERNEL(PRE, NAME, KIND, ISA, HERE, MACS)                                                                \
    {NAME, KIND, ISA, HERE, MACS, PRE##_registers, PRE##_registers_steps, PRE##_l1, PRE##_l1_steps}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* 10^9 multiply-accumulates a second: the best of four stretches of about two milliseconds each. */
static double rate(void (*run)(long), double macs_a_tile)
{
    long tiles = 16;
    double best = 0;
    for (;;) { /* as many tiles as take a millisecond or more; warms up too */
        double start = now();
        run(tiles);
        if (now() - start > 1e-3) break;
        tiles *= 2;
    }
    for (int i = 0; i < 4; i++) {
        double start = now();
        run(tiles);
        double found = macs_a_tile * (double)tiles / (now() - start) * 1e-9;
        if (found > best) best = found;
    }
    return best;
}

int main(void)
{
#if defined(ON_X86)
    __builtin_cpu_init();
    int popcnt = __builtin_cpu_supports("popcnt") != 0, avx2 = __builtin_cpu_supports("avx2") != 0;
    int fma = avx2 && __builtin_cpu_supports("fma");
    int zmm = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    int vpop = zmm && __builtin_cpu_supports("avx512vpopcntdq");
    int vnni = zmm && __builtin_cpu_supports("avx512vnni");
    for (int a = 0; a < 16; a++)
        for (int w = 0; w < 16; w++) tables[a][w] = (uint8_t)__builtin_popcount((unsigned)(a ^ w));
#elif defined(HAS_DOT)
    int dot = (getauxval(AT_HWCAP) & (1ul << 20)) != 0; /* HWCAP_ASIMDDP */
#endif
    const Kernel kernels[] = {
#if defined(ON_X86)
        KERNEL(word, "popcnt", "binary", "popcnt", popcnt, 64),
        KERNEL(avx2, "AVX2 popcount", "binary", "avx2", avx2, 256),
        KERNEL(table, "AVX2 table", "binary", "avx2", avx2, 128),
        KERNEL(wide, "AVX-512 table", "binary", "avx512bw", zmm, 256),
        KERNEL(ypop, "VPOPCNTDQ ymm", "binary", "avx512vpopcntdq", vpop, 256),
        KERNEL(vpop, "VPOPCNTDQ zmm", "binary", "avx512vpopcntdq", vpop, 512),
        KERNEL(fma, "FMA ymm", "float", "fma", fma, 8),
        KERNEL(zfma, "FMA zmm", "float", "avx512f", zmm, 16),
        KERNEL(madd, "AVX2 maddubs", "int8", "avx2", avx2, 32),
        KERNEL(vnni, "VNNI zmm", "int8", "avx512vnni", vnni, 64),
#if defined(HAS_AVXVNNI)
        KERNEL(yvnni, "VNNI ymm", "int8", "avxvnni", avx2 && has_avxvnni(), 32),
#endif
#else
        KERNEL(word, "64-bit word", "binary", "portable", 1, 64),
#endif
#if defined(ON_NEON)
        KERNEL(neon, "NEON cnt", "binary", "neon", 1, 128),
        KERNEL(nfma, "NEON fma", "float", "neon", 1, 4),
        KERNEL(smull, "NEON mull", "int8", "neon", 1, 16),
#endif
#if defined(HAS_DOT)
        KERNEL(sdot, "NEON sdot", "int8", "dotprod", dot, 16),
#endif
    };
    for (int i = 0; i < PANEL; i++) { /* bytes of 16 * 0..15, as the tables want them; any bits do for others */
        panel_a[i] = (uint8_t)(16 * (i * 7 % 16));
        panel_b[i] = (uint8_t)(i * 31 % 128);
    }
    for (int c; (c = getchar()) != EOF;) {
        if (c != '\n') continue;
        const char *comma = "";
        memset(sums, 0, sizeof sums);
        printf("{");
        for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
            const Kernel *k = &kernels[i];
            if (!k->here) continue;
            double registers = rate(k->registers, (double)k->macs * k->registers_steps);
            double l1 = rate(k->l1, (double)k->macs * k->l1_steps);
            printf("%s\"%s\": {\"kind\": \"%s\", \"isa\": \"%s\", ", comma, k->name, k->kind, k->isa);
            printf("\"registers\": %.3f, \"l1\": %.3f}", registers, l1);
            comma = ", ";
        }
        printf("}\n");
        fflush(stdout);
    }
    return 0;
}
