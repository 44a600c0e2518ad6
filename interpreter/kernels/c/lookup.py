"""The C backend's binary convolution by look-up, for machines without a popcount instruction. It needs no packing:
the filters are read in place."""

from __future__ import annotations

import ctypes

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec
from xlite.interpreter.kernels.c import params
from xlite.interpreter.kernels.c.calling import make_step
from xlite.interpreter.kernels.c.library import available, load
from xlite.interpreter.kernels.c.steps import CStep
from xlite.schema.types import DType, OpKind


def takes(spec: OpSpec) -> bool:
    """Whether the library can compute ``spec`` so, whatever is faster."""
    return _asks("xl_lookup_conv2d_b_b_takes", spec)


def pays(spec: OpSpec) -> bool:
    """Whether that is faster than the portable kernel, in this library and on this machine."""
    return _asks("xl_lookup_conv2d_b_b_pays", spec)


def _asks(function: str, spec: OpSpec) -> bool:
    answer = getattr(load().cdll, function)
    answer.restype = ctypes.c_int32
    return bool(answer(ctypes.byref(params.conv_2d(spec, load()))))


def _workspace(spec: OpSpec) -> int:
    return load().workspace("xl_lookup_conv2d_b_b_workspace", params.conv_2d(spec, load()))


def _kernel(out: DType, letter: str) -> Kernel:
    name = f"xl_lookup_conv2d_b_b_{letter}"

    def prepare(spec: OpSpec, buffers: Buffers) -> CStep:
        return make_step(load(), name, params.conv_2d(spec, load()), spec, buffers)

    def supports(spec: OpSpec) -> bool:
        dtypes = tuple(x.dtype for x in spec.inputs[:2] if x is not None)
        return dtypes == (DType.BIT, DType.BIT) and spec.outputs[0].dtype is out and available() and pays(spec)

    return Kernel(name, "c", OpKind.CONV_2D, prepare, supports, _workspace)


KERNELS = tuple(
    _kernel(out, letter) for out, letter in ((DType.BIT, "b"), (DType.INT32, "i32"), (DType.FLOAT32, "f32"))
)
