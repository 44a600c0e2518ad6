"""Constraints that keep the real-valued weights behind a binary kernel where gradients still reach them."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlite.schema.errors import TrainingError


@keras.saving.register_keras_serializable(package="xlite")
class WeightClip(keras.constraints.Constraint):
    """Clips every weight to ``[-clip_value, clip_value]`` after each update.

    A weight outside the window of a quantizer such as ``ste_sign`` gets no gradient and could never change
    its sign again; the constraint keeps it inside. Use the quantizer's own ``clip_value``.
    """

    def __init__(self, clip_value: float = 1.0):
        if not clip_value > 0:
            raise TrainingError(f"WeightClip got clip_value={clip_value!r}; give a number above 0")
        self.clip_value = float(clip_value)

    def __call__(self, w: Any) -> Any:
        return ops.clip(w, -self.clip_value, self.clip_value)

    def get_config(self) -> dict[str, Any]:
        return {"clip_value": self.clip_value}


weight_clip = WeightClip
