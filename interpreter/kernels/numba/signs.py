"""SIGN and UNPACK."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.numba.float_windows import unpack_rows
from xlite.interpreter.kernels.numba.jit import constant, kernel, pack_less
from xlite.schema.types import OpKind

_ZEROS = constant(np.zeros(32, np.float32))


@kernel
def sign_rows(x, y):  # type: ignore[no-untyped-def]
    """Bit 1 where ``x < 0``, so zeros and NaN are +1: float32 (p, c) -> uint32 (p, words)."""
    channels = x.shape[1]
    for p in range(x.shape[0]):
        for w in range(channels // 32):
            y[p, w] = pack_less(x[p, 32 * w : 32 * w + 32], _ZEROS)
        if channels % 32:
            word = np.uint32(0)
            base = channels - channels % 32
            for b in range(channels % 32):
                word |= np.uint32(x[p, base + b] < 0) << np.uint32(b)
            y[p, channels // 32] = word


def _prepare_sign(spec: OpSpec, buffers: Buffers) -> Step:
    assert buffers.inputs[0] is not None
    channels = spec.outputs[0].shape[-1]
    x = buffers.inputs[0].reshape(-1, channels)
    y = buffers.outputs[0].reshape(len(x), -1)
    return lambda: sign_rows(x, y)


def _prepare_unpack(spec: OpSpec, buffers: Buffers) -> Step:
    assert buffers.inputs[0] is not None
    channels = spec.outputs[0].shape[-1]
    y = buffers.outputs[0].reshape(-1, channels)
    x = constant(buffers.inputs[0].reshape(len(y), -1))
    return lambda: unpack_rows(x, 0, len(y), channels, y)


KERNELS = (
    Kernel("nb_sign", "numba", OpKind.SIGN, _prepare_sign),
    Kernel("nb_unpack", "numba", OpKind.UNPACK, _prepare_unpack),
)
