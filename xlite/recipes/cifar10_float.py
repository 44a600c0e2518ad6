"""CIFAR-10 with an ordinary Keras model: seven convolutions with shortcuts, on 16, 8 and 4 pixels. The other
recipes for CIFAR-10 make the same network binary, in the same epochs."""

from __future__ import annotations

from typing import Any

import keras

from xlite import zoo
from xlite.training.batches import shifted_and_flipped
from xlite.training.images import cifar10
from xlite.training.recipe import Expected, Job, Recipe

# 32, 64 and 128 filters: 17 M multiply-accumulates an image, so that a core trains it in less than an hour.
WIDTH = 0.5
EPOCHS = 12
# Of the images stored as JPEG, which the recipes for CIFAR-10 were measured with.
JPEG = "ae1fe1eb76b46fe52a485e7aee65ef289cb7a26db95bd638a761db3a71692c02"


def build(job: Job) -> Any:
    model = zoo.tiny_quicknet(job.images.shape, len(job.images.classes), WIDTH, binary=False)
    rate = keras.optimizers.schedules.CosineDecay(0.003, job.all_steps)
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
    expected=Expected(accuracy=0.8142, seed=1, minutes=29, data_sha256=JPEG),
)
