"""From what a caller passes to ``interpreter(...)`` to arrays of the model's input types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from xlite.interpreter.details import logical_dtype
from xlite.schema.errors import InputError
from xlite.schema.naming import quoted
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import DType, Model, OpKind, Preprocessing, TensorType

if TYPE_CHECKING:
    from typing import Any, Optional

_PIECE_BYTES = 1 << 19  # of arena that a piece of a batch may take: it should stay in a second-level cache


def batches(model: Model, given: Sequence[Any]) -> list[np.ndarray]:
    """One array an input, in the model's order, with a batch axis (the same batch for all), not converted yet.
    Raises InputError naming the input."""
    arrays = []
    for index, value in zip(model.inputs, _by_position(model, given)):
        tensor = model.tensors[index]
        arrays.append(_with_batch(value, tensor.type, input_name(model, index)))
    if len({len(array) for array in arrays}) > 1:
        sizes = ", ".join(f"{quoted(model.tensors[t].name)} {len(a)}" for t, a in zip(model.inputs, arrays))
        raise InputError(f"the inputs must have the same batch, have {sizes}")
    return arrays


def input_name(model: Model, index: int) -> str:
    """What messages call an input."""
    return f"input {quoted(model.tensors[index].name)}"


def has_independent_samples(model: Model) -> bool:
    """Whether a batch may run in pieces: samples are independent in every built-in op, but a custom op may look
    across the batch."""
    return all(op.kind is not OpKind.CUSTOM for op in model.ops)


def piece_size(batch: int, sample_bytes: int) -> int:
    """How many samples of a batch to run at a time when an arena takes ``sample_bytes`` a sample. A batch whose
    arena falls out of the cache runs slower than its samples one by one, and could need any amount of memory."""
    return min(batch, max(1, _PIECE_BYTES // max(1, sample_bytes)))


def pieces(batch: int, size: int) -> list[tuple[int, int]]:
    """(start, stop) of pieces of exactly ``size`` samples that cover the batch. The last one begins earlier where
    the batch is no multiple, so that every piece runs with the same plan."""
    starts = [*range(0, batch - size, size), batch - size]
    return [(start, start + size) for start in starts]


def _by_position(model: Model, given: Sequence[Any]) -> list[Any]:
    names = [model.tensors[t].name for t in model.inputs]
    listed = ", ".join(map(quoted, names))
    if len(given) == 1 and isinstance(given[0], Mapping):
        outputs = [model.tensors[t].name for t in model.outputs]
        for what, some in (("inputs", names), ("outputs", outputs)):
            if len(set(some)) < len(some):
                raise InputError(f"two {what} of the model have the same name: pass its inputs by position")
        unknown = [str(key) for key in given[0] if key not in names]
        missing = [name for name in names if name not in given[0]]
        if unknown or missing:
            wrong = f"has no input {quoted(unknown[0])}" if unknown else f"also needs input {quoted(missing[0])}"
            raise InputError(f"the model {wrong}: its inputs are {listed}")
        return [given[0][name] for name in names]
    if len(given) != len(names):
        raise InputError(f"the model takes {len(names)} inputs ({listed}), was given {len(given)}")
    return list(given)


def _with_batch(value: Any, type_: TensorType, what: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{what} cannot be made an array: {error}") from None
    sample = type_.shape[1:]
    if array.shape == sample:
        array = array[np.newaxis]
    if array.ndim != len(type_.shape) or array.shape[1:] != sample:
        shape = ", ".join(map(str, ("batch", *sample)))
        raise InputError(f"{what} has shape ({shape}), was given {array.shape}")
    if len(array) == 0:
        raise InputError(f"{what} was given an empty batch")
    return array


def convert(array: np.ndarray, type_: TensorType, preprocessing: Optional[Preprocessing], what: str) -> np.ndarray:
    """``array`` in the logical dtype of an input. Raises InputError naming the input where that would change its
    values."""
    wanted = logical_dtype(type_)
    if type_.dtype is DType.FLOAT32 and array.dtype == np.uint8 and preprocessing is not None:
        scale, offset = np.float32(preprocessing.scale), np.float32(preprocessing.offset)
        return array.astype(np.float32) * scale + offset
    if array.dtype == wanted and type_.dtype is not DType.BIT:
        return array
    numeric = array.dtype.kind in "fiub"
    if numeric and type_.dtype is DType.BIT:
        return np.where(array < 0, -1, 1).astype(np.int8)
    if not numeric or (array.dtype.kind == "f" and wanted.kind != "f"):
        raise InputError(f"{what} takes {wanted}, was given {array.dtype}, which does not convert")
    converted = array.astype(wanted)
    if wanted.kind != "f" and not np.array_equal(converted, array):
        raise InputError(f"{what} takes {wanted}, was given {array.dtype} values outside its range")
    return converted
