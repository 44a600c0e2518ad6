"""``keras.ops`` nodes of functional Keras 3 models, by the classes under which they are saved.

What an operation was made with stands in its configuration, what it was called with in its call.
"""

from __future__ import annotations

from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering import activation_functions, elementwise, operations
from xlite.converter.lowering.activations import activation_named, relu
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import applied, binary, reduced
from xlite.converter.lowering.indexing import indexed
from xlite.converter.lowering.layer_norm import unit_length
from xlite.converter.lowering.pooling import windows
from xlite.converter.lowering.registry import Lowering, lowering
from xlite.converter.lowering.upsampling import resized
from xlite.schema.types import ActivationKind, OpKind, ReduceKind


def _register() -> None:
    """The families of which every member is called alike."""
    for name, kind in operations.UNARY.items():
        spelled = {"abs": ("Abs", "Absolute")}.get(name, (name.capitalize(),))
        lowering(*(f"keras.ops.{s}" for s in spelled))(_unary(kind))
    for name, op in operations.BINARY.items():
        lowering(f"keras.ops.{name.capitalize()}")(_binary(op))
    lowering("keras.ops.TrueDivide")(_binary(OpKind.DIVIDE))
    for name, reduction in operations.REDUCTIONS.items():
        lowering(f"keras.ops.{name.capitalize()}")(_reduction(reduction))
    for name in _ACTIVATIONS:
        lowering(f"keras.ops.{''.join(part.capitalize() for part in name.split('_'))}")(_activation(name))


# Activations without parameters, by their names as activations.
_ACTIVATIONS = [
    "relu",
    "relu6",
    "selu",
    "softplus",
    "softsign",
    "silu",
    "hard_silu",
    "hard_tanh",
    "hard_sigmoid",
    "mish",
    "log_sigmoid",
    "tanh_shrink",
    "sparse_plus",
    "sparse_sigmoid",
]


def _unary(kind: ActivationKind) -> Lowering:
    return lambda ctx, x: applied(ctx, x, kind)


def _binary(kind: OpKind) -> Lowering:
    return lambda ctx, x1, x2: binary(ctx, kind, x1, x2)


def _reduction(kind: ReduceKind) -> Lowering:
    def function(ctx: Context, x: Value, initial: Any = None) -> Value:
        if ctx.config.get("initial", initial) is not None:
            raise ctx.unsupported("has an initial value", "leave it out")
        return reduced(ctx, x, kind, ctx.config.get("axis"), bool(ctx.config.get("keepdims")))

    return function


def _activation(name: str) -> Lowering:
    return lambda ctx, x: activation_named(name)(ctx, x)


_register()


@lowering("keras.ops.Identity", "keras.ops.StopGradient", "keras.ops.Copy")
def _identity(ctx: Context, x: Value) -> Value:
    return x


@lowering("keras.ops.Cast")
def _cast(ctx: Context, x: Value) -> Value:
    wanted = str(ctx.config.get("dtype"))
    if not wanted.startswith(("float", "bfloat")):
        raise ctx.unsupported(f"casts to {wanted}", "compute in floats")
    return x


@lowering("keras.ops.Ceil")
def _ceil(ctx: Context, x: Value) -> Value:
    return operations.ceil(ctx, x)


@lowering("keras.ops.Reciprocal")
def _reciprocal(ctx: Context, x: Value) -> Value:
    return operations.reciprocal(ctx, x)


@lowering("keras.ops.Power")
def _power(ctx: Context, x1: Value, x2: Any) -> Value:
    return operations.power(ctx, x1, x2)


@lowering("keras.ops.Clip")
def _clip(ctx: Context, x: Value) -> Value:
    return operations.clip(ctx, x, ctx.config["x_min"], ctx.config["x_max"])


@lowering("keras.ops.Matmul")
def _matmul(ctx: Context, x1: Any, x2: Any) -> Value:
    return operations.matmul(ctx, x1, x2)


@lowering("keras.ops.Var", "keras.ops.Std")
def _spread(ctx: Context, x: Value) -> Value:
    root = ctx.layer.class_name == "Std"
    return operations.spread(ctx, x, ctx.config.get("axis"), bool(ctx.config.get("keepdims")), root)


@lowering("keras.ops.Logsumexp")
def _logsumexp(ctx: Context, x: Value) -> Value:
    return operations.logsumexp(ctx, x, ctx.config.get("axis"), bool(ctx.config.get("keepdims")))


# -- activations with parameters -----------------------------------------------------------------------------


@lowering("keras.ops.LeakyRelu")
def _leaky_relu(ctx: Context, x: Value) -> Value:
    return relu(ctx, x, float(ctx.config.get("negative_slope", 0.2)))


@lowering("keras.ops.ReLU")
def _general_relu(ctx: Context, x: Value) -> Value:
    """``keras.activations.relu`` with parameters."""
    config = ctx.config
    return relu(
        ctx,
        x,
        float(config.get("negative_slope", 0.0)),
        config.get("max_value"),
        float(config.get("threshold", 0.0)),
    )


@lowering("keras.ops.Elu", "keras.ops.Celu")
def _elu(ctx: Context, x: Value) -> Value:
    kind = ActivationKind[ctx.layer.class_name.upper()]
    return applied(ctx, x, kind, alpha=float(ctx.config.get("alpha", 1.0)))


@lowering("keras.ops.Gelu")
def _gelu(ctx: Context, x: Value) -> Value:
    tanh = ctx.config.get("approximate", True)
    return applied(ctx, x, ActivationKind.GELU_TANH if tanh else ActivationKind.GELU)


