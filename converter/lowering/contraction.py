"""Products of two computed tensors that sum over an axis: keras.ops.matmul, tf.matmul and the Dot layer.

There is no op for them: every product is written out by a broadcasting MULTIPLY, and REDUCE sums them. That is
right for scores and attention over short sequences, for which it is here; larger ones are refused.
"""

from __future__ import annotations

import math

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import axis_of, reduced
from xlite.converter.lowering.layer_norm import unit_length
from xlite.converter.lowering.movement import reshaped, transposed
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import MAX_RANK, OpKind, ReduceKind

MOST_PRODUCTS = 1 << 22  # floats: 16 MB of arena


def matrix_product(
    ctx: Context, a: Value, b: Value, transpose_a: bool = False, transpose_b: bool = False
) -> Value:
    """a [N, ..., M, K] times b [N, ..., K, P], numpy's broadcasting in between; transpose_*: its last two axes are
    the other way round."""
    if len(a.type.shape) != len(b.type.shape) or not 3 <= len(a.type.shape) < MAX_RANK:
        raise ctx.unsupported(
            f"multiplies tensors of {len(a.type.shape)} and {len(b.type.shape)} axes",
            f"give it two of the same number, 3 to {MAX_RANK - 1} with the batch",
        )
    rows = _swapped(ctx, a) if transpose_a else a
    columns = b if transpose_b else _swapped(ctx, b)
    return _contracted(ctx, rows, columns)


def _swapped(ctx: Context, x: Value) -> Value:
    *rest, before, last = range(len(x.type.shape))
    return transposed(ctx, x, (*rest, last, before))


def _contracted(ctx: Context, a: Value, b: Value) -> Value:
    """a [N, ..., M, K] and b [N, ..., P, K] to [N, ..., M, P]."""
    *_, rows, inner = a.type.shape
    *_, columns, other = b.type.shape
    if inner != other:
        raise ctx.error(f"sums over axes of {inner} and {other} elements", "give both the same number")
    outer = [max(i, j) for i, j in zip(a.type.shape[:-2], b.type.shape[:-2])]
    products = math.prod(outer) * rows * columns * inner
    if products > MOST_PRODUCTS:
        raise ctx.unsupported(
            f"multiplies tensors that have {products} products, and each takes four bytes until they are summed",
            f"make them smaller, to {MOST_PRODUCTS} products at most",
        )
    wide = reshaped(ctx, a, (*a.type.shape[1:-1], 1, inner))
    high = reshaped(ctx, b, (*b.type.shape[1:-2], 1, columns, inner))
    return reduced(ctx, ctx.add(OpKind.MULTIPLY, [wide, high]), ReduceKind.SUM, -1)


@lowering("Dot")
def dot(ctx: Context, a: Value, b: Value) -> Value:
    """Sums over one axis of each; what is left of the first comes before what is left of the second."""
    given = ctx.config["axes"]
    pair = given if isinstance(given, (list, tuple)) else [given, given]
    sides = []
    for x, axis in zip((a, b), pair):
        axis = axis_of(ctx, axis, len(x.type.shape))
        if ctx.config.get("normalize"):
            x = unit_length(ctx, x, axis, 1e-12 if ctx.is_keras_2 else 1e-14)
        order = [i for i in range(len(x.type.shape)) if i != axis]
        kept = [x.type.shape[i] for i in order[1:]]
        moved = transposed(ctx, x, (*order, axis))
        sides.append((reshaped(ctx, moved, (math.prod(kept), x.type.shape[axis])), kept))
    (first, left), (second, right) = sides
    return reshaped(ctx, _contracted(ctx, first, second), [*left, *right] or [1])
