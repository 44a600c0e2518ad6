"""The C backend's binary convolution by look-up, for machines without a popcount instruction. It needs no packing:
the filters are read in place.

A core is one that any build of the library can answer for, as ``armv6``; empty for the one that it was built for.
"""

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


def pays(spec: OpSpec, core: str = "") -> bool:
    """Whether that is faster than the portable kernel, in this library and on this machine, or on another core."""
    return _asks(_name("lookup_conv2d_b_b_pays", core), spec)


def _asks(function: str, spec: OpSpec) -> bool:
    answer = getattr(load().cdll, function)
    answer.restype = ctypes.c_int32
    return bool(answer(ctypes.byref(params.conv_2d(spec, load()))))


def _name(function: str, core: str) -> str:
    return f"xl_{core}_{function}" if core else f"xl_{function}"


def _kernel(out: DType, letter: str, core: str) -> Kernel:
    name = f"xl_lookup_conv2d_b_b_{letter}"

    def prepare(spec: OpSpec, buffers: Buffers) -> CStep:
        return make_step(load(), name, params.conv_2d(spec, load()), spec, buffers)

    def supports(spec: OpSpec) -> bool:
        dtypes = tuple(x.dtype for x in spec.inputs[:2] if x is not None)
        if dtypes != (DType.BIT, DType.BIT) or spec.outputs[0].dtype is not out or not available():
            return False
        return pays(spec, core) if core else pays(spec)

    def workspace(spec: OpSpec) -> int:
        return load().workspace(_name("lookup_conv2d_b_b_workspace", core), params.conv_2d(spec, load()))

    return Kernel(name, "c", OpKind.CONV_2D, prepare, supports, workspace)


def kernels(core: str = "") -> tuple[Kernel, ...]:
    """The kernels, as they are chosen and as much as they take on the core."""
    outputs = ((DType.BIT, "b"), (DType.INT32, "i32"), (DType.FLOAT32, "f32"))
    return tuple(_kernel(out, letter, core) for out, letter in outputs)


KERNELS = kernels()
