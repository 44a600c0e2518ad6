"""How often weights change their sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import keras

from xlite import filters
from xlite.metrics import FlipRatio


class LogFlipRatio(keras.callbacks.Callback):
    """Adds ``flip_ratio/<layer>`` to the logs of every epoch: the share of a kernel's weights whose sign changed,
    averaged over the epoch's batches. A binary layer that has stopped learning shows 0, one whose learning rate
    is too high shows some percent.

    With ``steps_per_execution > 1`` the comparison is between executions, not batches.

    Args:
        layers: which layers; ``None`` for all convolution and dense layers. Else a name, a layer, a list of
            them, or a predicate ``layer -> bool``.
    """

    def __init__(self, layers: filters.Selection = None):
        super().__init__()
        self.layers = layers
        self._watched: list[tuple[str, Any, FlipRatio]] = []

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._watched = []
        for name, variable in filters.named_kernels(self.model, self.layers):
            metric = FlipRatio(variable.shape, name=f"flip_ratio/{name}")
            metric.update_state(variable)
            self._watched.append((name, variable, metric))

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        for _, _, metric in self._watched:
            metric.reset_state()

    def on_train_batch_end(self, batch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        if self.model is not None:  # reading .model makes the variables current under JAX
            for _, variable, metric in self._watched:
                metric.update_state(variable)

    def on_epoch_end(self, epoch: int, logs: Optional[Any] = None) -> None:
        if logs is not None:
            logs.update({metric.name: float(metric.result()) for _, _, metric in self._watched})
