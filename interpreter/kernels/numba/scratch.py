"""Cuts a kernel's workspace into arrays. ``Kernel.workspace`` asks for sizes with the same calls that ``prepare``
uses for arrays, so the two cannot disagree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

ALIGNMENT = 64


@dataclass(frozen=True)
class Part:
    """One array of a workspace."""

    shape: tuple[int, ...]
    dtype: type

    @property
    def nbytes(self) -> int:
        size = math.prod(self.shape) * np.dtype(self.dtype).itemsize
        return -(-size // ALIGNMENT) * ALIGNMENT


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


def aligned_bytes(size: int) -> np.ndarray:
    """``size`` bytes at a multiple of ALIGNMENT, cut from ALIGNMENT more."""
    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]
