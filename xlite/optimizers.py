"""Optimizers for binary networks, as Keras 3 optimizers (any backend)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.schema.errors import TrainingError

_register = keras.saving.register_keras_serializable(package="xlite")


@_register
class Bop(keras.optimizers.Optimizer):
    """Flips binary weights, without real-valued ones behind them (Helwegen et al. 2019, arXiv 1906.02107).

    For a weight w of +1 or -1 and its gradient g::

        m <- (1 - gamma) * m + gamma * g
        w <- -w  where |m| > threshold and sign(m) = sign(w), else w

    so a weight flips once the averaged gradient has pushed against it long enough. All variables that it is given
    should hold -1 and +1 (their signs are what it works on): use it for the kernels of quantized layers, and
    another optimizer for the rest.

    Args:
        gamma: the adaptivity rate, from 0 to 1, or a ``LearningRateSchedule`` of it. It takes the place of the
            learning rate, so callbacks that set ``learning_rate`` set gamma.
        threshold: at least 0; the larger, the rarer the flips.
        **kwargs: ``name``, ``clipnorm``, ``clipvalue``, ``global_clipnorm`` of ``keras.optimizers.Optimizer``.

    Raises:
        TrainingError: gamma or threshold is out of range.
    """

    def __init__(self, gamma: Any = 1e-4, threshold: float = 1e-8, name: str = "bop", **kwargs: Any):
        if isinstance(gamma, (int, float)) and not 0 < gamma <= 1:
            raise TrainingError(f"Bop got gamma={gamma!r}; give a number above 0 and up to 1")
        if not threshold >= 0:
            raise TrainingError(f"Bop got threshold={threshold!r}; give 0 or more")
        super().__init__(learning_rate=gamma, name=name, **kwargs)
        self.threshold = float(threshold)

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._averages = [self.add_variable_from_reference(v, name="average") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        average = self._averages[self._get_variable_index(variable)]
        gamma = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        value = ops.add(average, ops.multiply(gamma, ops.subtract(gradient, average)))
        self.assign(average, value)
        against = ops.greater(ops.multiply(value, ops.sign(variable)), self.threshold)
        self.assign(variable, ops.where(against, ops.negative(variable), variable))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["gamma"] = config.pop("learning_rate")
        for unused in ("weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency"):
            config.pop(unused, None)
        return {**config, "threshold": self.threshold}
