"""QUANTIZE and DEQUANTIZE: between float32 and integers, some elements at a time."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.types import RANGES, OpKind, QuantizeOptions


def _quantize(spec: OpSpec, buffers: Buffers) -> Step:
    options, x = spec.op.options, buffers.inputs[0]
    assert isinstance(options, QuantizeOptions)
    assert x is not None
    flat, y = x.reshape(-1), buffers.outputs[0].reshape(-1)
    scale, zero_point = np.float32(options.scale), options.zero_point
    low, high = RANGES[options.output_dtype]

    def step() -> None:
        for start, stop in slices(flat.size, 16):
            with np.errstate(over="ignore"):  # beyond every float is beyond every integer
                steps = np.round(flat[start:stop] / scale)
            steps[np.isnan(steps)] = 0
            y[start:stop] = np.clip(steps, low - zero_point, high - zero_point).astype(np.int32) + zero_point

    return step


def _dequantize(spec: OpSpec, buffers: Buffers) -> Step:
    options, x = spec.op.options, buffers.inputs[0]
    assert isinstance(options, QuantizeOptions)
    assert x is not None
    flat, y = x.reshape(-1), buffers.outputs[0].reshape(-1)
    scale, zero_point = np.float32(options.scale), options.zero_point

    def step() -> None:
        for start, stop in slices(flat.size, 16):
            y[start:stop] = (flat[start:stop].astype(np.int32) - zero_point).astype(np.float32) * scale

    return step


KERNELS = (
    Kernel("np_quantize", "numpy", OpKind.QUANTIZE, _quantize),
    Kernel("np_dequantize", "numpy", OpKind.DEQUANTIZE, _dequantize),
)
