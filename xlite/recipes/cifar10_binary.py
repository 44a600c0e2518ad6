"""CIFAR-10 with binary weights and activations: the layers of ``cifar10_float`` with a sign in front of each."""

from __future__ import annotations

from typing import Any

import keras

from xlite import zoo
from xlite.recipes.cifar10_float import EPOCHS, JPEG, WIDTH
from xlite.training.batches import shifted_and_flipped
from xlite.training.images import cifar10
from xlite.training.recipe import Expected, Job, Recipe


def build(job: Job) -> Any:
    model = zoo.tiny_quicknet(job.images.shape, len(job.images.classes), WIDTH)
    rate = keras.optimizers.schedules.CosineDecay(0.005, job.all_steps)
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    return model


RECIPE = Recipe(
    name="cifar10_binary",
    about="CIFAR-10, binary weights and activations, the layers of cifar10_float",
    load=cifar10,
    build=build,
    epochs=EPOCHS,
    augment=shifted_and_flipped(4),
    twin="cifar10_float",
    expected=Expected(accuracy=0.7853, seed=1, minutes=40, data_sha256=JPEG),
)
