"""Training in two stages."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Optional

import keras

from xlite import filters
from xlite.schema.errors import TrainingError


def retrace(model: Any) -> None:
    """Makes compiled steps see what has changed in the layers' Python attributes."""
    model.make_train_function(force=True)
    model.test_function = model.predict_function = None


class StagedTraining(keras.callbacks.Callback):
    """Binary activations from the start, binary weights from an epoch on: the two stages of Real-to-Binary
    networks (Martinez et al. 2020, arXiv 2003.11535) and of ReActNet, in one ``fit``::

        model.fit(x, y, epochs=60, callbacks=[xlite.callbacks.StagedTraining(weights_from=30)])

    Until then the layers' kernel quantizers do not act. They stay in the layers' configs: a model that is saved in
    the first stage is the whole binarized model when it is loaded. After ``fit`` all quantizers act; an exception
    in the first stage leaves them off until the next ``fit``, :meth:`settle` or the end of a ``with`` block of
    this callback.

    Accuracies of the first stage are those of float weights, often better ones, and no longer the model's once its
    quantizers act. What keeps the best epoch has to begin at ``weights_from``, as
    ``EarlyStopping(start_from_epoch=weights_from)`` does; ``ModelCheckpoint(save_best_only=True)`` has no such
    option: give it to a second ``fit``, of the second stage. Training that ends in the first stage warns.

    Args:
        weights_from: the first epoch (as ``fit`` counts) in which kernels are quantized, 0 or more.
        layers: which layers are held back. ``None``: all that have a kernel quantizer; else a name, a layer, a
            list of them, or a predicate ``layer -> bool``.

    Raises:
        TrainingError: at the start of ``fit``, if none of the layers has a kernel quantizer.
    """

    def __init__(self, weights_from: int, layers: filters.Selection = None):
        super().__init__()
        if weights_from < 0:
            raise TrainingError(f"StagedTraining got weights_from={weights_from}; give 0 or more")
        self.weights_from = weights_from
        self.layers = layers
        self._held: list[Any] = []
        self._last: Optional[int] = None  # epoch of the training that began last

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._last = None
        chosen = (
            filters.filter_layers(self.model) if self.layers is None else filters.pick(self.model, self.layers)
        )
        self._held = [layer for layer in chosen if filters.quantizes_kernel(layer)]
        if not self._held:
            raise TrainingError(
                f"StagedTraining finds no layer with a kernel quantizer in model {self.model.name!r}; build it of "
                "xlite.layers, or by xlite.binarize"
            )

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._last = epoch
        self._quantize(epoch >= self.weights_from)

    def on_train_end(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self.settle()
        if self._last is not None and self._last < self.weights_from:
            warnings.warn(
                f"StagedTraining quantized no weights: training ended before weights_from={self.weights_from}, "
                "and the kernel quantizers that act now had no part in it; train for more epochs (fit with "
                f"initial_epoch={self._last + 1} goes on), or give a smaller weights_from",
                stacklevel=2,
            )

    def settle(self) -> None:
        """Makes all kernel quantizers act again."""
        self._quantize(True)

    def __enter__(self) -> StagedTraining:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.settle()

    def _quantize(self, wanted: bool) -> None:
        changed = [layer for layer in self._held if layer.quantize_kernels is not wanted]
        for layer in changed:
            layer.quantize_kernels = wanted
        if changed:
            retrace(self.model)
