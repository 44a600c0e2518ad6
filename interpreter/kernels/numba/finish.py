"""From accumulators to outputs: scale, bias and activation, or thresholds."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from xlite.interpreter.kernels.base import Buffers, OpSpec
from xlite.interpreter.kernels.numba.jit import NO_F32, choose, constant, kernel, pack_less
from xlite.interpreter.kernels.reference.activations import activate
from xlite.schema.types import Activation, ActivationKind, Conv2DOptions, DenseOptions, DType

# The activations that are compiled here. Ops with a filter take the others from the reference.
COMPILED = frozenset(
    {
        ActivationKind.NONE,
        ActivationKind.RELU,
        ActivationKind.SIGMOID,
        ActivationKind.TANH,
        ActivationKind.HARD_TANH,
    }
)
_RELU, _SIGMOID = int(ActivationKind.RELU), int(ActivationKind.SIGMOID)
_NONE, _TANH, _HARD_TANH = int(ActivationKind.NONE), int(ActivationKind.TANH), int(ActivationKind.HARD_TANH)


def activation_arguments(activation: Activation) -> tuple[int, np.ndarray]:
    """What :func:`activate_row` takes: the kind and (alpha, max_value, threshold)."""
    parameters = np.array([activation.alpha, activation.max_value, activation.threshold], np.float32)
    return int(activation.kind), constant(parameters)


@kernel
def activate_row(row, kind, parameters):  # type: ignore[no-untyped-def]
    """The activation of a row of float32, in place."""
    one = np.float32(1)
    if kind == _RELU:
        alpha, top, threshold = parameters[0], parameters[1], parameters[2]
        for i in range(row.size):
            v = row[i]
            low = choose(v >= threshold, v, alpha * (v - threshold))
            row[i] = choose(v >= top, top, low)
    elif kind == _SIGMOID:
        for i in range(row.size):
            row[i] = one / (one + np.float32(math.exp(-row[i])))
    elif kind == _TANH:
        for i in range(row.size):
            row[i] = np.float32(math.tanh(row[i]))
    elif kind == _HARD_TANH:
        for i in range(row.size):
            v = row[i]
            if v > one:
                row[i] = one
            elif v < -one:
                row[i] = -one


@kernel
def finish_f32(acc, count, out, first, scale, bias, kind, parameters):  # type: ignore[no-untyped-def]
    """``out[p, first + o] = activation(float32(acc[p, o]) * scale + bias)``, for the first ``count`` rows; the
    product and the sum are rounded one after the other. An empty scale or bias is absent. ``acc`` may be ``out``.
    """
    channels = acc.shape[1]
    factors, summands = scale[first : first + channels], bias[first : first + channels]
    for p in range(count):
        sums, row = acc[p], out[p, first : first + channels]
        if scale.size and bias.size:
            for o in range(channels):
                row[o] = np.float32(np.float32(sums[o]) * factors[o]) + summands[o]
        elif scale.size:
            for o in range(channels):
                row[o] = np.float32(sums[o]) * factors[o]
        elif bias.size:
            for o in range(channels):
                row[o] = np.float32(sums[o]) + summands[o]
        else:
            for o in range(channels):
                row[o] = np.float32(sums[o])
        if kind != _NONE:
            activate_row(row, kind, parameters)


@kernel
def finish_bit(acc, count, out, threshold):  # type: ignore[no-untyped-def]
    """Packs ``acc < threshold`` along the channels, unused bits zero: int32 (p, o) -> uint32 (p, words)."""
    channels = acc.shape[1]
    for p in range(count):
        for w in range(channels // 32):
            out[p, w] = pack_less(acc[p, 32 * w : 32 * w + 32], threshold[32 * w : 32 * w + 32])
        if channels % 32:
            word = np.uint32(0)
            base = channels - channels % 32
            for b in range(channels % 32):
                word |= np.uint32(acc[p, base + b] < threshold[base + b]) << np.uint32(b)
            out[p, channels // 32] = word


def make_finish(spec: OpSpec, buffers: Buffers) -> Callable[[np.ndarray, int, np.ndarray, int], Any]:
    """How CONV_2D, DEPTHWISE_CONV_2D and DENSE store accumulators: a function of (acc, rows, out, first channel).
    For int32 outputs the accumulators are the output, and it does nothing."""
    scale, bias, threshold = buffers.inputs[2:5]
    options = spec.op.options
    assert isinstance(options, (Conv2DOptions, DenseOptions))
    if options.output_dtype is DType.BIT:
        assert threshold is not None
        limits = constant(threshold)
        return lambda acc, rows, out, first: finish_bit(acc, rows, out, limits)
    if options.output_dtype is DType.INT32:
        return lambda acc, rows, out, first: None
    scales = NO_F32 if scale is None else constant(scale)
    biases = NO_F32 if bias is None else constant(bias)
    kind, parameters = activation_arguments(options.activation)
    if options.activation.kind in COMPILED:
        return lambda acc, rows, out, first: finish_f32(acc, rows, out, first, scales, biases, kind, parameters)

    def finish(acc: np.ndarray, rows: int, out: np.ndarray, first: int) -> None:
        finish_f32(acc, rows, out, first, scales, biases, _NONE, parameters)
        part = out[:rows, first : first + acc.shape[1]]
        np.copyto(part, activate(part, options.activation))

    return finish


def takes_filter(spec: OpSpec) -> bool:
    """Ternary filters and integers are left to numpy."""
    known = all(t is not None and t.dtype in (DType.FLOAT32, DType.BIT) for t in spec.inputs[:2])
    return known and (len(spec.inputs) < 6 or spec.inputs[5] is None)
