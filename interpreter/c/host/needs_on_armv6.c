/* What kernels that are written for ARMv6 take there, by any library: who asks on another computer what a Raspberry Pi
 * will need (`xlite inspect --target pi-zero`) is told what its own library would say. The same arithmetic is compiled
 * here with that core's constants; on the core itself both are one. */
#undef XL_CORE_ARMV6_VFP
#define XL_CORE_ARMV6_VFP 1

#include "conv2d_pairs.h"
#include "lookup_shape.h"
#include "xlite.h"

uint64_t xl_armv6_lookup_conv2d_b_b_workspace(const xl_conv2d_params *p) { return xl_lookup_workspace(p); }

int32_t xl_armv6_lookup_conv2d_b_b_pays(const xl_conv2d_params *p) { return xl_lookup_saves(p); }

uint64_t xl_armv6_conv2d_integer_workspace(const xl_conv2d_params *p) {
  return xl_conv2d_workspace_of_pairs(p, xl_conv2d_integer_workspace(p));
}
