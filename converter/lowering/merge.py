"""Layers that join several tensors."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import ConcatenateOptions, OpKind


@lowering("Add")
def add(ctx: Context, *inputs: Value) -> Value:
    """Added from left to right, as Keras does, in float32."""
    _at_least_one(ctx, inputs)
    shapes = {value.type.shape[1:] for value in inputs}
    if len(shapes) > 1:
        raise ctx.unsupported(
            f"adds tensors of different shapes {sorted(shapes)}",
            "bring them to one shape first; xlite does not broadcast",
        )
    total = inputs[0]
    for value in inputs[1:]:
        total = ctx.add(OpKind.ADD, [total, value])
    return total


@lowering("Concatenate")
def concatenate(ctx: Context, *inputs: Value) -> Value:
    _at_least_one(ctx, inputs)
    axis = int(ctx.config.get("axis", -1))
    rank = len(inputs[0].type.shape)
    if axis % rank == 0:
        raise ctx.unsupported("joins over the batch axis", "join over another one")
    return ctx.add(OpKind.CONCATENATE, list(inputs), ConcatenateOptions(axis))


def _at_least_one(ctx: Context, inputs: tuple[Value, ...]) -> None:
    if not inputs:
        raise ctx.error("has no inputs", "call it with a list of tensors")
