"""Set bits of words."""

from __future__ import annotations

from functools import lru_cache

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


def xor_dot(a: np.ndarray, b: np.ndarray, mask: np.ndarray | None, length: int) -> np.ndarray:
    """Dot products of rows of signs: uint32 (p, w) with (q, w) -> int32 (p, q).

    Bits that differ contribute -1 and equal ones +1, so the dot product is ``length - 2 * popcount(a ^ b)``.
    mask (p, w): where given, only bits that are set in it count, and ``length`` is theirs.
    """
    differ = a[:, np.newaxis, :] ^ b[np.newaxis, :, :]
    if mask is None:
        return length - 2 * popcount_rows(differ)
    differ &= mask[:, np.newaxis, :]
    return popcount_rows(mask)[:, np.newaxis] - 2 * popcount_rows(differ)
