"""xlite's int8 quantizers. Kernels stay floats, in which the passes find the integers; inputs become integers and
floats again, which the passes take apart where the op behind can read integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.quantizers import input_quantizer, kernel_quantizer
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import DType, OpKind, QuantizeOptions

_STEPS, _LEVELS = np.float32(127), np.float32(255)
_NARROWEST = np.float32(1e-6)


@kernel_quantizer("int8", "Int8")
def int8_kernel(kernel: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """round(w / s) * s, s = max|w| / 127 over all axes but the last, in float32 as Keras computes it."""
    largest = np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1)), keepdims=True)
    scale = np.where(largest > 0, largest, np.float32(1)) / _STEPS
    return np.round(kernel / scale) * scale


@input_quantizer("int8", "Int8")
def int8_without_range(ctx: Context, x: Value, config: dict[str, Any]) -> Value:
    raise ctx.error(
        "has the input_quantizer 'int8', whose scale would follow each batch",
        "use 'int8_input' with a fixed range, or an Int8Range layer before it",
    )


@input_quantizer("int8_input", "Int8Input")
def int8_input(ctx: Context, x: Value, config: dict[str, Any]) -> Value:
    return _quantized(ctx, x, np.float32(config.get("low", -1.0)), np.float32(config.get("high", 1.0)))


@lowering("Int8Range", "xlite>Int8Range")
def int8_range(ctx: Context, x: Value) -> Value:
    low, high = ctx.weights("low", "high")
    low = np.minimum(low, np.float32(0))
    high = np.maximum(np.maximum(high, np.float32(0)), low + _NARROWEST)
    return _quantized(ctx, x, np.float32(low), np.float32(high))


def _quantized(ctx: Context, x: Value, low: np.float32, high: np.float32) -> Value:
    """256 levels from low to high, one of which is 0."""
    scale = float((high - low) / _LEVELS)
    zero_point = int(np.round(-low / np.float32(scale)))
    integers = ctx.add(OpKind.QUANTIZE, [x], QuantizeOptions(DType.UINT8, scale, zero_point))
    integers.scale, integers.zero_point = scale, zero_point
    return ctx.add(OpKind.DEQUANTIZE, [integers], QuantizeOptions(DType.FLOAT32, scale, zero_point))
