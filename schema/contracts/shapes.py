"""Ops over several tensors, and ops that move elements."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlite.schema.contracts import rules
from xlite.schema.contracts.rules import require
from xlite.schema.records import TYPE_CHECKING
from xlite.schema.types import MAX_RANK, RANGES, DType, OpKind, TensorType

if TYPE_CHECKING:
    from typing import Any, Callable

    Checked = Sequence[Any]  # types, None in optional slots only

F32, I32, I8, U8, BIT = DType.FLOAT32, DType.INT32, DType.INT8, DType.UINT8, DType.BIT
_MOVED = (F32, I8, U8, BIT)


def _concatenate(inputs: Checked, options) -> TensorType:
    first = inputs[0]
    rank = len(first.shape)
    rules.check_dtype(first, _MOVED, "x")
    axis = options.axis + rank if options.axis < 0 else options.axis
    require(1 <= axis < rank, f"axis {options.axis} is out of range for rank {rank}")
    total = 0
    for x in inputs:
        require(x.dtype is first.dtype, "inputs differ in dtype")
        require(x.packed_axes == 1, "an activation packs its last axis")
        require(len(x.shape) == rank, "inputs differ in rank")
        rest = (*x.shape[:axis], *x.shape[axis + 1 :])
        require(rest == (*first.shape[:axis], *first.shape[axis + 1 :]), f"{x} does not join {first}")
        total += x.shape[axis]
    return TensorType((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)


def _reshape(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (*_MOVED, I32), "x")
    require(1 <= len(options.shape) <= MAX_RANK - 1, "shape must have 1 to 5 axes besides the batch")
    require(all(d >= 1 for d in options.shape), f"shape {options.shape} has an axis below 1")
    same = math.prod(options.shape) == math.prod(x.shape[1:])
    require(same, f"{x} does not hold the elements of shape {options.shape}")
    return TensorType((x.shape[0], *options.shape), x.dtype)


def _pad(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, _MOVED, "x")
    pads = options.paddings
    require(len(pads) == 2 * len(x.shape), f"needs {2 * len(x.shape)} paddings, has {len(pads)}")
    require(all(0 <= p <= rules.MAX_EXTENT for p in pads), "a padding is out of range")
    require(pads[0] == pads[1] == 0, "the batch axis cannot be padded")
    require(math.isfinite(options.value), "the padding value is not finite")
    require(x.dtype is not BIT or options.value in (1.0, -1.0), "bits are padded with +1 or -1 only")
    if x.dtype in RANGES:
        low, high = RANGES[x.dtype]
        fits = options.value == int(options.value) and low <= options.value <= high
        require(fits, f"the padding value {options.value} is no {x.dtype.short}")
    shape = tuple(d + pads[2 * i] + pads[2 * i + 1] for i, d in enumerate(x.shape))
    return TensorType(shape, x.dtype)


def _broadcast(inputs: Checked, options) -> TensorType:
    """numpy's broadcasting between tensors of the same rank; the batch axis of a constant is 1."""
    a, b = inputs
    rules.check_dtype(a, (F32,), "a")
    rules.check_dtype(b, (F32,), "b")
    require(len(a.shape) == len(b.shape), f"ranks of {a} and {b} differ")
    fits = all(i == j or 1 in (i, j) for i, j in zip(a.shape, b.shape))
    require(fits, f"shapes {a} and {b} do not broadcast")
    return TensorType(tuple(max(i, j) for i, j in zip(a.shape, b.shape)), F32)


def _transpose(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, _MOVED, "x")
    order = options.permutation
    require(sorted(order) == list(range(len(x.shape))), f"{order} is no permutation of {len(x.shape)} axes")
    require(order[0] == 0, "the batch axis stays first")
    return TensorType(tuple(x.shape[i] for i in order), x.dtype)


def _slice(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, _MOVED, "x")
    rank = len(x.shape)
    for name in ("begin", "size", "stride"):
        require(len(getattr(options, name)) == rank, f"{name} needs {rank} entries")
    require((options.begin[0], options.stride[0]) == (0, 1), "the batch axis cannot be sliced")
    for i, (begin, size, stride, extent) in enumerate(zip(options.begin, options.size, options.stride, x.shape)):
        if i == 0:
            continue  # its size is the batch's, whatever stands there
        require(begin >= 0 and size >= 1 and stride >= 1, f"axis {i} has a begin, size or stride out of range")
        require(begin + (size - 1) * stride < extent, f"axis {i} is sliced beyond its {extent} elements")
    return TensorType((x.shape[0], *options.size[1:]), x.dtype)


def _tile(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, _MOVED, "x")
    require(len(options.multiples) == len(x.shape), f"multiples needs {len(x.shape)} entries")
    require(all(1 <= m <= rules.MAX_EXTENT for m in options.multiples), "a multiple is out of range")
    require(options.multiples[0] == 1, "the batch axis cannot be tiled")
    return TensorType(tuple(d * m for d, m in zip(x.shape, options.multiples)), x.dtype)


def _reduce(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    axes = options.axes
    rising = all(1 <= a < len(x.shape) for a in axes) and all(a < b for a, b in zip(axes, axes[1:]))
    require(len(axes) > 0 and rising, f"axes {axes} must ascend from 1 to {len(x.shape) - 1}")
    if options.keepdims:
        return TensorType(tuple(1 if i in axes else d for i, d in enumerate(x.shape)), F32)
    kept = tuple(d for i, d in enumerate(x.shape) if i not in axes)
    require(len(kept) > 1, "all axes but the batch are reduced, which needs keepdims")
    return TensorType(kept, F32)


def _resize_bilinear_2d(inputs: Checked, options) -> TensorType:
    (x,) = inputs
    rules.check_dtype(x, (F32,), "x")
    rules.check_rank(x, 4, "x")
    extents = (options.height, options.width, *x.shape[1:3])
    require(all(1 <= e <= rules.MAX_EXTENT for e in extents), "an extent is out of range")
    return TensorType((x.shape[0], options.height, options.width, x.shape[3]), F32)


def _embedding(inputs: Checked, options) -> TensorType:
    indices, table = inputs
    rules.check_dtype(indices, (F32, I32), "indices")
    rules.check_dtype(table, (F32,), "table")
    rules.check_rank(table, 2, "table")
    return TensorType((*indices.shape, table.shape[1]), F32)


BROADCAST = (OpKind.ADD, OpKind.SUBTRACT, OpKind.MULTIPLY, OpKind.DIVIDE, OpKind.MAXIMUM, OpKind.MINIMUM)

RULES: dict[OpKind, Callable[..., TensorType]] = {
    **dict.fromkeys(BROADCAST, _broadcast),
    OpKind.CONCATENATE: _concatenate,
    OpKind.RESHAPE: _reshape,
    OpKind.PAD: _pad,
    OpKind.TRANSPOSE: _transpose,
    OpKind.SLICE: _slice,
    OpKind.TILE: _tile,
    OpKind.REDUCE: _reduce,
    OpKind.RESIZE_BILINEAR_2D: _resize_bilinear_2d,
    OpKind.EMBEDDING: _embedding,
}
