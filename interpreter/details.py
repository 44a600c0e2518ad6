"""What tensors look like to a caller: the dictionaries of ``tf.lite.Interpreter``, logical values of bits, and
which tensors can still be read after a run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np

from xlite.schema.bits import pack_signs, unpack_signs
from xlite.schema.errors import InputError
from xlite.schema.lifetimes import lifetimes
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import DType, Model, Plan, Tensor, TensorType

if TYPE_CHECKING:
    from typing import Any


def logical_dtype(type_: TensorType) -> np.dtype:
    """The dtype that a caller sees: int8 (+1 and -1) for bits."""
    return np.dtype(np.int8) if type_.dtype is DType.BIT else type_.dtype.numpy


def tensor_details(tensor: Tensor, index: int, type_: TensorType) -> dict[str, Any]:
    """One entry of ``get_tensor_details``, for the batch that ``type_`` has. ``type`` is our own key: f32, i32,
    i8, u8 or bit. The quantization keys are tf.lite's: an element q stands for ``(q - zero_point) * scale``; where
    the file does not say, they are 0 and 0 as tf.lite has them for float tensors."""
    shape = np.array(type_.shape, np.int32)
    signature = shape.copy()
    if not tensor.is_constant:
        signature[0] = -1
    said = tensor.scale != 0
    return {
        "name": tensor.name,
        "index": index,
        "shape": shape,
        "shape_signature": signature,
        "dtype": logical_dtype(type_).type,
        "quantization": (tensor.scale, tensor.zero_point),
        "quantization_parameters": {
            "scales": np.array([tensor.scale] if said else [], np.float32),
            "zero_points": np.array([tensor.zero_point] if said else [], np.int32),
            "quantized_dimension": 0,
        },
        "sparsity_parameters": {},
        "type": type_.dtype.short,
    }


def read_array(array: np.ndarray, type_: TensorType) -> np.ndarray:
    """A copy with logical shape and dtype."""
    if type_.dtype is DType.BIT:
        return unpack_signs(array, type_.shape, type_.packed_axes)
    return array.copy()


def write_array(array: np.ndarray, type_: TensorType, value: np.ndarray, what: str) -> None:
    """Stores ``value``, which has the logical shape and dtype. Raises InputError for bits other than +1 and -1."""
    if type_.dtype is not DType.BIT:
        array[...] = value
        return
    if not np.all(np.abs(value) == 1):
        raise InputError(f"{what} holds bits: give it +1 and -1 only")
    array[...] = pack_signs(value, type_.packed_axes)


def overwritten(model: Model, plan: Plan, types: Sequence[TensorType]) -> frozenset[int]:
    """Tensors of which a later op's output took some bytes, so that they cannot be read after a run.

    Goes back in time and keeps the bytes that were written later as disjoint intervals, sorted.
    """
    by_birth: dict[int, list[int]] = {}
    for tensor, life in enumerate(lifetimes(model)):
        if life is not None:
            by_birth.setdefault(life[0], []).append(tensor)
    starts: list[int] = []
    stops: list[int] = []
    lost = set()
    for birth in sorted(by_birth, reverse=True):
        spans = [(plan.offsets[t], plan.offsets[t] + types[t].nbytes, t) for t in by_birth[birth]]
        for start, stop, tensor in spans:
            if bisect_right(stops, start) < bisect_left(starts, stop):
                lost.add(tensor)
        for start, stop, _ in spans:
            first, last = bisect_left(stops, start), bisect_right(starts, stop)
            if first < last:
                start, stop = min(start, starts[first]), max(stop, stops[last - 1])
            starts[first:last], stops[first:last] = [start], [stop]
    return frozenset(lost)
