"""Ops that map each element, or each channel, by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlite.schema.contracts import rules
from xlite.schema.contracts.rules import require
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import RANGES, ActivationKind, DType, OpKind, PlanesKind, TensorType

if TYPE_CHECKING:
    from typing import Any, Callable

    Checked = Sequence[Any]  # types, None in optional slots only

F32, I32, I8, U8, BIT = DType.FLOAT32, DType.INT32, DType.INT8, DType.UINT8, DType.BIT


def _batch_norm(inputs: Checked, options) -> TensorType:
    x, scale, offset = inputs
    rules.check_dtype(x, (F32,), "x")
    rules.check_channel_vector(scale, x.shape[-1], F32, "scale")
    rules.check_channel_vector(offset, x.shape[-1], F32, "offset")
    return x


def _sign(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    return TensorType(x.shape, BIT)


def _unpack(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (BIT,), "x")
    return TensorType(x.shape, F32)


def _activation(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    rules.check_activation(options.activation)
    require(options.activation.kind is not ActivationKind.NONE, "activation NONE is no op")
    return x


def _prelu(inputs: Checked, options) -> TensorType:
    x, slope = inputs
    rules.check_dtype(x, (F32,), "x")
    rules.check_dtype(slope, (F32,), "slope")
    require(len(slope.shape) == len(x.shape) - 1, "slope must have one axis less than x")
    fits = all(s in (1, d) for s, d in zip(slope.shape, x.shape[1:]))
    require(fits, f"slope {slope} does not broadcast to {x}")
    return x


def _softmax(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    return x


def _bit_planes(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    _check_planes(options)
    return TensorType((*x.shape[:-1], x.shape[-1] * options.planes), BIT)


def _from_planes(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (BIT,), "x")
    _check_planes(options)
    require(x.shape[-1] % options.planes == 0, f"{options.planes} planes do not divide {x.shape[-1]} elements")
    return TensorType((*x.shape[:-1], x.shape[-1] // options.planes), F32)


def _check_planes(options) -> None:
    require(1 <= options.planes <= rules.MAX_PLANES, f"planes {options.planes} is not 1 to {rules.MAX_PLANES}")
    require(options.kind is not PlanesKind.HEAVISIDE or options.planes == 1, "HEAVISIDE has one plane")


def _quantize(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    out = options.output_dtype
    require(out in (I8, U8), f"cannot give {out.short}, gives i8 or u8")
    _check_scale(options, out)
    return TensorType(x.shape, out)


def _dequantize(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (I8, U8, I32), "x")
    require(options.output_dtype is F32, f"cannot give {options.output_dtype.short}, gives f32")
    _check_scale(options, x.dtype)
    require(x.dtype is not I32 or options.zero_point == 0, "i32 has a zero point of 0")
    return TensorType(x.shape, F32)


def _check_scale(options, integers: DType) -> None:
    require(math.isfinite(options.scale) and options.scale > 0, f"scale {options.scale} is no number above 0")
    low, high = RANGES[integers]
    require(low <= options.zero_point <= high, f"zero_point {options.zero_point} is no {integers.short}")


RULES: dict[OpKind, Callable[..., TensorType]] = {
    OpKind.BATCH_NORM: _batch_norm,
    OpKind.SIGN: _sign,
    OpKind.UNPACK: _unpack,
    OpKind.ACTIVATION: _activation,
    OpKind.PRELU: _prelu,
    OpKind.SOFTMAX: _softmax,
    OpKind.BIT_PLANES: _bit_planes,
    OpKind.FROM_PLANES: _from_planes,
    OpKind.QUANTIZE: _quantize,
    OpKind.DEQUANTIZE: _dequantize,
}
