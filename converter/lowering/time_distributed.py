"""TimeDistributed: a layer on every step of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.movement import MOST_PARTS, joined, reshaped, sliced
from xlite.converter.lowering.registry import find_lowering, lowering

# Layers that treat all axes but the last alike: one call is the same as one a step.
_BY_ELEMENT = ("Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "QuantDense")


@lowering("TimeDistributed")
def time_distributed(ctx: Context, x: Value) -> Value | Sequence[Value]:
    """The inner layer on every step, with the same weights."""
    value: dict[str, Any] = ctx.config["layer"]
    inner = ctx.inner(value, ctx.layer.weights)
    function = find_lowering(inner.layer)
    steps = x.type.shape[1]
    if inner.layer.class_name in _BY_ELEMENT:
        return function(inner, x)
    if len(x.type.shape) < 3 or steps > MOST_PARTS:
        raise ctx.unsupported(
            f"runs over {steps} steps of a tensor of {len(x.type.shape)} axes",
            f"give it (batch, steps, ...) of {MOST_PARTS} steps at most",
        )
    outputs = []
    for step in range(steps):
        y = function(inner, reshaped(ctx, sliced(ctx, x, 1, step, 1), x.type.shape[2:]))
        if not isinstance(y, Value):
            raise ctx.unsupported("wraps a layer of several outputs", "wrap one that gives a single tensor")
        outputs.append(reshaped(ctx, y, (1, *y.type.shape[1:])))
    return joined(ctx, outputs, 1)
