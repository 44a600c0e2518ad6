"""What happens to an accumulator: the scale, bias and activation or the threshold of ops with a filter."""

from __future__ import annotations

from typing import Callable, Optional

import numpy as np

from xlite.interpreter.kernels.base import Buffers, OpSpec
from xlite.interpreter.kernels.reference.activations import activate
from xlite.schema.bits import pack_bits
from xlite.schema.types import Activation, Conv2DOptions, Conv3DOptions, DenseOptions, DType

# (accumulators (..., channels), the same part of the output's storage) -> None
Finish = Callable[[np.ndarray, np.ndarray], None]


def make_finish(spec: OpSpec, buffers: Buffers) -> Finish:
    """How ops with a filter store accumulators of shape (..., channels) into the same part of their output's
    storage."""
    scale, bias, threshold = buffers.inputs[2:5]
    options = spec.op.options
    assert isinstance(options, (Conv2DOptions, Conv3DOptions, DenseOptions))
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
