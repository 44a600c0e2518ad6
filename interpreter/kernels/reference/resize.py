"""RESIZE_BILINEAR_2D with half-pixel centres: output o looks at ``(o + 0.5) * in / out - 0.5`` of the input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.schema.types import OpKind


@dataclass(frozen=True)
class _Between:
    """For every output along an axis, the two inputs around it and how far it is from the first to the second."""

    low: np.ndarray
    high: np.ndarray
    part: np.ndarray


def _between(size: int, out: int) -> _Between:
    """In float32, in the order of tf.image.resize."""
    scale, half = np.float32(size) / np.float32(out), np.float32(0.5)
    places = (np.arange(out, dtype=np.float32) + half) * scale - half
    below = np.floor(places)
    low = np.maximum(below, 0).astype(np.int64)
    high = np.minimum(np.ceil(places).astype(np.int64), size - 1)
    return _Between(low, high, places - below)


def _resize(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None
    down, across = _between(x.shape[1], y.shape[1]), _between(x.shape[2], y.shape[2])
    column = across.part[:, np.newaxis]

    def blend(row: np.ndarray) -> np.ndarray:
        """(W, C) -> (output width, C)"""
        left = row[across.low]
        return left + (row[across.high] - left) * column

    def step() -> None:
        for image, target in zip(x, y):
            for i, (low, high, part) in enumerate(zip(down.low, down.high, down.part)):
                top = blend(image[low])
                np.add(top, (blend(image[high]) - top) * part, out=target[i])

    return step


KERNELS = (Kernel("np_resize_bilinear_2d", "numpy", OpKind.RESIZE_BILINEAR_2D, _resize),)
