"""ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM and MINIMUM, with broadcasting. Each may write over an input of the
output's shape."""

from __future__ import annotations

from typing import Callable

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.schema.types import OpKind


def _prepare_with(function: np.ufunc) -> Callable[[OpSpec, Buffers], Step]:
    def prepare(spec: OpSpec, buffers: Buffers) -> Step:
        a, b = buffers.inputs
        y = buffers.outputs[0]
        assert a is not None
        assert b is not None

        def step() -> None:
            with np.errstate(all="ignore"):  # x / 0 is an infinity or NaN, as IEEE has it
                function(a, b, out=y)

        return step

    return prepare


KERNELS = (
    Kernel("np_add", "numpy", OpKind.ADD, _prepare_with(np.add)),
    Kernel("np_subtract", "numpy", OpKind.SUBTRACT, _prepare_with(np.subtract)),
    Kernel("np_multiply", "numpy", OpKind.MULTIPLY, _prepare_with(np.multiply)),
    Kernel("np_divide", "numpy", OpKind.DIVIDE, _prepare_with(np.divide)),
    Kernel("np_maximum", "numpy", OpKind.MAXIMUM, _prepare_with(np.maximum)),
    Kernel("np_minimum", "numpy", OpKind.MINIMUM, _prepare_with(np.minimum)),
)
