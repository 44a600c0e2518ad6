"""Arithmetic on values, shared by layers and operations: operands of other shapes and constants are brought to
what the ops take."""

from __future__ import annotations

import math
from typing import Any, Union

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.movement import reshaped, transposed
from xlite.schema.types import Activation, ActivationKind, ActivationOptions, OpKind, ReduceKind, ReduceOptions

Operand = Union[Value, float, list, dict, np.ndarray]  # a tensor, or a number or array as a configuration holds it

_COMMUTATIVE = (OpKind.ADD, OpKind.MULTIPLY, OpKind.MAXIMUM, OpKind.MINIMUM)
_WIDEST = 4096  # channels for which a scale and an offset are written out


def binary(ctx: Context, kind: OpKind, a: Operand, b: Operand) -> Value:
    """``a`` op ``b`` with numpy's broadcasting; at least one of them is a tensor.

    A scale or an offset that is constant over a channel becomes a BATCH_NORM, which thresholds and convolutions
    absorb; the result is the same to the bit.
    """
    if isinstance(a, Value) and isinstance(b, Value):
        return _of_tensors(ctx, kind, a, b)
    if isinstance(b, Value):
        x, array, swapped = b, number(ctx, a), kind not in _COMMUTATIVE
    elif isinstance(a, Value):
        x, array, swapped = a, number(ctx, b), False
    else:
        raise ctx.unsupported("computes with constants alone", "write the result in its place")
    normal = _as_batch_norm(ctx, kind, x, array, swapped)
    if normal is not None:
        return normal
    if array.size == 1 and kind in (OpKind.MAXIMUM, OpKind.MINIMUM):
        limit = float(array.reshape(()))
        return clipped(ctx, x, limit, None) if kind is OpKind.MAXIMUM else clipped(ctx, x, None, limit)
    other = ctx.literal(_of_rank(ctx, array, len(x.type.shape)))
    return ctx.add(kind, [other, x] if swapped else [x, other])


def _of_tensors(ctx: Context, kind: OpKind, a: Value, b: Value) -> Value:
    ranks = len(a.type.shape), len(b.type.shape)
    if ranks[0] != ranks[1]:
        raise ctx.unsupported(
            f"joins tensors of {ranks[0]} and {ranks[1]} axes, which would align a batch with another axis",
            "reshape one of them first, so that they have as many axes",
        )
    return ctx.add(kind, [a, b])


def number(ctx: Context, value: Any) -> np.ndarray:
    """A number or an array from a configuration, as float32: plain, in nested lists, or serialized by Keras."""
    if isinstance(value, dict):
        config = value.get("config", value)
        value = config.get("value") if isinstance(config, dict) else config
    try:
        return np.asarray(value, np.float32)
    except (TypeError, ValueError):
        raise ctx.unsupported(
            f"is given {value!r}, which is no number", "give it a tensor or a constant"
        ) from None


def _of_rank(ctx: Context, array: np.ndarray, rank: int) -> np.ndarray:
    """The constant with axes of extent 1 in front; the batch's must be 1."""
    if array.ndim > rank or (array.ndim == rank and array.shape[0] != 1):
        raise ctx.unsupported(
            f"has a constant of shape {array.shape} beside a tensor of {rank} axes",
            "give it one that is the same for the whole batch",
        )
    return array.reshape((1,) * (rank - array.ndim) + array.shape)


def _as_batch_norm(ctx: Context, kind: OpKind, x: Value, array: np.ndarray, swapped: bool) -> Value | None:
    """x + c, x - c, c - x and x * c, where c is one number or one a channel."""
    channels = x.type.shape[-1]
    per_channel = array.size == 1 or (array.size == channels == array.shape[-1] and array.ndim < len(x.type.shape))
    if not per_channel or channels > _WIDEST or not np.isfinite(array).all():
        return None
    c = np.broadcast_to(array.reshape(-1), (channels,))
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    scale, offset = {
        OpKind.ADD: (one, c),
        OpKind.SUBTRACT: (-one, c) if swapped else (one, -c),
        OpKind.MULTIPLY: (c, zero),
    }.get(kind, (None, None))
    if scale is None or offset is None:
        return None
    return ctx.add(OpKind.BATCH_NORM, [x, ctx.literal(scale), ctx.literal(offset)])


