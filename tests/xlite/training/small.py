"""Tiny images, and a recipe that trains on them in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SIZE, CLASSES = 8, 3


def arrays(count: int = 96, seed: int = 0) -> dict[str, np.ndarray]:
    """Pictures whose bright third is their class, with noise."""
    rng = np.random.default_rng(seed)

    def part(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(0, CLASSES, n)
        pictures = rng.integers(0, 120, (n, SIZE, SIZE, 3))
        for i, label in enumerate(labels):
            pictures[i, 2 * label + 1 : 2 * label + 3] += 100
        return pictures.astype(np.uint8), labels

    train, test = part(count), part(48)
    return {"x_train": train[0], "y_train": train[1], "x_test": test[0], "y_test": test[1]}


def write_npz(folder: Path, **changes: Any) -> Path:
    path = folder / "images.npz"
    np.savez(path, **{**arrays(), **changes})
    return path


def recipe(**changes: Any) -> Any:
    """A quantized layer, one whose weights a callback binarizes (what is behind them lives in the callback),
    dropout (whose seeds a resumed run has to continue), Adam with a schedule."""
    import keras

    from xlite import layers
    from xlite.callbacks import BinarizeWeights
    from xlite.training.batches import shifted_and_flipped
    from xlite.training.images import cifar10
    from xlite.training.recipe import Job, Recipe

    def build(job: Job) -> Any:
        kinds = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
        model = keras.Sequential(
            [
                keras.Input(job.images.shape),
                keras.layers.Conv2D(8, 3, name="stem"),
                keras.layers.BatchNormalization(momentum=0.7, name="norm"),
                layers.QuantConv2D(8, 3, name="binary", **kinds),
                keras.layers.BatchNormalization(momentum=0.7, name="norm2"),
                keras.layers.Conv2D(8, 3, name="plain"),
                keras.layers.Flatten(name="flat"),
                keras.layers.Dropout(0.2, name="drop"),
                keras.layers.Dense(len(job.images.classes), activation="softmax", name="classes"),
            ]
        )
        rate = keras.optimizers.schedules.CosineDecay(0.02, job.all_steps)
        model.compile(
            keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
        )
        return model

    fields = {
        "name": "small",
        "about": "a test",
        "load": cifar10,
        "build": build,
        "callbacks": lambda: [BinarizeWeights("plain")],
        "epochs": 4,
        "batch_size": 16,
        "augment": shifted_and_flipped(1),
    }
    return Recipe(**{**fields, **changes})
