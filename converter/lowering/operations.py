"""``keras.ops`` functions in functional Keras 3 models, as in ``x + shortcut``: those that have an op.

Their names are those of the classes that Keras makes of the functions. Constants among their arguments are
refused.
"""

from __future__ import annotations

from typing import Callable

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import relu
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.merge import add, concatenate
from xlite.converter.lowering.registry import lowering
from xlite.converter.lowering.shape import reshaped_to
from xlite.schema.types import Activation, ActivationKind, ActivationOptions, OpKind


def _plain(kind: ActivationKind) -> Callable[[Context, Value], Value]:
    def lower(ctx: Context, x: Value) -> Value:
        return ctx.add(OpKind.ACTIVATION, [x], ActivationOptions(Activation(kind)))

    return lower


lowering("keras.ops>Add")(add)
lowering("keras.ops>Concatenate")(concatenate)
lowering("keras.ops>Sigmoid")(_plain(ActivationKind.SIGMOID))
lowering("keras.ops>Tanh")(_plain(ActivationKind.TANH))
lowering("keras.ops>HardTanh")(_plain(ActivationKind.HARD_TANH))


@lowering("keras.ops>Relu", "keras.ops>Relu6", "keras.ops>ReLU", "keras.ops>LeakyRelu")
def _relu(ctx: Context, x: Value) -> Value:
    config = ctx.config
    limit = 6.0 if ctx.layer.class_name == "Relu6" else config.get("max_value")
    return relu(ctx, x, float(config.get("negative_slope", 0.0)), limit, float(config.get("threshold", 0.0)))


@lowering("keras.ops>Softmax")
def _softmax(ctx: Context, x: Value) -> Value:
    axis = ctx.config.get("axis", -1)
    if axis % len(x.type.shape) != len(x.type.shape) - 1:
        raise ctx.unsupported(f"normalizes over axis {axis}", "permute the model so that it is the last axis")
    return ctx.add(OpKind.SOFTMAX, [x])


@lowering("keras.ops>Reshape")
def _reshape(ctx: Context, x: Value) -> Value:
    shape = list(ctx.config["newshape"])
    if shape[0] not in (-1, None, 1):
        raise ctx.unsupported(f"reshapes to {tuple(shape)}, with a fixed batch", "write -1 for the batch")
    return reshaped_to(ctx, x, shape[1:])
