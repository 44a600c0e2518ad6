"""What the elements of integer and bit tensors count as in ops with a filter, and their exact dot products."""

from __future__ import annotations

from typing import Optional

import numpy as np

from xlite.interpreter.kernels.reference.weights import rows_as_float
from xlite.schema.bits import unpack_signs
from xlite.schema.contracts.rules import input_numbers
from xlite.schema.types import DType, Options, TensorType


def is_exact(x: TensorType, kernel: TensorType) -> bool:
    """Whether the products are of integers, of which one is more than a bit."""
    return x.dtype is not DType.FLOAT32 and not (x.dtype is DType.BIT and kernel.dtype is DType.BIT)


def numbers(x: np.ndarray, type_: TensorType, options: Optional[Options]) -> np.ndarray:
    """Part of a tensor of int8, uint8 or bits, whole along its last axis, as float32: ``input_multiplier * x -
    input_zero_point``, or +1 and -1. At most 2^15, so that none is rounded."""
    if type_.dtype is DType.BIT:
        return unpack_signs(x, (*x.shape[:-1], type_.shape[-1])).astype(np.float32)
    multiplier, zero_point = input_numbers(options)
    return x.astype(np.float32) * np.float32(multiplier) - np.float32(zero_point)


def exact_dot(rows: np.ndarray, filters: np.ndarray, mask: Optional[np.ndarray], kernel: TensorType) -> np.ndarray:
    """float32 rows (p, k) of integers with some filters of a filter tensor -> int32 (p, filters). Sums of products
    below 2^31 are exact in float64, in any order."""
    weights = rows_as_float(filters, mask, kernel).astype(np.float64)
    return (rows.astype(np.float64) @ weights.T).astype(np.int32)
