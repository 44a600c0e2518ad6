"""Normalizations whose statistics come from the input itself, composed of plain ops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import applied, axes_of, axis_of, binary, reduced, variance
from xlite.converter.lowering.movement import reshaped
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import ActivationKind, OpKind, ReduceKind


@lowering("LayerNormalization")
def layer_normalization(ctx: Context, x: Value) -> Value:
    """(x - mean) * rsqrt(variance + epsilon) * gamma + beta (arXiv 1607.06450). With ``rms_scaling`` Keras divides
    by the same deviation, without subtracting the mean and without beta."""
    config = ctx.config
    axes = axes_of(ctx, config.get("axis", -1), len(x.type.shape))
    centred, spread = variance(ctx, x, axes)
    rms = bool(config.get("rms_scaling"))
    y = _divided(ctx, x if rms else centred, spread, float(config.get("epsilon", 1e-3)))
    shape = [extent if i in axes else 1 for i, extent in enumerate(x.type.shape)]
    return _scaled(ctx, y, shape, center=not rms)


@lowering("GroupNormalization")
def group_normalization(ctx: Context, x: Value) -> Value:
    """Mean and variance over groups of channels and everything but the batch (arXiv 1803.08494)."""
    shape = x.type.shape
    axis = axis_of(ctx, ctx.config.get("axis", -1), len(shape))
    channels = shape[axis]
    groups = int(ctx.config.get("groups", 32))
    groups = channels if groups == -1 else groups
    if groups < 1 or channels % groups:
        raise ctx.error(f"splits {channels} channels into {groups} groups", "give it a divisor")
    split = (*shape[1:axis], groups, channels // groups, *shape[axis + 1 :])
    parts = reshaped(ctx, x, split)
    centred, spread = variance(ctx, parts, tuple(i for i in range(1, len(split) + 1) if i != axis))
    y = reshaped(ctx, _divided(ctx, centred, spread, float(ctx.config.get("epsilon", 1e-3))), shape[1:])
    return _scaled(ctx, y, [channels if i == axis else 1 for i in range(len(shape))])


@lowering("RMSNormalization")
def rms_normalization(ctx: Context, x: Value) -> Value:
    """x * rsqrt(mean(x^2) + epsilon) * scale (arXiv 1910.07467)."""
    axes = axes_of(ctx, ctx.config.get("axis", -1), len(x.type.shape))
    spread = reduced(ctx, applied(ctx, x, ActivationKind.SQUARE), ReduceKind.MEAN, axes, True)
    y = _divided(ctx, x, spread, float(ctx.config.get("epsilon", 1e-6)))
    (scale,) = ctx.weights("scale")
    shape = [extent if i in axes else 1 for i, extent in enumerate(x.type.shape)]
    return binary(ctx, OpKind.MULTIPLY, y, _broadcast(ctx, "scale", scale, shape))


@lowering("UnitNormalization")
def unit_normalization(ctx: Context, x: Value) -> Value:
    """Keras 2 bounds the sum of squares, Keras 3 its root."""
    return unit_length(ctx, x, ctx.config.get("axis", -1), 1e-12 if ctx.is_keras_2 else 1e-24)


def unit_length(ctx: Context, x: Value, axis: int | Sequence[int], epsilon: float) -> Value:
    """x / sqrt(max(sum(x^2), epsilon)) over the axes."""
    axes = axes_of(ctx, axis, len(x.type.shape))
    total = reduced(ctx, applied(ctx, x, ActivationKind.SQUARE), ReduceKind.SUM, axes, True)
    kept = applied(ctx, total, ActivationKind.CLIP, threshold=epsilon)
    return ctx.add(OpKind.MULTIPLY, [x, applied(ctx, kept, ActivationKind.RSQRT)])


def _divided(ctx: Context, x: Value, spread: Value, epsilon: float) -> Value:
    inverse = applied(ctx, binary(ctx, OpKind.ADD, spread, epsilon), ActivationKind.RSQRT)
    return ctx.add(OpKind.MULTIPLY, [x, inverse])


def _scaled(ctx: Context, y: Value, shape: list[int], center: bool = True) -> Value:
    """gamma and beta, if the layer has them; ``shape`` is how they lie beside ``y``, batch included."""
    roles = [role for role, key in (("gamma", "scale"), ("beta", "center")) if ctx.config.get(key, True)]
    if not center and len(ctx.layer.weights) < len(roles):
        roles.remove("beta")  # some versions make none for rms_scaling
    found = dict(zip(roles, ctx.weights(*roles)))
    if "gamma" in found:
        y = binary(ctx, OpKind.MULTIPLY, y, _broadcast(ctx, "gamma", found["gamma"], shape))
    if "beta" in found and center:
        y = binary(ctx, OpKind.ADD, y, _broadcast(ctx, "beta", found["beta"], shape))
    return y


def _broadcast(ctx: Context, role: str, weight: np.ndarray, shape: list[int]) -> np.ndarray:
    """A weight as it lies beside the input; without axes of extent 1 in front where it is one a channel."""
    long = [extent for extent in shape if extent != 1]
    ctx.check_shape(role, weight.squeeze(), long)
    return weight.reshape(-1) if shape[:-1] == [1] * (len(shape) - 1) else weight.reshape(shape)