def applied(ctx: Context, x: Value, kind: ActivationKind, **parameters: float) -> Value:
    """One of the ops' element-wise functions on ``x``."""
    return ctx.add(OpKind.ACTIVATION, [x], ActivationOptions(Activation(kind, **parameters)))


def clipped(ctx: Context, x: Value, low: float | None, high: float | None) -> Value:
    """min(max(x, low), high), in the form that the most passes know; None is no limit."""
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    if low > high:
        raise ctx.unsupported(f"clips to [{low:g}, {high:g}], which is empty", "give it limits in order")
    if (low, high) == (-math.inf, math.inf):
        return x
    if (low, high) == (-1.0, 1.0):
        return applied(ctx, x, ActivationKind.HARD_TANH)
    if low == 0.0:
        return applied(ctx, x, ActivationKind.RELU, max_value=high)
    return applied(ctx, x, ActivationKind.CLIP, threshold=low, max_value=high)


def reduced(ctx: Context, x: Value, kind: ReduceKind, axis: Any = None, keepdims: bool = False) -> Value:
    """A sum, mean, maximum, minimum or product over axes as numpy numbers them; never over the batch."""
    axes = axes_of(ctx, axis, len(x.type.shape))
    if not axes:
        return x
    return ctx.add(OpKind.REDUCE, [x], ReduceOptions(kind, axes, bool(keepdims)))


def axes_of(ctx: Context, axis: Any, rank: int) -> tuple[int, ...]:
    """Axes as a configuration gives them, ascending and counted from the front; None is all of them."""
    given = list(range(rank)) if axis is None else list(axis) if isinstance(axis, (list, tuple)) else [axis]
    axes = sorted({_axis(ctx, int(a), rank) for a in given})
    if 0 in axes:
        raise ctx.unsupported("runs over the batch axis", "give it an axis, 1 or above")
    return tuple(axes)


def _axis(ctx: Context, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ctx.error(f"names axis {axis} of a tensor of {rank} axes", "give it an axis that is there")
    return axis % rank


def axis_of(ctx: Context, axis: Any, rank: int) -> int:
    """One axis, counted from the front; never the batch."""
    (found,) = axes_of(ctx, axis, rank)
    return found


def variance(ctx: Context, x: Value, axes: tuple[int, ...]) -> tuple[Value, Value]:
    """x - mean(x) and the mean of its square over ``axes``, which are kept with extent 1."""
    mean = reduced(ctx, x, ReduceKind.MEAN, axes, True)
    centred = ctx.add(OpKind.SUBTRACT, [x, mean])
    square = applied(ctx, centred, ActivationKind.SQUARE)
    return centred, reduced(ctx, square, ReduceKind.MEAN, axes, True)


def softmax(ctx: Context, x: Value, axis: Any = -1) -> Value:
    """Over one axis or several; others than the last are moved there and back."""
    return over_last_axis(ctx, x, axis, lambda y: ctx.add(OpKind.SOFTMAX, [y]))


def log_softmax(ctx: Context, x: Value, axis: Any = -1) -> Value:
    """x - max - log(sum(exp(x - max))), which keeps small probabilities."""
    axes = axes_of(ctx, axis, len(x.type.shape))
    shifted = ctx.add(OpKind.SUBTRACT, [x, reduced(ctx, x, ReduceKind.MAX, axes, True)])
    total = reduced(ctx, applied(ctx, shifted, ActivationKind.EXP), ReduceKind.SUM, axes, True)
    return ctx.add(OpKind.SUBTRACT, [shifted, applied(ctx, total, ActivationKind.LOG)])


def over_last_axis(ctx: Context, x: Value, axis: Any, function: Any) -> Value:
    """``function`` of ``x`` with the axes in question made the last one, and its result moved back."""
    shape = x.type.shape
    axes = axes_of(ctx, axis, len(shape))
    kept = [a for a in range(len(shape)) if a not in axes]
    order = (*kept, *axes)
    moved = transposed(ctx, x, order)
    flat = (*(shape[a] for a in kept[1:]), math.prod(shape[a] for a in axes))
    y = function(reshaped(ctx, moved, flat))
    y = reshaped(ctx, y, moved.type.shape[1:])
    return transposed(ctx, y, tuple(np.argsort(order)))
