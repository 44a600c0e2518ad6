"""What ``keras.ops`` nodes and TensorFlow functions have in common: functions of a context and plain arguments.

``keras_operations`` and ``tensorflow_operations`` give them the names under which files hold them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering import elementwise, movement
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.contraction import matrix_product
from xlite.converter.lowering.elementwise import applied, axes_of, axis_of, binary, number, reduced
from xlite.converter.lowering.movement import joined, reshaped, sliced, transposed
from xlite.schema.types import ActivationKind, DenseOptions, OpKind, ReduceKind

# Element-wise functions of one tensor that one op computes, by numpy's name.
UNARY: dict[str, ActivationKind] = {
    "abs": ActivationKind.ABS,
    "negative": ActivationKind.NEGATE,
    "square": ActivationKind.SQUARE,
    "sqrt": ActivationKind.SQRT,
    "rsqrt": ActivationKind.RSQRT,
    "exp": ActivationKind.EXP,
    "log": ActivationKind.LOG,
    "round": ActivationKind.ROUND,
    "floor": ActivationKind.FLOOR,
    "sign": ActivationKind.SIGN,
    "tanh": ActivationKind.TANH,
    "sigmoid": ActivationKind.SIGMOID,
}

BINARY: dict[str, OpKind] = {
    "add": OpKind.ADD,
    "subtract": OpKind.SUBTRACT,
    "multiply": OpKind.MULTIPLY,
    "divide": OpKind.DIVIDE,
    "maximum": OpKind.MAXIMUM,
    "minimum": OpKind.MINIMUM,
}

REDUCTIONS: dict[str, ReduceKind] = {
    "sum": ReduceKind.SUM,
    "mean": ReduceKind.MEAN,
    "max": ReduceKind.MAX,
    "min": ReduceKind.MIN,
    "prod": ReduceKind.PROD,
}


def ceil(ctx: Context, x: Value) -> Value:
    """-floor(-x)."""
    below = applied(ctx, applied(ctx, x, ActivationKind.NEGATE), ActivationKind.FLOOR)
    return applied(ctx, below, ActivationKind.NEGATE)


def reciprocal(ctx: Context, x: Value) -> Value:
    return binary(ctx, OpKind.DIVIDE, 1.0, x)


def power(ctx: Context, x: Value, exponent: Any) -> Value:
    """A constant power that products and roots make."""
    value = None if isinstance(exponent, Value) or not isinstance(x, Value) else number(ctx, exponent)
    known = {0.5: ActivationKind.SQRT, -0.5: ActivationKind.RSQRT, 2.0: ActivationKind.SQUARE}
    if value is not None and value.size == 1:
        p = float(value.reshape(()))
        if p == 1.0:
            return x
        if p == -1.0:
            return reciprocal(ctx, x)
        if p in known:
            return applied(ctx, x, known[p])
        if p == 3.0:
            return ctx.add(OpKind.MULTIPLY, [applied(ctx, x, ActivationKind.SQUARE), x])
        if p == 4.0:
            return applied(ctx, applied(ctx, x, ActivationKind.SQUARE), ActivationKind.SQUARE)
    raise ctx.unsupported("raises to another power than 0.5, 1, 2, 3, 4 or one of their like", "use one of those")


def clip(ctx: Context, x: Value, low: Any, high: Any) -> Value:
    """Limits that are numbers, or constants or tensors that broadcast."""
    limits = [None if isinstance(v, Value) else number(ctx, v) for v in (low, high)]
    if all(limit is not None and limit.size == 1 for limit in limits):
        return elementwise.clipped(ctx, x, *(float(limit.reshape(())) for limit in limits if limit is not None))
    return binary(ctx, OpKind.MINIMUM, binary(ctx, OpKind.MAXIMUM, x, low), high)


def spread(ctx: Context, x: Value, axis: Any, keepdims: bool, root: bool) -> Value:
    """The variance, or its root, over axes."""
    axes = axes_of(ctx, axis, len(x.type.shape))
    _, y = elementwise.variance(ctx, x, axes)
    y = applied(ctx, y, ActivationKind.SQRT) if root else y
    return y if keepdims else squeezed(ctx, y, axes)


def logsumexp(ctx: Context, x: Value, axis: Any, keepdims: bool) -> Value:
    axes = axes_of(ctx, axis, len(x.type.shape))
    largest = reduced(ctx, x, ReduceKind.MAX, axes, True)
    powers = applied(ctx, ctx.add(OpKind.SUBTRACT, [x, largest]), ActivationKind.EXP)
    total = applied(ctx, reduced(ctx, powers, ReduceKind.SUM, axes, True), ActivationKind.LOG)
    y = ctx.add(OpKind.ADD, [total, largest])
    return y if keepdims else squeezed(ctx, y, axes)


def matmul(ctx: Context, x: Any, y: Any, transpose_x: bool = False, transpose_y: bool = False) -> Value:
    """A tensor times a constant matrix or another tensor."""
    if isinstance(x, Value) and isinstance(y, Value):
        return matrix_product(ctx, x, y, transpose_x, transpose_y)
    if not isinstance(x, Value):
        raise ctx.unsupported("multiplies a constant by a tensor", "write it the other way round")
    matrix = number(ctx, y)
    if matrix.ndim != 2 or transpose_x:
        raise ctx.unsupported(
            f"multiplies by a constant of {matrix.ndim} axes{' and transposes' if transpose_x else ''}",
            "give it a matrix, and transpose before",
        )
    return ctx.add(
        OpKind.DENSE, [x, ctx.literal(matrix if transpose_y else matrix.T), None, None, None], DenseOptions()
    )


# -- shapes --------------------------------------------------------------------------------------------------


def reshape(ctx: Context, x: Value, shape: Any) -> Value:
    """A whole shape, batch included, whose first entry stays the batch: -1, None, or its size where the rest is
    given in full."""
    given = list(shape) if isinstance(shape, (list, tuple)) else [shape]
    if any(isinstance(size, Value) for size in given):
        raise ctx.unsupported("reshapes to sizes that are computed", "write the shape as numbers, the batch as -1")
    first, *rest = given
    rest = [-1 if size is None else int(size) for size in rest]
    elements = math.prod(x.type.shape[1:])
    if rest.count(-1) == 1 and math.prod(size for size in rest if size != -1) > 0:
        rest[rest.index(-1)] = elements // math.prod(size for size in rest if size != -1)
    open_batch = first in (-1, None) or not {-1, None} & set(given[1:])
    if not rest or -1 in rest or math.prod(rest) != elements or not open_batch:
        raise ctx.unsupported(
            f"reshapes {('batch', *x.type.shape[1:])} to {tuple(given)}, which does not keep the batch axis",
            "keep it first, as in (-1, 8, 8)",
        )
    return reshaped(ctx, x, rest)


def squeezed(ctx: Context, x: Value, axis: Any) -> Value:
    shape = x.type.shape
    given = [i for i, extent in enumerate(shape) if i and extent == 1] if axis is None else axis
    axes = axes_of(ctx, given, len(shape))
    if any(shape[i] != 1 for i in axes):
        raise ctx.error(f"squeezes axis {axis} of a tensor of shape {shape[1:]}", "squeeze axes of extent 1")
    return _kept(ctx, x, [extent for i, extent in enumerate(shape) if i not in axes])


def _kept(ctx: Context, x: Value, shape: Sequence[int]) -> Value:
    if len(shape) < 2:
        raise ctx.unsupported("leaves nothing but the batch axis", "keep an axis of extent 1 behind it")
    return reshaped(ctx, x, shape[1:])


def expanded(ctx: Context, x: Value, axis: Any) -> Value:
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    rank = len(x.type.shape) + len(axes)
    new = axes_of(ctx, axes, rank)
    rest = iter(x.type.shape)
    return reshaped(ctx, x, [1 if i in new else next(rest) for i in range(rank)][1:])


def transpose(ctx: Context, x: Value, axes: Any = None) -> Value:
    rank = len(x.type.shape)
    order = list(reversed(range(rank))) if axes is None else [int(a) % rank for a in axes]
    return transposed(ctx, x, order)


def moved_axis(ctx: Context, x: Value, source: Any, destination: Any) -> Value:
    rank = len(x.type.shape)
    to, of = ([a % rank for a in (v if isinstance(v, (list, tuple)) else [v])] for v in (destination, source))
    placed = dict(zip(to, of))
    rest = iter(i for i in range(rank) if i not in of)
    return transposed(ctx, x, [placed[i] if i in placed else next(rest) for i in range(rank)])


def swapped_axes(ctx: Context, x: Value, one: int, two: int) -> Value:
    rank = len(x.type.shape)
    order = list(range(rank))
    order[one % rank], order[two % rank] = order[two % rank], order[one % rank]
    return transposed(ctx, x, order)


def concatenate(ctx: Context, xs: Any, axis: int = -1) -> Value:
    parts = _tensors(ctx, xs)
    return joined(ctx, parts, axis_of(ctx, axis, len(parts[0].type.shape)))


def stack(ctx: Context, xs: Any, axis: int = 0) -> Value:
    parts = _tensors(ctx, xs)
    new = axis_of(ctx, axis, len(parts[0].type.shape) + 1)
    return joined(ctx, [expanded(ctx, part, new) for part in parts], new)


def _tensors(ctx: Context, xs: Any) -> list[Value]:
    parts = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    if not parts or not all(isinstance(part, Value) for part in parts):
        raise ctx.unsupported("joins constants", "join tensors")
    return parts


def split(ctx: Context, x: Value, parts: Any, axis: int, *, by_sizes: bool) -> list[Value]:
    """Equal parts by their number; by their sizes (TensorFlow), or where they begin (numpy)."""
    axis = axis_of(ctx, axis, len(x.type.shape))
    extent = x.type.shape[axis]
    if not isinstance(parts, (list, tuple)):
        if extent % int(parts):
            raise ctx.error(f"splits {extent} elements into {parts} equal parts", "give it a divisor")
        edges = list(range(0, extent + 1, extent // int(parts)))
    elif by_sizes:
        known = [int(p) for p in parts]
        known = [extent - sum(k for k in known if k != -1) if k == -1 else k for k in known]
        edges = [0, *np.cumsum(known).tolist()]
    else:
        edges = [0, *(int(p) for p in parts), extent]
    return [sliced(ctx, x, axis, a, b - a) for a, b in zip(edges, edges[1:])]


def unstack(ctx: Context, x: Value, axis: int) -> list[Value]:
    axis = axis_of(ctx, axis, len(x.type.shape))
    parts = split(ctx, x, x.type.shape[axis], axis, by_sizes=False)
    return [squeezed(ctx, part, axis) for part in parts]


def tile(ctx: Context, x: Value, multiples: Any) -> Value:
    rank = len(x.type.shape)
    given = list(multiples) if isinstance(multiples, (list, tuple)) else [multiples]
    given = [1] * (rank - len(given)) + [int(m) for m in given]
    if len(given) != rank or given[0] != 1:
        raise ctx.unsupported(f"repeats a tensor of {rank} axes {tuple(given)} times", "leave the batch axis at 1")
    return movement.tiled(ctx, x, given)


def repeat(ctx: Context, x: Value, repeats: Any, axis: Any) -> Value:
    if isinstance(repeats, (list, tuple)) and len(set(repeats)) == 1:
        repeats = repeats[0]
    if axis is None or isinstance(repeats, (list, tuple)):
        raise ctx.unsupported("repeats elements one by one", "repeat all of one axis as often")
    return movement.repeated(ctx, x, axis_of(ctx, axis, len(x.type.shape)), int(repeats))


def flip(ctx: Context, x: Value, axis: Any) -> Value:
    for a in axes_of(ctx, axis, len(x.type.shape)):
        x = movement.reversed_axis(ctx, x, a)
    return x


def roll(ctx: Context, x: Value, shift: int, axis: int) -> Value:
    axis = axis_of(ctx, axis, len(x.type.shape))
    extent = x.type.shape[axis]
    begin = -int(shift) % extent
    if begin == 0:
        return x
    return joined(ctx, [sliced(ctx, x, axis, begin, extent - begin), sliced(ctx, x, axis, 0, begin)], axis)


def pad(ctx: Context, x: Value, width: Any, mode: str = "constant", value: Any = None) -> Value:
    pairs = np.broadcast_to(np.asarray(width, int), (len(x.type.shape), 2))
    if pairs[0].any():
        raise ctx.unsupported("pads the batch axis", "leave it")
    mode = mode.lower()
    if mode in ("reflect", "symmetric"):
        for axis, (before, after) in enumerate(pairs.tolist()):
            x = _mirrored(ctx, x, axis, before, after, 1 if mode == "reflect" else 0)
        return x
    if mode != "constant":
        raise ctx.unsupported(f"pads with mode '{mode}'", "pad with a constant, or use 'reflect' or 'symmetric'")
    return movement.padded(ctx, x, pairs.tolist(), 0.0 if value is None else float(number(ctx, value).reshape(())))


def _mirrored(ctx: Context, x: Value, axis: int, before: int, after: int, skipped: int) -> Value:
    """``x`` with its own elements in reverse order at both ends of an axis; ``skipped``: 1 leaves out the edge
    itself."""
    if not before and not after:
        return x
    extent = x.type.shape[axis]
    if max(before, after) > extent - skipped:
        raise ctx.error(f"mirrors {max(before, after)} elements of an axis of {extent}", "pad less of it")
    parts = [x]
    if before:
        parts.insert(0, movement.reversed_axis(ctx, sliced(ctx, x, axis, skipped, before), axis))
    if after:
        parts.append(movement.reversed_axis(ctx, sliced(ctx, x, axis, extent - skipped - after, after), axis))
    return joined(ctx, parts, axis)


def depth_to_space(ctx: Context, x: Value, block: int) -> Value:
    _check_block(ctx, x, x.type.shape[-1] % (block * block) == 0, block)
    return movement.blocks_to_space(ctx, x, block)


def space_to_depth(ctx: Context, x: Value, block: int) -> Value:
    _check_block(ctx, x, len(x.type.shape) == 4 and not any(e % block for e in x.type.shape[1:3]), block)
    return movement.space_to_blocks(ctx, x, block)


def _check_block(ctx: Context, x: Value, divides: bool, block: int) -> None:
    if len(x.type.shape) != 4 or not divides:
        raise ctx.error(f"rearranges blocks of {block} in {x.type.shape[1:]}", "give it images that it divides")
