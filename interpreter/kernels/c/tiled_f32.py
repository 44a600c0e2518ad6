"""The C backend's kernels in register tiles for floats: convolution and dense with filters of floats or bits that
are packed anew, for the instruction set of this machine, when a network is loaded."""

from __future__ import annotations

import ctypes

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec
from xlite.interpreter.kernels.c import packing
from xlite.interpreter.kernels.c.calling import make_step
from xlite.interpreter.kernels.c.library import available, isa, load
from xlite.interpreter.kernels.c.steps import CStep
from xlite.schema.types import DType, OpKind

# A block has 8 to 32 channels whether they are there or not: with fewer than these the portable kernel is as fast.
_FEWEST_CHANNELS = 4


def _usable(spec: OpSpec) -> bool:
    if not available() or isa()[1] is None or not load().cdll.xl_isa_has_f32(ctypes.c_void_p(isa()[1])):
        return False
    conv = packing.tiled_params(spec, load()).conv
    return conv.out_c // conv.groups >= _FEWEST_CHANNELS


def _bytes(spec: OpSpec, bits: bool) -> int:
    library = load()
    made = packing.tiled_params(spec, library)
    size = library.size_function("xl_tile_filters_f32_bytes")
    return size(ctypes.c_void_p(made.isa), ctypes.byref(made.conv), int(bits))


def _kernel(kind: OpKind, filter_dtype: DType, letter: str) -> Kernel:
    name, bits = f"xl_tiled_conv2d_f32_{letter}_f32", filter_dtype is DType.BIT

    def prepare(spec: OpSpec, buffers: Buffers) -> CStep:
        library = load()
        made = packing.tiled_params(spec, library)
        filters = packing.aligned(_bytes(spec, bits))
        made.filters = filters.ctypes.data
        filter_, mask = packing.pointers(spec, buffers, 1, 5)
        given = (ctypes.c_void_p(made.isa), ctypes.byref(made.conv), filter_)
        if bits:
            library.cdll.xl_tile_filters_f32_b(*given, mask, ctypes.c_void_p(made.filters))
        else:
            library.cdll.xl_tile_filters_f32(*given, ctypes.c_void_p(made.filters))
        return make_step(library, name, made, spec, buffers, (filters,))

    def supports(spec: OpSpec) -> bool:
        dtypes = tuple(x.dtype for x in spec.inputs[:2] if x is not None)
        return dtypes == (DType.FLOAT32, filter_dtype) and _usable(spec)

    def workspace(spec: OpSpec) -> int:
        made = packing.tiled_params(spec, load())
        return load().workspace(f"xl_tiled_conv2d_f32_{letter}_workspace", made)

    def prepacked(spec: OpSpec) -> int:
        return _bytes(spec, bits) + packing.ALIGNMENT

    return Kernel(name, "c", kind, prepare, supports, workspace, prepacked, packing.CONSUMED)


KERNELS = tuple(
    _kernel(kind, filter_dtype, letter)
    for kind in (OpKind.CONV_2D, OpKind.DENSE)
    for filter_dtype, letter in ((DType.FLOAT32, "f32"), (DType.BIT, "b"))
)
