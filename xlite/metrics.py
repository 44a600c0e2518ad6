"""Metrics about binary weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import keras
from keras import ops

from xlite.quantizers import sign


@keras.saving.register_keras_serializable(package="xlite")
class FlipRatio(keras.metrics.Metric):
    """Share of weights whose sign changed between two updates, averaged over the updates since the last reset.

    ``update_state(values)`` takes the weights after each step, always of the same shape; the first call only
    remembers their signs. ``reset_state`` starts a new average and keeps the remembered signs.

    Args:
        shape: shape of the weights.
    """

    def __init__(self, shape: Sequence[int], name: str = "flip_ratio", dtype: Optional[str] = None):
        super().__init__(name=name, dtype=dtype)
        self.shape = tuple(int(extent) for extent in shape)
        self._previous = self.add_variable(self.shape, keras.initializers.Zeros(), name="previous")
        self._total = self.add_variable((), keras.initializers.Zeros(), name="total")
        self._count = self.add_variable((), keras.initializers.Zeros(), name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        signs = sign(ops.cast(ops.convert_to_tensor(values), self._previous.dtype))
        # Before the first call the remembered values are zeros, which no sign is.
        known = ops.cast(ops.any(ops.not_equal(self._previous, 0)), self._total.dtype)
        changed = ops.mean(ops.cast(ops.not_equal(signs, self._previous), self._total.dtype))
        self._total.assign(self._total + known * changed)
        self._count.assign(self._count + known)
        self._previous.assign(signs)

    def result(self) -> Any:
        return self._total / ops.maximum(self._count, 1)

    def reset_state(self) -> None:
        self._total.assign(0.0)
        self._count.assign(0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shape": self.shape}
