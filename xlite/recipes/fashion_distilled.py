"""Fashion-MNIST: the trained model of ``fashion_float``, made binary by ``xlite.binarize``, learns from itself.
What comes of it is the demo's network."""

from __future__ import annotations

from typing import Any

import keras

import xlite
from xlite.recipes.fashion import EPOCHS
from xlite.training.batches import shifted_and_flipped
from xlite.training.images import fashion_mnist
from xlite.training.recipe import Expected, Job, Recipe


def build(job: Job) -> Any:
    student = xlite.binarize(job.start, alpha=None, verbose=False)  # a batch norm behind each layer has a scale
    distiller = xlite.Distiller(student, job.start, temperature=4.0, share=0.9)
    rate = keras.optimizers.schedules.CosineDecay(0.005, job.all_steps)
    distiller.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    return distiller


RECIPE = Recipe(
    name="fashion_distilled",
    about="Fashion-MNIST, the model of fashion_float made binary and taught by itself",
    load=fashion_mnist,
    build=build,
    deployed=lambda distiller: distiller.student,
    epochs=EPOCHS,
    augment=shifted_and_flipped(0),
    start="train it with xlite train fashion_float --out float.keras, then give --start float.keras",
    twin="fashion_float",
    expected=Expected(accuracy=0.9183, seed=1, minutes=39),
)
