"""The float twin of the recipe ``fashion``: the same layers, ReLUs where it has signs, the same epochs."""

from __future__ import annotations

from typing import Any

import keras

from xlite.recipes.fashion import EPOCHS
from xlite.training.batches import shifted_and_flipped
from xlite.training.images import fashion_mnist
from xlite.training.recipe import Expected, Job, Recipe
from xlite.zoo import fashion


def build(job: Job) -> Any:
    model = fashion.fashion_float_twin(classes=len(job.images.classes))
    rate = keras.optimizers.schedules.CosineDecay(0.002, job.all_steps)
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    return model


RECIPE = Recipe(
    name="fashion_float",
    about="the float twin of fashion",
    load=fashion_mnist,
    build=build,
    epochs=EPOCHS,
    augment=shifted_and_flipped(0),
    expected=Expected(accuracy=0.9309, seed=1, minutes=57),
)
