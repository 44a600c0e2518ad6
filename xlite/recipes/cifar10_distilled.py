"""CIFAR-10: the trained model of ``cifar10_float``, made binary by ``xlite.binarize`` and taught by itself."""

from __future__ import annotations

from typing import Any

import keras

import xlite
from xlite.recipes.cifar10_float import EPOCHS, JPEG
from xlite.training.batches import shifted_and_flipped
from xlite.training.images import cifar10
from xlite.training.recipe import Expected, Job, Recipe


def _in_a_block(layer: Any) -> bool:
    """What is binary in ``cifar10_binary``: neither the stem nor what stands between the sections."""
    return "block" in layer.name and isinstance(layer, keras.layers.Conv2D)


def build(job: Job) -> Any:
    student = xlite.binarize(job.start, layers=_in_a_block, pad_values=1.0, verbose=False)
    distiller = xlite.Distiller(student, job.start, temperature=4.0, share=0.9)
    rate = keras.optimizers.schedules.CosineDecay(0.005, job.all_steps)
    distiller.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    return distiller


RECIPE = Recipe(
    name="cifar10_distilled",
    about="CIFAR-10, the model of cifar10_float made binary and taught by itself",
    load=cifar10,
    build=build,
    deployed=lambda distiller: distiller.student,
    epochs=EPOCHS,
    augment=shifted_and_flipped(4),
    start="train it with xlite train cifar10_float --out float.keras, then give --start float.keras",
    twin="cifar10_float",
    expected=Expected(accuracy=0.792, seed=1, minutes=55, data_sha256=JPEG),
)
