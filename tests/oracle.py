"""What every op computes, in float64 and plain loops over the window: what all backends are tested against.

Values are logical: bits are +1 and -1, so nothing here knows of words, packing or backends. It shares no code with
any kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Callable, Optional

import numpy as np

from xlite.schema.types import NO_ACTIVATION, Activation, ActivationKind, Conv2DOptions, DType, Op, OpKind

Array = np.ndarray
Inputs = Sequence[Optional[Array]]


def evaluate(op: Op, inputs: Inputs) -> Array:
    """The output of one op: float64 for f32, int64 for i32, int8 +1 and -1 for bits.

    inputs: logical arrays, one a slot of the op's contract (bits as +1 and -1), None where one is absent.
    """
    return _RULES[op.kind](op, [None if x is None else np.asarray(x, np.float64) for x in inputs])


def magnitude(op: Op, inputs: Inputs) -> Array:
    """For each output of CONV_2D, DEPTHWISE_CONV_2D and DENSE, the sum of the magnitudes of all that is added up
    in it: what rounding errors are proportional to."""
    given = [None if x is None else np.abs(np.asarray(x, np.float64)) for x in inputs]
    if isinstance(op.options, Conv2DOptions):
        op = replace(op, options=replace(op.options, pad_value=abs(op.options.pad_value)))
    return _scaled(_RAW[op.kind](op, given), *given[2:4])


def _windows(x: Array, taps: tuple[int, int], options, fill: float) -> tuple[Array, list[tuple[int, int, Array]]]:
    """x padded with ``fill``, and for every tap (i, j) of the window the elements [N, OH, OW, C] that it sees."""
    pads = ((0, 0), (options.pad_top, options.pad_bottom), (options.pad_left, options.pad_right), (0, 0))
    padded = np.pad(x, pads, constant_values=fill)
    dilation = getattr(options, "dilation_h", 1), getattr(options, "dilation_w", 1)
    span = [(t - 1) * d + 1 for t, d in zip(taps, dilation)]
    out_h = (padded.shape[1] - span[0]) // options.stride_h + 1
    out_w = (padded.shape[2] - span[1]) // options.stride_w + 1
    seen = []
    for i in range(taps[0]):
        for j in range(taps[1]):
            rows = i * dilation[0] + options.stride_h * np.arange(out_h)
            columns = j * dilation[1] + options.stride_w * np.arange(out_w)
            seen.append((i, j, padded[:, rows][:, :, columns]))
    return padded, seen


def _conv_2d_dot(op: Op, inputs: Inputs) -> Array:
    x, kernel = inputs[:2]
    groups, total = op.options.groups, 0.0
    filters = kernel.reshape(groups, -1, *kernel.shape[1:])
    for i, j, seen in _windows(x, kernel.shape[1:3], op.options, op.options.pad_value)[1]:
        split = seen.reshape(*seen.shape[:3], groups, -1)
        total = total + np.einsum("nhwgi,goi->nhwgo", split, filters[:, :, i, j])
    return total.reshape(*total.shape[:3], -1)


def _depthwise_dot(op: Op, inputs: Inputs) -> Array:
    x, kernel = inputs[:2]
    multiplier, total = kernel.shape[2] // x.shape[3], 0.0
    for i, j, seen in _windows(x, kernel.shape[:2], op.options, op.options.pad_value)[1]:
        total = total + np.repeat(seen, multiplier, axis=3) * kernel[i, j]
    return total


def _dense_dot(op: Op, inputs: Inputs) -> Array:
    return np.matmul(inputs[0], inputs[1].T)


_RAW = {OpKind.CONV_2D: _conv_2d_dot, OpKind.DEPTHWISE_CONV_2D: _depthwise_dot, OpKind.DENSE: _dense_dot}


def _filtered(op: Op, inputs: Inputs) -> Array:
    dot, (scale, bias, threshold) = _RAW[op.kind](op, inputs), inputs[2:]
    out = op.options.output_dtype
    if out is DType.INT32:
        return dot.astype(np.int64)
    if out is DType.BIT:
        return np.where(dot < threshold, -1, 1).astype(np.int8)
    return _activate(_scaled(dot, scale, bias), op.options.activation)


def _scaled(dot: Array, scale: Optional[Array], bias: Optional[Array]) -> Array:
    return dot * (1.0 if scale is None else scale) + (0.0 if bias is None else bias)


def _activate(x: Array, a: Activation) -> Array:
    if a == NO_ACTIVATION:
        return x
    with np.errstate(over="ignore", invalid="ignore"):
        if a.kind is ActivationKind.RELU:
            kept = np.where(x >= a.threshold, x, a.alpha * (x - a.threshold))
            return np.where(x >= a.max_value, a.max_value, kept)
        if a.kind is ActivationKind.SIGMOID:
            return 1.0 / (1.0 + np.exp(-x))
    return {ActivationKind.TANH: np.tanh, ActivationKind.HARD_TANH: lambda v: np.clip(v, -1.0, 1.0)}[a.kind](x)


def _softmax(op: Op, inputs: Inputs) -> Array:
    powers = np.exp(inputs[0] - inputs[0].max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _max_pool(op: Op, inputs: Inputs) -> Array:
    x, flip = inputs
    sign = 1.0 if flip is None else flip
    windows = (op.options.window_h, op.options.window_w)
    seen = [values for _, _, values in _windows(x * sign, windows, op.options, -np.inf)[1]]
    return np.max(seen, axis=0) * sign


def _average_pool(op: Op, inputs: Inputs) -> Array:
    windows = (op.options.window_h, op.options.window_w)
    values = _windows(inputs[0], windows, op.options, 0.0)[1]
    inside = _windows(np.ones_like(inputs[0]), windows, op.options, 0.0)[1]
    return sum(v for _, _, v in values) / sum(n for _, _, n in inside)


def _pad(op: Op, inputs: Inputs) -> Array:
    pads = np.reshape(op.options.paddings, (-1, 2))
    return np.pad(inputs[0], pads, constant_values=op.options.value)


_RULES: dict[OpKind, Callable[[Op, Inputs], Array]] = {
    OpKind.CONV_2D: _filtered,
    OpKind.DEPTHWISE_CONV_2D: _filtered,
    OpKind.DENSE: _filtered,
    OpKind.BATCH_NORM: lambda op, inputs: inputs[0] * inputs[1] + inputs[2],
    OpKind.SIGN: lambda op, inputs: np.where(inputs[0] < 0, -1, 1),
    OpKind.UNPACK: lambda op, inputs: inputs[0],
    OpKind.ACTIVATION: lambda op, inputs: _activate(inputs[0], op.options.activation),
    OpKind.PRELU: lambda op, inputs: np.where(inputs[0] >= 0, inputs[0], inputs[1] * inputs[0]),
    OpKind.SOFTMAX: _softmax,
    OpKind.MAX_POOL_2D: _max_pool,
    OpKind.AVERAGE_POOL_2D: _average_pool,
    OpKind.ADD: lambda op, inputs: inputs[0] + inputs[1],
    OpKind.CONCATENATE: lambda op, inputs: np.concatenate(inputs, axis=op.options.axis),
    OpKind.RESHAPE: lambda op, inputs: inputs[0].reshape(inputs[0].shape[0], *op.options.shape),
    OpKind.PAD: _pad,
}
