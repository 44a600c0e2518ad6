"""Exact forward values with a gradient of one's choice, on any backend of Keras."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.schema.errors import TrainingError

register = keras.saving.register_keras_serializable(package="xlite")


def sign(x: Any) -> Any:
    """``-1`` where ``x < 0``, else ``+1``, in x's dtype; by comparison, so both zeros give ``+1``."""
    one = ops.ones_like(x)
    return ops.where(ops.less(x, 0), -one, one)


def with_gradient(value: Any, x: Any, factor: Any) -> Any:
    """``value`` exactly, with ``d out / d x = factor`` (both constants for the gradient).

    ``x + stop_gradient(value - x)`` would round. ``x - stop_gradient(x)`` is exactly 0 for every finite x and
    stays 0 times a finite factor, so nothing is added to ``value``. Infinities and NaN are taken out first
    (inf - inf is NaN).
    """
    x = ops.where(ops.isfinite(x), x, ops.zeros_like(x))
    return ops.stop_gradient(value) + ops.stop_gradient(factor) * (x - ops.stop_gradient(x))


def window(x: Any, clip_value: float | None) -> Any:
    """1 where ``|x| <= clip_value`` (both ends included), else 0; 1 everywhere for ``None``."""
    if clip_value is None:
        return ops.ones_like(x)
    return ops.cast(ops.less_equal(ops.abs(x), clip_value), x.dtype)


class Configured:
    """Config round trip for quantizers whose constructor takes what ``get_config`` gives."""

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def checked_clip(owner: str, clip_value: float | None) -> float | None:
    if clip_value is not None and not clip_value > 0:
        raise TrainingError(f"{owner} got clip_value={clip_value!r}; give a number above 0, or None for no limit")
    return None if clip_value is None else float(clip_value)


def checked_positive(owner: str, name: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise TrainingError(f"{owner} got {name}={value!r}; give a number above 0")
    return float(value)
