"""Packing of signs into words: 32 elements of a row in a little-endian uint32, least significant bit first,
bit 1 for -1, unused bits 0 (see the words in docs/format.md).
"""

from __future__ import annotations

import math

import numpy as np

from xlite.schema.types import WORD_BITS


def words_for(bits: int) -> int:
    """Number of uint32 words that hold ``bits`` bits."""
    return -(-bits // WORD_BITS)


def pack_signs(values: np.ndarray, packed_axes: int = 1) -> np.ndarray:
    """Packs the signs of ``values``: bit 1 where ``x < 0`` (so both zeros and NaN are +1).

    values: any real dtype, shape (..., row axes); the last ``packed_axes`` axes form one row.
    Returns uint32 of shape (..., ceil(row / 32)).
    """
    values = np.asarray(values)
    split = values.ndim - packed_axes
    lead, row = values.shape[:split], math.prod(values.shape[split:])
    return pack_bits((values < 0).reshape((*lead, row)))


def pack_bits(bits: np.ndarray) -> np.ndarray:
    """Packs booleans (True becomes bit 1) along the last axis: (..., n) -> uint32 (..., ceil(n / 32))."""
    lead, n = bits.shape[:-1], bits.shape[-1]
    words = words_for(n)
    packed = np.packbits(bits.astype(bool), axis=-1, bitorder="little")
    out = np.zeros((*lead, words * 4), np.uint8)
    out[..., : packed.shape[-1]] = packed
    return out.view("<u4").reshape((*lead, words))


def unpack_bits(words: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` bits of every row as uint8 zeros and ones: uint32 (..., w) -> (..., count)."""
    words = np.ascontiguousarray(words, dtype="<u4")
    as_bytes = words.view(np.uint8).reshape((*words.shape[:-1], words.shape[-1] * 4))
    return np.unpackbits(as_bytes, axis=-1, count=count, bitorder="little")


def unpack_signs(words: np.ndarray, shape: tuple[int, ...], packed_axes: int = 1) -> np.ndarray:
    """The inverse of :func:`pack_signs`: int8 of +1 and -1 with the logical ``shape``."""
    split = len(shape) - packed_axes
    row = math.prod(shape[split:])
    bits = unpack_bits(words.reshape((*shape[:split], words_for(row))), row)
    return (1 - 2 * bits.astype(np.int8)).reshape(shape)
