"""Exact forward values with a gradient of one's choice, on any backend of Keras."""

from __future__ import annotations

from typing import Any, Callable

import keras
from keras import ops

from xlite.schema.errors import TrainingError

register = keras.saving.register_keras_serializable(package="xlite")


def sign(x: Any) -> Any:
    """``-1`` where ``x < 0``, else ``+1``, in x's dtype; by comparison, so both zeros give ``+1``."""
    # Not by ops.where: on a CPU that reads two more arrays.
    return 1 - 2 * ops.cast(ops.less(x, 0), x.dtype)


def with_gradient(
    x: Any, forward: Callable[..., Any], factor: Callable[..., Any] | None = None, *constants: Any
) -> Any:
    """``forward(x, *constants)``, with ``d out / d x = factor(x, *constants)``, elementwise; ``None`` for 1.

    Both are functions of tensors in ops of Keras, and what they do is no part of the gradient: the forward pass
    computes the value and no more, the backward pass the factor. constants: tensors that get no gradient.
    """
    if keras.utils.is_keras_tensor(x):
        return _symbolic(x, forward, factor, constants)

    @ops.custom_gradient
    def quantized(x: Any, *constants: Any) -> Any:
        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            if upstream is None:  # torch gives what the forward pass was given, and upstream by name
                (upstream,) = arguments
            slope = upstream if factor is None else upstream * factor(x, *constants)
            return (slope, *(ops.zeros_like(constant) for constant in constants)) if constants else slope

        return forward(x, *constants), gradient

    # TensorFlow's variables are tensors for convert_to_tensor, but not here: a cast reads them, and does no more.
    return quantized(ops.cast(x, x.dtype), *constants)


def _symbolic(x: Any, forward: Callable[..., Any], factor: Callable[..., Any] | None, constants: Any) -> Any:
    """:func:`with_gradient` for a functional model's symbolic tensor, in ops that Keras saves with the model.

    ``x + stop_gradient(value - x)`` would round. ``x - stop_gradient(x)`` is exactly 0 for every finite x and
    stays 0 times a finite factor. Infinities and NaN are taken out first (inf - inf is NaN).
    """
    finite = ops.where(ops.isfinite(x), x, ops.zeros_like(x))
    slope = ops.ones_like(x) if factor is None else factor(x, *constants)
    passed = ops.stop_gradient(slope) * (finite - ops.stop_gradient(finite))
    return ops.stop_gradient(forward(x, *constants)) + passed


def window(x: Any, clip_value: float | None) -> Any:
    """1 where ``|x| <= clip_value`` (both ends included), else 0; for ``None`` 1 wherever x is finite."""
    inside = ops.isfinite(x) if clip_value is None else ops.less_equal(ops.abs(x), clip_value)
    return ops.cast(inside, x.dtype)


class Configured:
    """Config round trip for quantizers whose constructor takes what ``get_config`` gives.

    gives_signs: whether a kernel has two levels of opposite sign behind it; ``None`` where that depends on the
    kernel's own values.
    """

    gives_signs: bool | None = None

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
