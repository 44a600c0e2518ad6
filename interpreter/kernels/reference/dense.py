"""DENSE: rows of features meet rows of weights."""

from __future__ import annotations

from typing import Optional

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.integers import exact_dot, is_exact, numbers
from xlite.interpreter.kernels.reference.popcount import xor_dot
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.interpreter.kernels.reference.weights import kept_bits, rows_as_float
from xlite.schema.bits import pack_bits, unpack_bits
from xlite.schema.types import DenseOptions, DType, OpKind


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type, options = spec.inputs[0], spec.inputs[1], spec.op.options
    x, filters, mask = buffers.inputs[0], buffers.inputs[1], buffers.inputs[5]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    assert isinstance(options, DenseOptions)
    units, features = filter_type.shape
    rows = x.reshape(-1, x.shape[-1])
    out = buffers.outputs[0].reshape(len(rows), -1)
    finish = make_finish(spec, buffers)
    exact = is_exact(x_type, filter_type)
    bits = x_type.dtype is DType.BIT and not exact
    weight_bytes = 8 * filters.shape[1] if bits else 12 * features if exact else 6 * features

    def step() -> None:
        for start, stop in slices(len(rows), 8 * units + (12 * features if exact else 0)):
            acc = np.zeros((stop - start, units), np.int32 if bits or exact else np.float32)
            values = numbers(rows[start:stop], x_type, options) if exact else rows[start:stop]
            pairs = stop - start if bits else int(filter_type.dtype is not DType.FLOAT32)
            for first, last in slices(units, pairs * weight_bytes):
                some, its_mask = filters[first:last], None if mask is None else mask[first:last]
                if bits:
                    acc[:, first:last] = _bit_dot(rows[start:stop], some, its_mask, features, options.planes)
                elif exact:
                    acc[:, first:last] = exact_dot(values, some, its_mask, filter_type)
                else:
                    acc[:, first:last] = values @ rows_as_float(some, its_mask, filter_type).T
            finish(acc, out[start:stop])

    return step


def _bit_dot(
    rows: np.ndarray, filters: np.ndarray, mask: Optional[np.ndarray], features: int, planes: int
) -> np.ndarray:
    """uint32 rows (p, words of all planes) with filters (q, words) -> int32 (p, q)."""
    kept = kept_bits(mask, features)
    counted = None if kept is None else kept[np.newaxis, :, :]
    acc = np.zeros((len(rows), len(filters)), np.int32)
    for plane, packed in enumerate(_planes_of(rows, features, planes)):
        acc += xor_dot(packed[:, np.newaxis, :], filters[np.newaxis, :, :], counted, features) << plane
    return acc


def _planes_of(rows: np.ndarray, features: int, planes: int) -> list[np.ndarray]:
    """Each plane as packed rows of its own."""
    if planes == 1:
        return [rows]
    bits = unpack_bits(rows, planes * features)
    return [pack_bits(bits[:, p * features : (p + 1) * features]) for p in range(planes)]


KERNELS = (Kernel("np_dense", "numpy", OpKind.DENSE, _prepare),)
