"""The temperature of annealed signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import keras

from xlite import filters
from xlite.callbacks.staged import retrace
from xlite.quantizers import AnnealedSign
from xlite.schema.errors import TrainingError


class TemperatureSchedule(keras.callbacks.Callback):
    """Raises the temperature of every :class:`xlite.quantizers.AnnealedSign` of the model from epoch to epoch, by
    the same factor each time (IR-Net, Qin et al. 2020, arXiv 1909.10788), and logs it as ``temperature``.

    Args:
        start: in the first epoch, above 0.
        end: in the last epoch, above 0.
        epochs: until when; ``None`` for the epochs of ``fit``.

    Raises:
        TrainingError: a temperature is out of range; at the start of ``fit``, if the model has no annealed sign.
    """

    def __init__(self, start: float = 0.1, end: float = 10.0, epochs: Optional[int] = None):
        super().__init__()
        if not (start > 0 and end > 0):
            raise TrainingError(f"TemperatureSchedule got start={start} and end={end}; give numbers above 0")
        if epochs is not None and epochs < 1:
            raise TrainingError(f"TemperatureSchedule got epochs={epochs}; give 1 or more, or None")
        self.start, self.end, self.epochs = float(start), float(end), epochs
        self._signs: list[AnnealedSign] = []

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._signs = annealed_signs(self.model)
        if not self._signs:
            raise TrainingError(
                f"TemperatureSchedule finds no annealed_sign in model {self.model.name!r}; give layers "
                "input_quantizer='annealed_sign' or kernel_quantizer='annealed_sign'"
            )

    def on_epoch_begin(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        temperature = self.temperature(epoch)
        for quantizer in self._signs:
            quantizer.temperature = temperature
        if keras.backend.backend() == "jax":
            retrace(self.model)  # its compiled steps hold the value of a variable that no layer has

    def on_epoch_end(self, epoch: int, logs: Optional[Any] = None) -> None:
        if logs is not None:
            logs["temperature"] = self.temperature(epoch)

    def temperature(self, epoch: int) -> float:
        """In an epoch, counted from 0."""
        last = (self.epochs or (self.params or {}).get("epochs") or 1) - 1
        share = min(epoch / last, 1.0) if last > 0 else 1.0
        return self.start * (self.end / self.start) ** share


def annealed_signs(model: Any) -> list[AnnealedSign]:
    """Every one that a layer of the model holds, each once."""
    held = [value for layer in filters.all_layers(model) for value in vars(layer).values()]
    return list({id(value): value for value in held if isinstance(value, AnnealedSign)}.values())
