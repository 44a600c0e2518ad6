"""Layers that hold Python code. It is never run."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.registry import lowering


@lowering("Lambda")
def lambda_layer(ctx: Context, *inputs: Value) -> Value:
    raise ctx.unsupported(
        "holds Python code, which xlite never runs from a file",
        "replace it by Keras layers, or by a layer class of your own registered with @xlite.converter.lowering",
    )
