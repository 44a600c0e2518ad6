"""The C backend's kernels in register tiles: binary convolution and dense with filters that are packed anew, for
the instruction set of this machine, when a network is loaded."""

from __future__ import annotations

import ctypes

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec
from xlite.interpreter.kernels.c import packing
from xlite.interpreter.kernels.c.calling import make_step
from xlite.interpreter.kernels.c.library import available, isa, load
from xlite.interpreter.kernels.c.steps import CStep
from xlite.schema.types import DType, OpKind

_MOST = 2**15 - 1  # a tile counts in 16 bits with a sign
# A block has 32 channels whether they are there or not: with fewer than these the portable kernel is as fast.
_FEWEST_CHANNELS = 12


def _supports(spec: OpSpec) -> bool:
    if not available() or isa()[1] is None:
        return False
    conv = packing.tiled_params(spec, load()).conv
    bits = conv.window.window_h * conv.window.window_w * (conv.in_c // conv.planes // conv.groups)
    filters, folds = _bytes(spec)
    counts = bits * (2**conv.planes - 1) * (1 + conv.masked)
    # The folds outgrow the filters only where nearly every pixel sees another part of the padding.
    worth = conv.out_c // conv.groups >= _FEWEST_CHANNELS and folds <= 4 * filters + 2**14
    return worth and counts <= _MOST


def _bytes(spec: OpSpec) -> tuple[int, int]:
    """Of the packed filters and of what turns counts into outputs."""
    library, made = load(), packing.tiled_params(spec, load())
    conv = ctypes.byref(made.conv)
    filters = library.size_function("xl_tile_filters_bytes")(ctypes.c_void_p(made.isa), conv)
    return filters, library.size_function("xl_tile_folds_bytes")(conv)


def _prepacked(spec: OpSpec) -> int:
    return sum(_bytes(spec)) + 2 * packing.ALIGNMENT


def _workspace(spec: OpSpec) -> int:
    return load().workspace("xl_tiled_conv2d_b_b_workspace", packing.tiled_params(spec, load()))


def _kernel(kind: OpKind, out: DType, letter: str) -> Kernel:
    name = f"xl_tiled_conv2d_b_b_{letter}"

    def prepare(spec: OpSpec, buffers: Buffers) -> CStep:
        library = load()
        made = packing.tiled_params(spec, library)
        filter_, mask, threshold = packing.pointers(spec, buffers, 1, 5, 4)
        filters, folds = (packing.aligned(size) for size in _bytes(spec))
        made.filters, made.folds = filters.ctypes.data, folds.ctypes.data
        conv = ctypes.byref(made.conv)
        library.cdll.xl_tile_filters(ctypes.c_void_p(made.isa), conv, filter_, mask, ctypes.c_void_p(made.filters))
        library.cdll.xl_tile_folds(conv, filter_, mask, threshold, ctypes.c_void_p(made.folds))
        return make_step(library, name, made, spec, buffers, (filters, folds))

    def supports(spec: OpSpec) -> bool:
        dtypes = tuple(x.dtype for x in spec.inputs[:2] if x is not None)
        return dtypes == (DType.BIT, DType.BIT) and spec.outputs[0].dtype is out and _supports(spec)

    return Kernel(name, "c", kind, prepare, supports, _workspace, _prepacked, packing.CONSUMED)


KERNELS = tuple(
    _kernel(kind, out, letter)
    for kind in (OpKind.CONV_2D, OpKind.DENSE)
    for out, letter in ((DType.BIT, "b"), (DType.INT32, "i32"), (DType.FLOAT32, "f32"))
)
