"""Quantizers to 0 and 1, to -1, 0 and 1, and to what is there already."""

from __future__ import annotations

from typing import Any

from keras import ops

from xlite.quantization.surrogates import (
    Configured,
    checked_clip,
    checked_positive,
    register,
    window,
    with_gradient,
)
from xlite.schema.errors import TrainingError


@register
class SteHeaviside(Configured):
    """1 where ``x > 0``, else 0, with the straight-through estimator: the gradient passes where
    ``|x| <= clip_value``. AND-Nets multiply by these in place of signs.

    Args:
        clip_value: half width of the interval that lets gradients through, above 0; ``None`` for no limit.
    """

    gives_signs = False

    def __init__(self, clip_value: float | None = 1.0):
        self.clip_value = checked_clip("SteHeaviside", clip_value)

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        return with_gradient(
            x, lambda x: ops.cast(ops.greater(x, 0), x.dtype), lambda x: window(x, self.clip_value)
        )

    def get_config(self) -> dict[str, Any]:
        return {"clip_value": self.clip_value}


@register
class SteTern(Configured):
    """-1, 0 and 1 with the straight-through estimator (Ternary Weight Networks, Li and Liu 2016, arXiv
    1605.04711).

    Forward -1 below ``-threshold``, 1 above it and 0 between; at the threshold itself the sign wins. The gradient
    passes where ``|x| <= clip_value``.

    Args:
        threshold_value: above 0; not used with ``ternary_weight_networks``.
        ternary_weight_networks: the threshold is 0.7 times the mean magnitude of the whole kernel, as in the
            paper.
            For kernels only: for inputs it would be taken over the batch.
        clip_value: as for :class:`SteHeaviside`.
    """

    gives_signs = False

    def __init__(
        self,
        threshold_value: float = 0.05,
        ternary_weight_networks: bool = False,
        clip_value: float | None = 1.0,
    ):
        self.threshold_value = checked_positive("SteTern", "threshold_value", threshold_value)
        self.ternary_weight_networks = bool(ternary_weight_networks)
        self.clip_value = checked_clip("SteTern", clip_value)

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        return with_gradient(x, self._levels, lambda x: window(x, self.clip_value))

    def _levels(self, x: Any) -> Any:
        threshold: Any = self.threshold_value
        if self.ternary_weight_networks:
            threshold = 0.7 * ops.mean(ops.abs(x))
        return ops.sign(ops.sign(x + threshold) + ops.sign(x - threshold))

    def get_config(self) -> dict[str, Any]:
        return {
            "threshold_value": self.threshold_value,
            "ternary_weight_networks": self.ternary_weight_networks,
            "clip_value": self.clip_value,
        }


@register
class NoOp(Configured):
    """``x`` itself: marks a place that has a quantizer in another variant of a network.

    Args:
        precision: bits that the values have for whoever asks, 1 to 32. Nothing is done about them.
    """

    def __init__(self, precision: int = 32):
        if precision not in range(1, 33):
            raise TrainingError(f"NoOp got precision={precision!r}; give a number of bits from 1 to 32")
        self.precision = int(precision)

    def __call__(self, x: Any) -> Any:
        return ops.convert_to_tensor(x)

    def get_config(self) -> dict[str, Any]:
        return {"precision": self.precision}
