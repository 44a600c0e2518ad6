"""CIFAR-10 with an ordinary Keras model: six convolutions with ReLUs between a stem and a classifier. The other
recipes for CIFAR-10 make the same network binary, in the same epochs."""

from __future__ import annotations

from typing import Any

import keras

from xlite import zoo
from xlite.training.batches import shifted_and_flipped
from xlite.training.images import cifar10
from xlite.training.recipe import Job, Recipe

# Half of the filters: 43 M multiply-accumulates an image, so that two cores train it in some hours.
WIDTH = 0.5
EPOCHS = 40


def build(job: Job) -> Any:
    model = zoo.tiny_vgg(job.images.shape, len(job.images.classes), WIDTH, binary=False, float_activation="relu")
    rate = keras.optimizers.schedules.CosineDecay(0.002, job.all_steps)
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    return model


RECIPE = Recipe(
    name="cifar10_float",
    about="CIFAR-10, an ordinary Keras model: what the binary ones are compared with",
    load=cifar10,
    build=build,
    epochs=EPOCHS,
    augment=shifted_and_flipped(4),
)