@lowering("keras.ops.Glu")
def _glu(ctx: Context, x: Value) -> Value:
    return activation_functions.gated(ctx, x, int(ctx.config.get("axis", -1)))


@lowering("keras.ops.SoftShrink", "keras.ops.HardShrink")
def _shrink(ctx: Context, x: Value) -> Value:
    soft = ctx.layer.class_name == "SoftShrink"
    kind = ActivationKind.SOFT_SHRINK if soft else ActivationKind.HARD_SHRINK
    return applied(ctx, x, kind, threshold=float(ctx.config.get("threshold", 0.5)))


@lowering("keras.ops.Threshold")
def _threshold(ctx: Context, x: Value) -> Value:
    limit, default = (float(ctx.config[key]) for key in ("threshold", "default_value"))
    return applied(ctx, x, ActivationKind.THRESHOLD, threshold=limit, alpha=default)


@lowering("keras.ops.Squareplus")
def _squareplus(ctx: Context, x: Value) -> Value:
    return applied(ctx, x, ActivationKind.SQUAREPLUS, alpha=float(ctx.config.get("b", 4)))


@lowering("keras.ops.Softmax")
def _softmax(ctx: Context, x: Value) -> Value:
    return elementwise.softmax(ctx, x, ctx.config.get("axis", -1))


@lowering("keras.ops.LogSoftmax")
def _log_softmax(ctx: Context, x: Value) -> Value:
    return elementwise.log_softmax(ctx, x, ctx.config.get("axis", -1))


@lowering("keras.ops.Normalize")
def _normalize(ctx: Context, x: Value) -> Value:
    if ctx.config.get("order", 2) != 2:
        raise ctx.unsupported("normalizes by another norm than the second", "use order=2")
    epsilon = ctx.config.get("epsilon")
    epsilon = 1e-7 if epsilon is None else float(epsilon)
    return unit_length(ctx, x, ctx.config.get("axis", -1), epsilon * epsilon)


# -- shapes --------------------------------------------------------------------------------------------------


@lowering("keras.ops.GetItem")
def _get_item(ctx: Context, x: Value, key: Any) -> Value:
    return indexed(ctx, x, key)


@lowering("keras.ops.Reshape")
def _reshape(ctx: Context, x: Value, newshape: Any = None) -> Value:
    return operations.reshape(ctx, x, ctx.config.get("newshape", newshape))


@lowering("keras.ops.Transpose")
def _transpose(ctx: Context, x: Value) -> Value:
    return operations.transpose(ctx, x, ctx.config.get("axes"))


@lowering("keras.ops.Moveaxis")
def _moveaxis(ctx: Context, x: Value) -> Value:
    return operations.moved_axis(ctx, x, ctx.config["source"], ctx.config["destination"])


@lowering("keras.ops.Swapaxes")
def _swapaxes(ctx: Context, x: Value) -> Value:
    return operations.swapped_axes(ctx, x, ctx.config["axis1"], ctx.config["axis2"])


@lowering("keras.ops.ExpandDims")
def _expand_dims(ctx: Context, x: Value) -> Value:
    return operations.expanded(ctx, x, ctx.config["axis"])


@lowering("keras.ops.Squeeze")
def _squeeze(ctx: Context, x: Value) -> Value:
    return operations.squeezed(ctx, x, ctx.config.get("axis"))


@lowering("keras.ops.Concatenate")
def _concatenate(ctx: Context, xs: Any) -> Value:
    return operations.concatenate(ctx, xs, ctx.config.get("axis", 0))


@lowering("keras.ops.Stack")
def _stack(ctx: Context, x: Any) -> Value:
    return operations.stack(ctx, x, ctx.config.get("axis", 0))


@lowering("keras.ops.Split")
def _split(ctx: Context, x: Value) -> list[Value]:
    parts = ctx.config["indices_or_sections"]
    return operations.split(ctx, x, parts, ctx.config.get("axis", 0), by_sizes=False)


@lowering("keras.ops.Unstack")
def _unstack(ctx: Context, x: Value) -> list[Value]:
    return operations.unstack(ctx, x, ctx.config.get("axis", 0))


@lowering("keras.ops.Tile")
def _tile(ctx: Context, x: Value) -> Value:
    return operations.tile(ctx, x, ctx.config["repeats"])


@lowering("keras.ops.Repeat")
def _repeat(ctx: Context, x: Value) -> Value:
    return operations.repeat(ctx, x, ctx.config["repeats"], ctx.config.get("axis"))


@lowering("keras.ops.Flip")
def _flip(ctx: Context, x: Value) -> Value:
    return operations.flip(ctx, x, ctx.config.get("axis"))


@lowering("keras.ops.Roll")
def _roll(ctx: Context, x: Value) -> Value:
    return operations.roll(ctx, x, ctx.config["shift"], ctx.config["axis"])


@lowering("keras.ops.Pad")
def _pad(ctx: Context, x: Value, constant_values: Any = None) -> Value:
    return operations.pad(ctx, x, ctx.config["pad_width"], ctx.config.get("mode", "constant"), constant_values)


# -- images --------------------------------------------------------------------------------------------------


@lowering("keras.ops.MaxPool", "keras.ops.AveragePool")
def _pool(ctx: Context, x: Value) -> Value:
    return windows(ctx, x, ctx.layer.class_name[: -len("Pool")], len(x.type.shape) - 2)


@lowering("keras.ops.Resize")
def _resize(ctx: Context, x: Value) -> Value:
    ctx.channels_last()
    for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        if ctx.config.get(key):
            raise ctx.unsupported(f"has {key}=True", "resize without it")
    return resized(ctx, x, ctx.config["size"], ctx.config.get("interpolation", "bilinear"))
