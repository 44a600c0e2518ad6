"""Layers that bring raw numbers to the network's scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import axis_of, binary, number
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind

_KERAS_EPSILON = np.float32(1e-7)


@lowering("Normalization")
def normalization(ctx: Context, x: Value) -> Value:
    """(x - mean) / max(sqrt(variance), 1e-7), or back with ``invert``; each step rounded as Keras rounds it."""
    mean, variance = _statistics(ctx, len(x.type.shape), x.type.shape)
    deviation = np.maximum(np.sqrt(variance), _KERAS_EPSILON)
    if ctx.config.get("invert"):
        return binary(ctx, OpKind.ADD, binary(ctx, OpKind.MULTIPLY, x, deviation), mean)
    return binary(ctx, OpKind.DIVIDE, binary(ctx, OpKind.SUBTRACT, x, mean), deviation)


def _statistics(ctx: Context, rank: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance as they lie beside the input: those of the configuration, or those it was adapted to."""
    given = ctx.config.get("mean"), ctx.config.get("variance")
    if given[0] is not None and given[1] is not None:
        found = [number(ctx, value) for value in given]
    elif len(ctx.layer.weights) >= 2:  # and a count
        found = [np.asarray(weight, np.float32) for weight in ctx.layer.weights[:2]]
    else:
        raise ctx.error("has no mean and variance", "adapt it to data, or give it both, and save the model again")
    axis: Any = ctx.config.get("axis", -1)
    axes = [] if axis is None else axis if isinstance(axis, (list, tuple)) else [axis]
    kept = sorted(axis_of(ctx, a, rank) for a in axes)
    wanted = tuple(shape[i] if i in kept else 1 for i in range(rank))
    extents = [shape[i] for i in kept]
    found = [np.broadcast_to(array, extents) if array.size == 1 else array for array in found]
    if kept == [rank - 1]:
        return found[0].reshape(-1), found[1].reshape(-1)
    return found[0].reshape(wanted), found[1].reshape(wanted)
