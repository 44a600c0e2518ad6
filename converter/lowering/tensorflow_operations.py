"""TensorFlow functions that Keras 2 keeps as nodes of functional models (TFOpLambda, SlicingOpLambda), by where
they stand in TensorFlow's Python API. Files hold the arguments by name, behind the first."""

from __future__ import annotations

from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering import elementwise, operations
from xlite.converter.lowering.activations import activation_named, relu
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.elementwise import applied, binary, reduced
from xlite.converter.lowering.indexing import indexed
from xlite.converter.lowering.layer_norm import unit_length
from xlite.converter.lowering.pooling import windows
from xlite.converter.lowering.registry import Lowering, lowering
from xlite.converter.lowering.upsampling import resized
from xlite.schema.types import ActivationKind, OpKind, ReduceKind

# The names that a function goes by: in tf.math and, for most, in tf itself.
_UNARY = {"abs": ("abs",), "sigmoid": ("sigmoid", "nn.sigmoid"), "tanh": ("tanh", "nn.tanh")}
_BINARY = {
    "add": ("add", "__operators__.add", "nn.bias_add"),
    "divide": ("divide", "truediv", "realdiv"),
}
_ACTIVATIONS = {
    "relu": "nn.relu",
    "relu6": "nn.relu6",
    "elu": "nn.elu",
    "selu": "nn.selu",
    "softplus": "math.softplus",
    "softsign": "nn.softsign",
    "silu": "nn.silu",
    "log_sigmoid": "math.log_sigmoid",
}


def _register() -> None:
    """The families of which every member is called alike."""
    for name, kind in operations.UNARY.items():
        lowering(*_both(_UNARY.get(name, (name,))))(_unary(kind))
    for name, op in operations.BINARY.items():
        lowering(*_both(_BINARY.get(name, (name,))))(_binary(op))
    for name, reduction in operations.REDUCTIONS.items():
        lowering(*_both((f"reduce_{name}",)))(_reduction(reduction))
    for name, place in _ACTIVATIONS.items():
        lowering(f"tf.{place}", f"tf.nn.{name}", f"tf.keras.activations.{name}")(_activation(name))
    lowering("tf.nn.swish")(_activation("silu"))


def _both(names: tuple[str, ...]) -> list[str]:
    plain = [name for name in names if "." not in name]
    return [f"tf.{name}" for name in names] + [f"tf.math.{name}" for name in plain]


def _unary(kind: ActivationKind) -> Lowering:
    return lambda ctx, x: applied(ctx, x, kind)


def _binary(kind: OpKind) -> Lowering:
    def function(ctx: Context, x: Any, y: Any = None, bias: Any = None) -> Value:
        return binary(ctx, kind, x, bias if y is None else y)

    return function


def _reduction(kind: ReduceKind) -> Lowering:
    def function(ctx: Context, x: Value, axis: Any = None, keepdims: bool = False) -> Value:
        return reduced(ctx, x, kind, axis, keepdims)

    return function


def _activation(name: str) -> Lowering:
    return lambda ctx, x: activation_named(name)(ctx, x)


_register()


@lowering("tf.identity", "tf.stop_gradient")
def _identity(ctx: Context, x: Value) -> Value:
    return x


@lowering("tf.cast")
def _cast(ctx: Context, x: Value, dtype: str) -> Value:
    if not str(dtype).startswith(("float", "bfloat")):
        raise ctx.unsupported(f"casts to {dtype}", "compute in floats")
    return x


@lowering("tf.math.add_n", "tf.add_n")
def _add_n(ctx: Context, xs: Any) -> Value:
    total, *rest = xs if isinstance(xs, list) else [xs]
    for x in rest:
        total = binary(ctx, OpKind.ADD, total, x)
    return total


@lowering("tf.math.ceil", "tf.ceil")
def _ceil(ctx: Context, x: Value) -> Value:
    return operations.ceil(ctx, x)


@lowering("tf.math.reciprocal")
def _reciprocal(ctx: Context, x: Value) -> Value:
    return operations.reciprocal(ctx, x)


@lowering("tf.math.pow", "tf.pow")
def _pow(ctx: Context, x: Value, y: Any) -> Value:
    return operations.power(ctx, x, y)


@lowering("tf.clip_by_value")
def _clip_by_value(ctx: Context, x: Value, clip_value_min: Any, clip_value_max: Any) -> Value:
    return operations.clip(ctx, x, clip_value_min, clip_value_max)


@lowering("tf.linalg.matmul", "tf.matmul")
def _matmul(
    ctx: Context, x: Value, b: Any, transpose_a: bool = False, transpose_b: bool = False, **options: Any
) -> Value:
    if any(options.values()):
        raise ctx.unsupported(f"multiplies with {', '.join(k for k, v in options.items() if v)}", "leave it out")
    return operations.matmul(ctx, x, b, bool(transpose_a), bool(transpose_b))


@lowering("tf.math.reduce_variance", "tf.math.reduce_std")
def _spread(ctx: Context, x: Value, axis: Any = None, keepdims: bool = False) -> Value:
    return operations.spread(ctx, x, axis, keepdims, ctx.config["function"].endswith("std"))


@lowering("tf.math.reduce_logsumexp", "tf.reduce_logsumexp")
def _logsumexp(ctx: Context, x: Value, axis: Any = None, keepdims: bool = False) -> Value:
    return operations.logsumexp(ctx, x, axis, keepdims)


@lowering("tf.nn.leaky_relu")
def _leaky_relu(ctx: Context, x: Value, alpha: float = 0.2) -> Value:
    return relu(ctx, x, float(alpha))


