"""Rows of bits against rows of bits: where a binary network spends its time."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.numba.jit import kernel, popcount


@kernel
def dot_rows(a, count, b, first, last, length, acc, shift):  # type: ignore[no-untyped-def]
    """Dot products of signs: ``acc[p, shift + o] = length - 2 * popcount(a[p] ^ b[o])``.

    a: uint64 (p, words), the first ``count`` rows. b: uint64 (o, words), read-only, rows ``first`` to ``last``.
    length: bits of a row; unused bits are equal on both sides. acc: int32 (p, channels).

    Four rows of ``a`` share each word of ``b``, which is what lets the compiler keep its vector units busy.
    """
    words = a.shape[1]
    whole = count - count % 4
    for p in range(0, whole, 4):
        for o in range(first, last):
            s0, s1, s2, s3 = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
            for k in range(words):
                w = b[o, k]
                s0 += np.int64(popcount(a[p, k] ^ w))
                s1 += np.int64(popcount(a[p + 1, k] ^ w))
                s2 += np.int64(popcount(a[p + 2, k] ^ w))
                s3 += np.int64(popcount(a[p + 3, k] ^ w))
            acc[p, shift + o] = length - 2 * s0
            acc[p + 1, shift + o] = length - 2 * s1
            acc[p + 2, shift + o] = length - 2 * s2
            acc[p + 3, shift + o] = length - 2 * s3
    for p in range(whole, count):
        for o in range(first, last):
            s = np.int64(0)
            for k in range(words):
                s += np.int64(popcount(a[p, k] ^ b[o, k]))
            acc[p, shift + o] = length - 2 * s


def add_plane(acc: np.ndarray, part: np.ndarray, plane: int) -> None:
    """Adds the dot products of a plane, 2^plane times, and leaves ``part`` changed."""
    np.left_shift(part, plane, out=part)
    np.add(acc, part, out=acc)


def wide_words(words: int) -> int:
    """uint64 words that hold a row of ``words`` uint32 words."""
    return (words + 1) // 2


def fits_wide(words: int) -> bool:
    """Whether rows of ``words`` uint32 words are rows of uint64 as they lie."""
    return words % 2 == 0


def as_wide(rows: np.ndarray) -> np.ndarray:
    """Rows for which :func:`fits_wide` holds, as uint64; a copy only where they are not aligned to 8 bytes."""
    aligned = rows if rows.ctypes.data % 8 == 0 else rows.copy()
    return aligned.view(np.uint64)


def widen(rows: np.ndarray, out: np.ndarray) -> None:
    """Copies rows of uint32 (r, w) into rows of uint64 (r, ceil(w / 2)), the unused half zero."""
    halves = out.view(np.uint32)
    halves[:, : rows.shape[1]] = rows
    halves[:, rows.shape[1] :] = 0
