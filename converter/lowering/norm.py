"""Batch normalization and other constant scales and offsets."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind


@lowering("BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization")
def batch_normalization(ctx: Context, x: Value) -> Value:
    """x * scale + offset, grouped as Keras groups it and each step rounded to float32:
    scale = rsqrt(variance + epsilon) * gamma, offset = beta - mean * scale."""
    config = ctx.config
    if config.get("trainable", True):
        ctx.inference_only()
    if config.get("renorm"):
        raise ctx.unsupported("has renorm=True", "train it without")
    _last_axis(ctx, x)
    roles = [role for role, key in (("gamma", "scale"), ("beta", "center")) if config.get(key, True)]
    roles += ["moving_mean", "moving_variance"]
    found = dict(zip(roles, ctx.weights(*roles)))
    for role, weight in found.items():
        ctx.check_shape(role, weight, (x.type.shape[-1],))
    scale = _rsqrt(found["moving_variance"] + np.float32(config.get("epsilon", 1e-3)))
    if "gamma" in found:
        scale = scale * found["gamma"]
    offset = -found["moving_mean"] * scale
    if "beta" in found:
        offset = found["beta"] - found["moving_mean"] * scale
    if not (np.isfinite(scale).all() and np.isfinite(offset).all()):
        raise ctx.error("has statistics that give no finite scale", "check its moving variance and epsilon")
    return ctx.add(OpKind.BATCH_NORM, [x, ctx.constant("scale", scale), ctx.constant("offset", offset)])


def _rsqrt(x: np.ndarray) -> np.ndarray:
    """1 / sqrt(x), rounded once. TensorFlow's own is up to 2 units in the last place off, by the machine."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (1.0 / np.sqrt(x.astype(np.float64))).astype(np.float32)


def _last_axis(ctx: Context, x: Value) -> None:
    axis: Any = ctx.config.get("axis", -1)
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    rank = len(x.type.shape)
    if [a % rank for a in axes] != [rank - 1]:
        raise ctx.unsupported(f"normalizes over axis {axis}", "build the model with channels last, axis=-1")


@lowering("Rescaling")
def rescaling(ctx: Context, x: Value) -> Value:
    """x * scale + offset, as Keras computes it."""
    channels = x.type.shape[-1]
    scale, offset = (
        _per_channel(ctx, key, default, channels) for key, default in (("scale", 1.0), ("offset", 0.0))
    )
    return ctx.add(OpKind.BATCH_NORM, [x, ctx.constant("scale", scale), ctx.constant("offset", offset)])


def _per_channel(ctx: Context, key: str, default: float, channels: int) -> np.ndarray:
    value = ctx.config.get(key, default)
    if isinstance(value, dict):  # a serialized array
        value = value["config"]["value"]
    array = np.asarray(value, np.float32)
    if array.size not in (1, channels):
        raise ctx.unsupported(f"has a {key} of shape {array.shape}", "give one number, or one a channel")
    return np.broadcast_to(array.reshape(-1), (channels,)).copy()