@lowering("tf.nn.gelu")
def _gelu(ctx: Context, x: Value, approximate: bool = False) -> Value:
    return applied(ctx, x, ActivationKind.GELU_TANH if approximate else ActivationKind.GELU)


@lowering("tf.nn.softmax")
def _softmax(ctx: Context, x: Value, axis: Any = -1) -> Value:
    return elementwise.softmax(ctx, x, axis)


@lowering("tf.nn.log_softmax")
def _log_softmax(ctx: Context, x: Value, axis: Any = -1) -> Value:
    return elementwise.log_softmax(ctx, x, axis)


@lowering("tf.math.l2_normalize", "tf.nn.l2_normalize", "tf.linalg.l2_normalize")
def _l2_normalize(ctx: Context, x: Value, axis: Any = None, epsilon: float = 1e-12) -> Value:
    return unit_length(ctx, x, axis, float(epsilon))


# -- shapes --------------------------------------------------------------------------------------------------


@lowering("tf.__operators__.getitem")
def _getitem(ctx: Context, x: Value, slice_spec: Any) -> Value:
    return indexed(ctx, x, slice_spec)


@lowering("tf.reshape")
def _reshape(ctx: Context, x: Value, shape: Any) -> Value:
    return operations.reshape(ctx, x, shape)


@lowering("tf.transpose")
def _transpose(ctx: Context, x: Value, perm: Any = None, conjugate: bool = False) -> Value:
    return operations.transpose(ctx, x, perm)


@lowering("tf.expand_dims")
def _expand_dims(ctx: Context, x: Value, axis: Any) -> Value:
    return operations.expanded(ctx, x, axis)


@lowering("tf.squeeze")
def _squeeze(ctx: Context, x: Value, axis: Any = None) -> Value:
    return operations.squeezed(ctx, x, axis or None)


@lowering("tf.concat")
def _concat(ctx: Context, values: Any, axis: int) -> Value:
    return operations.concatenate(ctx, values, axis)


@lowering("tf.stack")
def _stack(ctx: Context, values: Any, axis: int = 0) -> Value:
    return operations.stack(ctx, values, axis)


@lowering("tf.unstack")
def _unstack(ctx: Context, x: Value, num: Any = None, axis: int = 0) -> list[Value]:
    return operations.unstack(ctx, x, axis)


@lowering("tf.split")
def _split(ctx: Context, x: Value, num_or_size_splits: Any, axis: int = 0, num: Any = None) -> list[Value]:
    return operations.split(ctx, x, num_or_size_splits, axis, by_sizes=True)


@lowering("tf.tile")
def _tile(ctx: Context, x: Value, multiples: Any) -> Value:
    return operations.tile(ctx, x, multiples)


@lowering("tf.repeat")
def _repeat(ctx: Context, x: Value, repeats: Any, axis: Any = None) -> Value:
    return operations.repeat(ctx, x, repeats, axis)


@lowering("tf.reverse")
def _reverse(ctx: Context, x: Value, axis: Any) -> Value:
    return operations.flip(ctx, x, axis)


@lowering("tf.roll")
def _roll(ctx: Context, x: Value, shift: int, axis: int) -> Value:
    return operations.roll(ctx, x, shift, axis)


@lowering("tf.pad")
def _pad(ctx: Context, x: Value, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0) -> Value:
    return operations.pad(ctx, x, paddings, mode, constant_values)


# -- images --------------------------------------------------------------------------------------------------


@lowering("tf.nn.depth_to_space")
def _depth_to_space(ctx: Context, x: Value, block_size: int, data_format: str = "NHWC") -> Value:
    _channels_last(ctx, data_format)
    return operations.depth_to_space(ctx, x, int(block_size))


@lowering("tf.nn.space_to_depth")
def _space_to_depth(ctx: Context, x: Value, block_size: int, data_format: str = "NHWC") -> Value:
    _channels_last(ctx, data_format)
    return operations.space_to_depth(ctx, x, int(block_size))


@lowering("tf.nn.max_pool2d", "tf.nn.max_pool", "tf.nn.avg_pool2d", "tf.nn.avg_pool")
def _pool(ctx: Context, x: Value, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC") -> Value:
    _channels_last(ctx, data_format)
    if len(x.type.shape) != 4:
        raise ctx.unsupported("pools other tensors than images", "use a pooling layer")
    size, steps = (_spatial(ctx, value) for value in (ksize, strides))
    inner = ctx.inner({"class_name": "Pool", "config": {"pool_size": size, "strides": steps, "padding": padding}})
    return windows(inner, x, "Max" if "max" in ctx.config["function"] else "Average", 2)


@lowering("tf.image.resize")
def _resize(ctx: Context, x: Value, size: Any, method: str = "bilinear", **options: Any) -> Value:
    if any(options.values()):
        raise ctx.unsupported(f"resizes with {', '.join(k for k, v in options.items() if v)}", "leave it out")
    return resized(ctx, x, size, method)


def _spatial(ctx: Context, value: Any) -> Any:
    """A window as TensorFlow takes it: one size, one an image axis, or one an axis."""
    if not isinstance(value, list):
        return value
    if len(value) == 4:
        if (value[0], value[3]) != (1, 1):
            raise ctx.unsupported("pools over the batch or the channels", "pool over height and width")
        return value[1:3]
    return value * 2 if len(value) == 1 else value


def _channels_last(ctx: Context, data_format: str) -> None:
    if data_format != "NHWC":
        raise ctx.unsupported(f"has data_format='{data_format}'", "build the model with channels last")
