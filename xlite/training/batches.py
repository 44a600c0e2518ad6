"""Batches that depend on the seed, the epoch and their number alone, so that a run which is resumed sees what it
would have seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

import keras
import numpy as np

from xlite.training.recipe import Augment


def scaled(images: np.ndarray) -> np.ndarray:
    """uint8 to float32 from 0 to 1."""
    return images.astype(np.float32) / np.float32(255)


class Batches(keras.utils.PyDataset):
    """Training images in a new order each epoch, float32 from 0 to 1, augmented; what does not fill a batch is
    left out. Set ``epoch`` before each."""

    def __init__(self, x: np.ndarray, y: np.ndarray, size: int, seed: int, augment: Optional[Augment] = None):
        super().__init__()
        self.x, self.y, self.size, self.seed, self.augment = x, y, size, seed, augment
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.x) // self.size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.x))
        rows = order[index * self.size : (index + 1) * self.size]
        images = scaled(self.x[rows])
        if self.augment is not None:
            images = self.augment(np.random.default_rng((self.seed, self.epoch, index)), images)
        return images, self.y[rows]

    def whole_epoch(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for index in range(len(self)):
            yield self[index]


class EpochOf(keras.callbacks.Callback):
    """Tells batches which epoch it is, as ``fit`` counts."""

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches.epoch = epoch


def shifted_and_flipped(reach: int, flip: bool = True) -> Augment:
    """The usual augmentation of small images: each is moved by up to ``reach`` pixels both ways, what is uncovered
    is 0, and half of them are mirrored."""

    def augment(rng: np.random.Generator, images: np.ndarray) -> np.ndarray:
        count, height, width, _ = images.shape
        padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
        down, across = rng.integers(0, 2 * reach + 1, (2, count, 1, 1))
        rows = down + np.arange(height)[None, :, None]
        columns = across + np.arange(width)[None, None, :]
        if flip:
            columns = np.where(rng.random((count, 1, 1)) < 0.5, columns, columns[:, :, ::-1])
        return padded[np.arange(count)[:, None, None], rows, columns]

    return augment
