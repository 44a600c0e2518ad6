"""Cuts a kernel's workspace into arrays. ``Kernel.workspace`` asks for sizes by the same parts that ``prepare``
carves arrays from, so the two cannot disagree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_ALIGNMENT = 64


@dataclass(frozen=True)
class Part:
    """One array of a workspace."""

    shape: tuple[int, ...]
    dtype: type

    @property
    def nbytes(self) -> int:
        size = math.prod(self.shape) * np.dtype(self.dtype).itemsize
        return -(-size // _ALIGNMENT) * _ALIGNMENT


def total(parts: list[Part]) -> int:
    """Bytes of a workspace that holds ``parts``."""
    return sum(part.nbytes for part in parts)


def carve(workspace: np.ndarray, parts: list[Part]) -> list[np.ndarray]:
    """The arrays of ``parts`` one after the other in ``workspace``."""
    arrays: list[np.ndarray] = []
    start = 0
    for part in parts:
        size = math.prod(part.shape) * np.dtype(part.dtype).itemsize
        arrays.append(workspace[start : start + size].view(part.dtype).reshape(part.shape))
        start += part.nbytes
    return arrays
