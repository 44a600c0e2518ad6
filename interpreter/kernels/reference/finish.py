"""What happens to an accumulator: activation functions, and the scale, bias or threshold of filtered ops."""

from __future__ import annotations

from typing import Callable, Optional

import numpy as np

from xlite.interpreter.kernels.base import Buffers, OpSpec
from xlite.schema.bits import pack_bits
from xlite.schema.types import Activation, ActivationKind, Conv2DOptions, DenseOptions, DType

# (accumulators (..., channels), the same part of the output's storage) -> None
Finish = Callable[[np.ndarray, np.ndarray], None]


def activate(x: np.ndarray, activation: Activation) -> np.ndarray:
    """The activation of float32 ``x``, as a new array or ``x`` itself for NONE."""
    kind = activation.kind
    if kind is ActivationKind.RELU:
        alpha, top, threshold = (
            np.float32(v) for v in (activation.alpha, activation.max_value, activation.threshold)
        )
        with np.errstate(invalid="ignore"):  # 0 * inf, in a branch that may not be taken
            low = np.where(x >= threshold, x, alpha * (x - threshold))
        return np.where(x >= top, top, low)
    if kind is ActivationKind.SIGMOID:
        with np.errstate(over="ignore"):  # exp overflows to inf, and 1 / inf is the right 0
            return 1 / (1 + np.exp(-x))
    if kind is ActivationKind.TANH:
        return np.tanh(x)
    if kind is ActivationKind.HARD_TANH:
        return np.clip(x, np.float32(-1), np.float32(1))
    return x


def make_finish(spec: OpSpec, buffers: Buffers) -> Finish:
    """How CONV_2D, DEPTHWISE_CONV_2D and DENSE store accumulators of shape (..., channels) into the same part of
    their output's storage."""
    scale, bias, threshold = buffers.inputs[2:5]
    options = spec.op.options
    assert isinstance(options, (Conv2DOptions, DenseOptions))
    dtype = options.output_dtype
    if dtype is DType.BIT:
        assert threshold is not None
        return lambda acc, out: np.copyto(out, pack_bits(acc < threshold))
    if dtype is DType.INT32:
        return lambda acc, out: np.copyto(out, acc)
    return _float_finish(scale, bias, options.activation)


def _float_finish(scale: Optional[np.ndarray], bias: Optional[np.ndarray], activation: Activation) -> Finish:
    """float32, product and sum rounded one after the other."""

    def finish(acc: np.ndarray, out: np.ndarray) -> None:
        value = acc.astype(np.float32)
        if scale is not None:
            value *= scale
        if bias is not None:
            value += bias
        np.copyto(out, activate(value, activation))

    return finish
