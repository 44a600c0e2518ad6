/* Compiles what is between two includes for one instruction set, whatever the compiler's flags are. Internal.
 *
 *     #define XL_TARGET "avx2,fma"
 *     #include "target.h"          (before any header with intrinsics)
 *     ...
 *
 * A file holds one target; the pragma reaches to its end. gcc wants it before the headers it is to apply to, clang
 * knows its intrinsics by the attribute of the function that uses them. */
#ifndef XL_ARCH_TARGET_H
#define XL_ARCH_TARGET_H

#define XL_PRAGMA_(text) _Pragma(#text)
#define XL_PRAGMA(text) XL_PRAGMA_(text)

#if defined(XL_NO_TARGETS) /* the machine's own is enough, for example where intrinsics are emulated */
#define XL_TARGET_BEGIN
#define XL_TARGET_END
#elif defined(__clang__)
#define XL_TARGET_BEGIN XL_PRAGMA(clang attribute push(__attribute__((target(XL_TARGET))), apply_to = function))
#define XL_TARGET_END XL_PRAGMA(clang attribute pop)
#else
#define XL_TARGET_BEGIN XL_PRAGMA(GCC push_options) XL_PRAGMA(GCC target(XL_TARGET))
#define XL_TARGET_END XL_PRAGMA(GCC pop_options)
#endif

#endif
