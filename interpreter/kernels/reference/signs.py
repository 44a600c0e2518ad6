"""SIGN and UNPACK: from float32 to bits and back."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.schema.bits import pack_signs, unpack_signs
from xlite.schema.types import OpKind


def _sign(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None

    def step() -> None:
        for source, target in zip(x, y):
            np.copyto(target, pack_signs(source))

    return step


def _unpack(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None

    def step() -> None:
        for source, target in zip(x, y):
            np.copyto(target, unpack_signs(source, target.shape))

    return step


KERNELS = (
    Kernel("np_sign", "numpy", OpKind.SIGN, _sign),
    Kernel("np_unpack", "numpy", OpKind.UNPACK, _unpack),
)
