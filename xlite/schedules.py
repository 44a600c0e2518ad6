"""Learning-rate schedules that Keras has not."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from xlite.schema.errors import TrainingError

_register = keras.saving.register_keras_serializable(package="xlite")


@_register
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """Rises in a straight line to where ``schedule`` begins, then follows it.

    Args:
        schedule: any schedule of Keras, or a number.
        steps: of the optimizer, 1 or more; ``schedule`` counts from their end.
    """

    def __init__(self, schedule: Any, steps: int):
        if steps < 1:
            raise TrainingError(f"Warmup got steps={steps}; give 1 or more")
        self.schedule, self.steps = schedule, int(steps)

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        rising = self._rate(ops.zeros_like(step)) * (step + 1) / self.steps
        return ops.where(step < self.steps, rising, self._rate(ops.maximum(step - self.steps, 0)))

    def _rate(self, step: Any) -> Any:
        if callable(self.schedule):
            return ops.cast(self.schedule(step), "float32")
        return ops.ones_like(step) * self.schedule

    def get_config(self) -> dict[str, Any]:
        schedule = self.schedule
        if callable(schedule):
            schedule = keras.saving.serialize_keras_object(schedule)
        return {"schedule": schedule, "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Warmup:
        schedule = config["schedule"]
        if isinstance(schedule, dict):
            schedule = keras.saving.deserialize_keras_object(schedule)
        return cls(schedule, config["steps"])


@_register
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Half a cosine up to the peak and half a cosine down to nearly 0 (Smith and Topin 2018, arXiv 1708.07120).

    Args:
        peak: the highest rate.
        steps: of the optimizer, 1 or more, the whole cycle.
        rise: the share of them before the peak, from 0 to 1.
        start: the first rate, as a share of the peak.
        end: the last rate, as a share of the peak.
    """

    def __init__(self, peak: float, steps: int, rise: float = 0.3, start: float = 0.04, end: float = 1e-4):
        if not (steps >= 1 and 0 <= rise <= 1):
            raise TrainingError(f"OneCycle got steps={steps} and rise={rise}; give 1 or more, and 0 to 1")
        if not (peak > 0 and start >= 0 and end >= 0):
            raise TrainingError(
                f"OneCycle got peak={peak}, start={start} and end={end}; give a peak above 0, shares of 0 or more"
            )
        self.peak, self.steps, self.rise, self.start, self.end = float(peak), int(steps), rise, start, end

    def __call__(self, step: Any) -> Any:
        done = ops.minimum(ops.cast(step, "float32") / self.steps, 1.0)
        up = ops.minimum(done / max(self.rise, 1e-9), 1.0)
        down = ops.maximum(done - self.rise, 0.0) / max(1 - self.rise, 1e-9)
        rising = self.start + (1 - self.start) * (1 - ops.cos(math.pi * up)) / 2
        falling = self.end + (1 - self.end) * (1 + ops.cos(math.pi * down)) / 2
        return self.peak * ops.where(done < self.rise, rising, falling)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "rise": self.rise, "start": self.start, "end": self.end}
