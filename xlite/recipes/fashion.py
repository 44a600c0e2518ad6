"""Fashion-MNIST with four binary layers in less than 60 kB."""

from __future__ import annotations

from typing import Any

import keras

from xlite.training.batches import shifted_and_flipped
from xlite.training.images import fashion_mnist
from xlite.training.recipe import Job, Recipe
from xlite.zoo import fashion

# Wider convolutions and a narrower dense layer than the demo's network: most of its bytes were that layer's.
WIDTHS = fashion.Widths(stem=32, first=64, second=96, third=128, dense=128)
EPOCHS = 12


def build(job: Job) -> Any:
    model = fashion.fashion_net(WIDTHS, len(job.images.classes))
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
)
