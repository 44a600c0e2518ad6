"""CIFAR-10 with binary weights: the very model of ``cifar10_float``, unchanged, and one callback."""

from __future__ import annotations

from typing import Any

from xlite.callbacks import BinarizeWeights
from xlite.recipes import cifar10_float
from xlite.training.batches import shifted_and_flipped
from xlite.training.images import cifar10
from xlite.training.recipe import Expected, Recipe


def callbacks() -> list[Any]:
    return [BinarizeWeights()]


RECIPE = Recipe(
    name="cifar10_weights",
    about="CIFAR-10, binary weights by a callback on the model of cifar10_float",
    load=cifar10,
    build=cifar10_float.build,
    callbacks=callbacks,
    epochs=cifar10_float.EPOCHS,
    augment=shifted_and_flipped(4),
    twin="cifar10_float",
    expected=Expected(accuracy=0.7755, seed=1, minutes=45, data_sha256=cifar10_float.JPEG),
)
