"""REDUCE in float32, over any axes but the batch."""

from __future__ import annotations

import math

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.schema.types import OpKind, ReduceKind, ReduceOptions

_FUNCTIONS: dict[ReduceKind, np.ufunc] = {
    ReduceKind.SUM: np.add,
    ReduceKind.MEAN: np.add,
    ReduceKind.MAX: np.maximum,
    ReduceKind.MIN: np.minimum,
    ReduceKind.PROD: np.multiply,
}


def _reduce(spec: OpSpec, buffers: Buffers) -> Step:
    options, x_type = spec.op.options, spec.inputs[0]
    x = buffers.inputs[0]
    assert isinstance(options, ReduceOptions)
    assert x_type is not None
    assert x is not None
    function, axes = _FUNCTIONS[options.kind], tuple(options.axes)
    y = buffers.outputs[0].reshape([d for i, d in enumerate(x.shape) if i not in axes])
    count = np.float32(math.prod(x.shape[axis] for axis in axes))

    def step() -> None:
        with np.errstate(all="ignore"):  # infinities of the input, and overflow to them
            function.reduce(x, axis=axes, out=y)
            if options.kind is ReduceKind.MEAN:
                np.divide(y, count, out=y)

    return step


KERNELS = (Kernel("np_reduce", "numpy", OpKind.REDUCE, _reduce),)
