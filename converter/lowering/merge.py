"""Layers that join several tensors."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import axis_of, binary
from xlite.converter.lowering.movement import joined, reshaped
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind


@lowering("Add")
def add(ctx: Context, *inputs: Value) -> Value:
    """Added from left to right, as Keras does, in float32."""
    return _from_left(ctx, OpKind.ADD, inputs)


@lowering("Multiply")
def multiply(ctx: Context, *inputs: Value) -> Value:
    return _from_left(ctx, OpKind.MULTIPLY, inputs)


@lowering("Maximum")
def maximum(ctx: Context, *inputs: Value) -> Value:
    return _from_left(ctx, OpKind.MAXIMUM, inputs)


@lowering("Minimum")
def minimum(ctx: Context, *inputs: Value) -> Value:
    return _from_left(ctx, OpKind.MINIMUM, inputs)


@lowering("Average")
def average(ctx: Context, *inputs: Value) -> Value:
    total = _from_left(ctx, OpKind.ADD, inputs)
    return total if len(inputs) == 1 else binary(ctx, OpKind.DIVIDE, total, float(len(inputs)))


@lowering("Subtract")
def subtract(ctx: Context, a: Value, b: Value) -> Value:
    return _from_left(ctx, OpKind.SUBTRACT, (a, b))


@lowering("Concatenate")
def concatenate(ctx: Context, *inputs: Value) -> Value:
    _at_least_one(ctx, inputs)
    return joined(ctx, inputs, axis_of(ctx, ctx.config.get("axis", -1), len(inputs[0].type.shape)))


def _from_left(ctx: Context, kind: OpKind, inputs: tuple[Value, ...]) -> Value:
    """Tensors with fewer axes get axes of extent 1 behind the batch, as Keras's merging layers do it."""
    _at_least_one(ctx, inputs)
    rank = max(len(x.type.shape) for x in inputs)
    result, *rest = (reshaped(ctx, x, (1,) * (rank - len(x.type.shape)) + x.type.shape[1:]) for x in inputs)
    for value in rest:
        result = ctx.add(kind, [result, value])
    return result


def _at_least_one(ctx: Context, inputs: tuple[Value, ...]) -> None:
    if not inputs:
        raise ctx.error("has no inputs", "call it with a list of tensors")
