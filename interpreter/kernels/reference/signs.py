"""SIGN and UNPACK: from float32 to bits and back, some rows at a time."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.bits import pack_signs, unpack_signs
from xlite.schema.types import OpKind


def _sign(spec: OpSpec, buffers: Buffers) -> Step:
    assert buffers.inputs[0] is not None
    channels = spec.outputs[0].shape[-1]
    x = buffers.inputs[0].reshape(-1, channels)
    y = buffers.outputs[0].reshape(len(x), -1)

    def step() -> None:
        for start, stop in slices(len(x), 2 * channels):
            y[start:stop] = pack_signs(x[start:stop])

    return step


def _unpack(spec: OpSpec, buffers: Buffers) -> Step:
    assert buffers.inputs[0] is not None
    channels = spec.outputs[0].shape[-1]
    y = buffers.outputs[0].reshape(-1, channels)
    x = buffers.inputs[0].reshape(len(y), -1)

    def step() -> None:
        for start, stop in slices(len(y), 4 * channels):
            np.copyto(y[start:stop], unpack_signs(x[start:stop], (stop - start, channels)))

    return step


KERNELS = (
    Kernel("np_sign", "numpy", OpKind.SIGN, _sign),
    Kernel("np_unpack", "numpy", OpKind.UNPACK, _unpack),
)
