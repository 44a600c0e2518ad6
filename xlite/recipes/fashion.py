"""Fashion-MNIST with four binary layers in less than 60 kB: the demo's network."""

from __future__ import annotations

from typing import Any

import keras

from xlite.training.batches import shifted_and_flipped
from xlite.training.images import fashion_mnist
from xlite.training.recipe import Expected, Job, Recipe
from xlite.zoo import fashion

EPOCHS = 12


def build(job: Job) -> Any:
    model = fashion.fashion_net(classes=len(job.images.classes))
    rate = keras.optimizers.schedules.CosineDecay(0.005, job.all_steps)
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    return model


RECIPE = Recipe(
    name="fashion",
    about="Fashion-MNIST, four binary layers, at most 60 kB packed",
    load=fashion_mnist,
    build=build,
    epochs=EPOCHS,
    augment=shifted_and_flipped(0),
    twin="fashion_float",
    expected=Expected(accuracy=0.9176, seed=1, minutes=33),
)
