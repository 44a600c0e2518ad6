"""Fake quantizers to int8: values that integers times a scale can say, as floats, for first and last layers (Jacob
et al. 2018, arXiv 1712.05877). The converter finds the integers again from the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from xlite.quantization.surrogates import Configured, register, with_gradient
from xlite.schema.errors import TrainingError

STEPS = 127  # of a weight, to either side
LEVELS = 255  # steps between the smallest and the largest input


@register
class Int8(Configured):
    """``round(w / s) * s`` with ``s = max|w| / 127`` for each entry of the last axis: for kernels, one scale an
    output channel (for depthwise kernels one a multiplier, over all channels). Halves round to the even neighbour.
    The gradient passes unchanged: no weight lies outside of the range."""

    gives_signs = False

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        axes = tuple(range(len(x.shape) - 1))
        largest = ops.max(ops.abs(x), axis=axes, keepdims=True)
        scale = ops.where(ops.greater(largest, 0), largest, ops.ones_like(largest)) / STEPS
        return with_gradient(x, lambda x, scale: ops.round(x / scale) * scale, None, scale)


@register
class Int8Input(Configured):
    """256 levels from ``low`` to ``high``, one of which is 0: for inputs of layers. The gradient passes between
    the outermost levels and is 0 beyond them.

    With ``s = (high - low) / 255`` and ``z = round(-low / s)`` the value is ``(clip(round(x / s) + z, 0, 255) - z)
    * s``, halves to even. So the levels are moved by less than half a step, where 0 would else be none of them.

    Args:
        low: 0 or below.
        high: 0 or above, and above ``low``.
    """

    gives_signs = False

    def __init__(self, low: float = -1.0, high: float = 1.0):
        if not (np.isfinite([low, high]).all() and low <= 0 <= high and low < high):
            raise TrainingError(f"Int8Input got low={low!r} and high={high!r}; give a range with 0 in it")
        self.low, self.high = float(low), float(high)

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        return with_gradient(
            x,
            lambda x: fake_quantized(x, self.low, self.high)[0],
            lambda x: fake_quantized(x, self.low, self.high)[1],
        )

    def get_config(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}


def fake_quantized(x: Any, low: Any, high: Any) -> tuple[Any, Any, Any, Any]:
    """The nearest level, and 1 where x lies within, below and above the outermost levels, else 0; all in x's
    dtype."""
    low, high = (ops.cast(end, x.dtype) for end in (low, high))
    scale = (high - low) / LEVELS
    zero_point = ops.round(-low / scale)
    least, most = -zero_point, LEVELS - zero_point
    # Not ops.clip: with ends that are tensors Keras cannot save it in a functional model.
    steps = ops.minimum(ops.maximum(ops.round(x / scale), least), most)
    below, above = ops.less(x, least * scale), ops.greater(x, most * scale)
    inside = ops.logical_not(ops.logical_or(below, above))
    return steps * scale, *(ops.cast(mask, x.dtype) for mask in (inside, below, above))
