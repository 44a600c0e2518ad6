"""Set bits of words."""

from __future__ import annotations

from functools import lru_cache
from typing import Optional

import numpy as np

from xlite.schema.bits import unpack_bits


def popcount_rows(words: np.ndarray) -> np.ndarray:
    """Set bits along the last axis: uint32 (..., w) -> int32 (...)."""
    if hasattr(np, "bitwise_count"):  # numpy 2
        counts = np.bitwise_count(words)
    else:
        counts = _table()[words.view(np.uint16)]
    return counts.sum(axis=-1, dtype=np.int32)


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """The number of set bits of every uint16, as uint8."""
    every = np.arange(1 << 16, dtype=np.uint32)
    return unpack_bits(every[:, np.newaxis], 16).sum(axis=-1, dtype=np.uint8)


def xor_dot(a: np.ndarray, b: np.ndarray, counted: Optional[np.ndarray], length: int) -> np.ndarray:
    """Dot products of rows of signs that broadcast: uint32 (..., w) -> int32 (...).

    Bits that differ contribute -1 and equal ones +1, so the dot product is ``length - 2 * popcount(a ^ b)``.
    counted: where given, only bits that are set in it count, and ``length`` is their number.
    """
    differ = a ^ b
    if counted is None:
        return length - 2 * popcount_rows(differ)
    differ &= counted
    return popcount_rows(counted) - 2 * popcount_rows(differ)


def both(a: Optional[np.ndarray], b: Optional[np.ndarray]) -> Optional[np.ndarray]:
    """Bits that are set in a and b, where None has all set."""
    if a is None or b is None:
        return b if a is None else a
    return a & b
