"""Embedding: rows of a table by number."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind


@lowering("Embedding")
def embedding(ctx: Context, x: Value) -> Value:
    if ctx.config.get("mask_zero"):
        raise masks(ctx, "masks zeros")
    (table,) = ctx.weights("embeddings")
    ctx.check_shape("table", table, (int(ctx.config["input_dim"]), int(ctx.config["output_dim"])))
    return ctx.add(OpKind.EMBEDDING, [x, ctx.constant("embeddings", table)])


@lowering("Masking")
def masking(ctx: Context, x: Value) -> Value:
    raise masks(ctx, "masks steps")


def masks(ctx: Context, what: str) -> Exception:
    return ctx.unsupported(
        f"{what}, which needs sequences of different lengths",
        "build the model without masks, for one fixed length",
    )
