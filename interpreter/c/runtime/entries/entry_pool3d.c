/* MAX_POOL_3D and AVERAGE_POOL_3D. */
#include "entry.h"
#include "pools.h"

static const xl_kind KIND = {xl_check_pool3d, xl_fill_pool3d, XL_POOL_3D_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(max_pool3d_f32, XL_NUMBER_MAX_POOL_3D, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
XL_ENTRY(average_pool3d_f32, XL_NUMBER_AVERAGE_POOL_3D, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
