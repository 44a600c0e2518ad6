"""Larq's activations that Keras does not have."""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activation
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import clipped
from xlite.schema.types import OpKind


@activation("leaky_tanh")
def leaky_tanh(ctx: Context, x: Value) -> Value:
    """clip(x, -1, 1) + (max(x, 1) - 1) * 0.2 + (min(x, -1) + 1) * 0.2, summed in this order."""
    middle = clipped(ctx, x, -1.0, 1.0)
    above = _leak(ctx, clipped(ctx, x, 1.0, None), -1.0)
    below = _leak(ctx, clipped(ctx, x, None, -1.0), 1.0)
    return ctx.add(OpKind.ADD, [ctx.add(OpKind.ADD, [middle, above]), below])


def _leak(ctx: Context, x: Value, offset: float) -> Value:
    """(x + offset) * 0.2"""
    for scale, shift in ((1.0, offset), (0.2, 0.0)):
        constants = (ctx.literal(np.full(x.type.shape[-1], value)) for value in (scale, shift))
        x = ctx.add(OpKind.BATCH_NORM, [x, *constants])
    return x
