"""What a change of binarized weights B = alpha * sign(W) is to the real-valued weights W behind them."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional

from keras import ops

from xlite.quantizers import sign

Axes = Optional[tuple[int, ...]]  # over which alpha is the mean; None where B is sign(W)


def alpha_of(real: Any, axes: Axes) -> Any:
    """Mean magnitude of each filter, of the whole kernel, or 1."""
    return ops.ones_like(real) if axes is None else ops.mean(ops.abs(real), axis=axes, keepdims=True)


def _straight(change: Any, real: Any, axes: Axes) -> Any:
    return change


def _paper(change: Any, real: Any, axes: Axes) -> Any:
    """XNOR-Net (arXiv 1603.05279), section 3.1: d C / d W_i = d C / d B_i * (1/n + alpha * [|W_i| <= 1])."""
    inside = ops.cast(ops.less_equal(ops.abs(real), 1), real.dtype)
    if axes is None:
        return change * inside
    return change * (alpha_of(real, axes) * inside + 1 / _weights(real, axes))


def _exact(change: Any, real: Any, axes: Axes) -> Any:
    """d B_j / d W_i for i != j too: every weight has its part in alpha."""
    inside = ops.cast(ops.less_equal(ops.abs(real), 1), real.dtype)
    if axes is None:
        return change * inside
    signs = sign(real)
    shared = ops.sum(change * signs, axis=axes, keepdims=True) / _weights(real, axes)
    return change * alpha_of(real, axes) * inside + signs * shared


def _weights(real: Any, axes: tuple[int, ...]) -> int:
    return math.prod(int(real.shape[axis]) for axis in axes)


RULES: dict[str, Callable[[Any, Any, Axes], Any]] = {"straight": _straight, "paper": _paper, "exact": _exact}
