"""Filters as numbers, and which of their elements count where a mask makes them ternary."""

from __future__ import annotations

from typing import Optional

import numpy as np

from xlite.schema.bits import pack_bits, unpack_bits, unpack_signs
from xlite.schema.types import DType, TensorType


def rows_as_float(filters: np.ndarray, mask: Optional[np.ndarray], type_: TensorType) -> np.ndarray:
    """Some filters of a filter tensor as float32 (filters, elements of one)."""
    if type_.dtype is not DType.BIT:
        return filters.reshape(len(filters), -1).astype(np.float32, copy=False)
    values = signs(filters, mask, (len(filters), *type_.shape[1:]), type_.packed_axes, np.float32)
    return values.reshape(len(filters), -1)


def signs(
    filters: np.ndarray,
    mask: Optional[np.ndarray],
    shape: tuple[int, ...],
    packed_axes: int,
    dtype: type = np.int8,
) -> np.ndarray:
    """Bit filters as +1, -1 and, where the mask's bit is 1, 0."""
    values: np.ndarray = unpack_signs(filters, shape, packed_axes).astype(dtype)
    if mask is not None:
        values[unpack_signs(mask, shape, packed_axes) < 0] = 0
    return values


def kept_bits(mask: Optional[np.ndarray], length: int) -> Optional[np.ndarray]:
    """Bit 1 for the weights that a mask leaves: packed rows of ``length`` bits, as the mask's."""
    if mask is None:
        return None
    return pack_bits(unpack_bits(mask, length) == 0)
