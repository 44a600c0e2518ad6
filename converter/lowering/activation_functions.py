"""Keras's activations beyond those of ``activation.py``, by name; parameters are Keras's defaults."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering import elementwise
from xlite.converter.lowering.activations import activation
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import applied, axis_of
from xlite.converter.lowering.movement import sliced
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import ActivationKind as Kind
from xlite.schema.types import OpKind

# Those that one op computes: names, what it is, and the parameters that it needs.
_PLAIN: tuple[tuple[tuple[str, ...], Kind, dict[str, float]], ...] = (
    (("elu",), Kind.ELU, {"alpha": 1.0}),
    (("selu",), Kind.SELU, {}),
    (("celu",), Kind.CELU, {"alpha": 1.0}),
    (("softplus",), Kind.SOFTPLUS, {}),
    (("softsign",), Kind.SOFTSIGN, {}),
    (("silu", "swish"), Kind.SILU, {}),
    (("gelu",), Kind.GELU, {}),
    (("hard_silu", "hard_swish"), Kind.HARD_SILU, {}),
    (("mish",), Kind.MISH, {}),
    (("log_sigmoid",), Kind.LOG_SIGMOID, {}),
    (("tanh_shrink",), Kind.TANH_SHRINK, {}),
    (("soft_shrink",), Kind.SOFT_SHRINK, {"threshold": 0.5}),
    (("hard_shrink",), Kind.HARD_SHRINK, {"threshold": 0.5}),
    (("squareplus",), Kind.SQUAREPLUS, {"alpha": 4.0}),
    (("sparse_plus",), Kind.SPARSE_PLUS, {}),
    (("sparse_sigmoid",), Kind.SPARSE_SIGMOID, {}),
    (("exponential",), Kind.EXP, {}),
)


def _register(names: tuple[str, ...], kind: Kind, parameters: dict[str, float]) -> None:
    activation(*names)(lambda ctx, x: applied(ctx, x, kind, **parameters))


for _row in _PLAIN:
    _register(*_row)


@activation("hard_sigmoid")
def hard_sigmoid(ctx: Context, x: Value) -> Value:
    """clip(x / 6 + 0.5, 0, 1) in Keras 3; in Keras 2 it was clip(0.2 x + 0.5, 0, 1)."""
    return applied(ctx, x, Kind.HARD_SIGMOID, alpha=0.2 if ctx.is_keras_2 else 1 / 6, threshold=0.5)


@activation("log_softmax")
def _log_softmax(ctx: Context, x: Value) -> Value:
    return elementwise.log_softmax(ctx, x)


@activation("glu")
def _glu(ctx: Context, x: Value) -> Value:
    return gated(ctx, x, -1)


def gated(ctx: Context, x: Value, axis: int) -> Value:
    """a * sigmoid(b), where a and b are the halves of ``x`` along an axis (arXiv 1612.08083)."""
    axis = axis_of(ctx, axis, len(x.type.shape))
    half = x.type.shape[axis] // 2
    if 2 * half != x.type.shape[axis]:
        raise ctx.error(f"halves an axis of {2 * half + 1} elements", "give it an even number")
    first, second = sliced(ctx, x, axis, 0, half), sliced(ctx, x, axis, half, half)
    return ctx.add(OpKind.MULTIPLY, [first, applied(ctx, second, Kind.SIGMOID)])


@activation("sparsemax")
def _sparsemax(ctx: Context, x: Value) -> Value:
    raise ctx.unsupported("has the activation 'sparsemax', which sorts its input", "use 'softmax' instead")


@lowering("ELU")
def _elu_layer(ctx: Context, x: Value) -> Value:
    return applied(ctx, x, Kind.ELU, alpha=float(ctx.config.get("alpha", 1.0)))
