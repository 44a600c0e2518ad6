"""BIT_PLANES and FROM_PLANES, and what planes are worth together.

An integer q of P digits is kept as P planes of bits, +1 for the digit 1 and -1 for 0, one plane after the other
along the last axis. The planes of q together, each counting 2^p times, are ``2 * q - (2^P - 1)``.
"""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.bits import pack_bits, unpack_bits
from xlite.schema.types import OpKind, PlanesKind, PlanesOptions


def digits(words: np.ndarray, channels: int, planes: int) -> np.ndarray:
    """The integers q of packed planes: uint32 (..., words) -> int16 (..., channels)."""
    bits = unpack_bits(words, planes * channels).reshape((*words.shape[:-1], planes, channels))
    q = np.zeros((*words.shape[:-1], channels), np.int16)
    for p in range(planes):
        q += (1 - bits[..., p, :].astype(np.int16)) << p
    return q


def plane_values(words: np.ndarray, channels: int, planes: int) -> np.ndarray:
    """The sum of 2^p times plane p as +1 and -1: uint32 (..., words) -> int16 (..., channels)."""
    return 2 * digits(words, channels, planes) - np.int16(2**planes - 1)


def quantize(x: np.ndarray, kind: PlanesKind, planes: int) -> np.ndarray:
    """The integers q of float32 x, as int16. NaN counts as 0."""
    if kind is PlanesKind.HEAVISIDE:
        return (x > 0).astype(np.int16)
    clipped = np.where(x > 0, np.minimum(x, np.float32(1)), np.float32(0))
    return np.rint(clipped * np.float32(2**planes - 1)).astype(np.int16)


def _bit_planes(spec: OpSpec, buffers: Buffers) -> Step:
    options = spec.op.options
    assert isinstance(options, PlanesOptions)
    assert buffers.inputs[0] is not None
    x = buffers.inputs[0].reshape(-1, buffers.inputs[0].shape[-1])
    y = buffers.outputs[0].reshape(len(x), -1)
    planes, channels = options.planes, x.shape[-1]

    def step() -> None:
        for start, stop in slices(len(x), (12 + planes) * channels):
            q = quantize(x[start:stop], options.kind, planes)
            bits = np.empty((stop - start, planes, channels), bool)
            for p in range(planes):
                bits[:, p] = (q >> p) & 1 == 0
            y[start:stop] = pack_bits(bits.reshape(stop - start, planes * channels))

    return step


def _from_planes(spec: OpSpec, buffers: Buffers) -> Step:
    options = spec.op.options
    assert isinstance(options, PlanesOptions)
    assert buffers.inputs[0] is not None
    channels = spec.outputs[0].shape[-1]
    y = buffers.outputs[0].reshape(-1, channels)
    x = buffers.inputs[0].reshape(len(y), -1)
    top = np.float32(2**options.planes - 1)  # 1 for HEAVISIDE

    def step() -> None:
        for start, stop in slices(len(y), (8 + options.planes) * channels):
            np.divide(digits(x[start:stop], channels, options.planes), top, out=y[start:stop], dtype=np.float32)

    return step


KERNELS = (
    Kernel("np_bit_planes", "numpy", OpKind.BIT_PLANES, _bit_planes),
    Kernel("np_from_planes", "numpy", OpKind.FROM_PLANES, _from_planes),
)
