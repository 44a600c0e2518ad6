"""Small graphs for the tests of the passes: a float program as lowering writes it, in a few words."""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Graph, Value, constant
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    Conv2DOptions,
    DenseOptions,
    DType,
    OpKind,
    PadOptions,
    Pool2DOptions,
    ReshapeOptions,
    TensorType,
)


class Builder:
    """``b.input(...)``, then one method an op, then ``b.done(value, ...)``."""

    def __init__(self, seed: int = 0):
        self.graph = Graph("test")
        self.rng = np.random.default_rng(seed)

    def input(self, *shape: int, dtype: DType = DType.FLOAT32) -> Value:
        value = Value(f"input{len(self.graph.inputs)}", TensorType((1, *shape), dtype))
        self.graph.inputs.append(value)
        return value

    def op(self, kind: OpKind, *inputs: Value | None, options=None, layer: str = "") -> Value:
        return self.graph.add(kind, inputs, options, layers=(layer or kind.name.lower(),))

    def quantized(self, x: Value) -> Value:
        return self.op(OpKind.UNPACK, self.op(OpKind.SIGN, x))

    def conv(self, x: Value, filters: int, *, alpha=None, bias=False, kernel: int = 3, weights=None, **options):
        """A convolution with weights +-alpha (alpha: None for 1, or one a filter)."""
        channels = x.type.shape[-1]
        if weights is None:
            weights = self.rng.choice([-1.0, 1.0], (filters, kernel, kernel, channels))
        if alpha is not None:
            weights = weights * np.asarray(alpha, np.float32).reshape(-1, 1, 1, 1)
        added = constant("bias", self.rng.normal(size=filters)) if bias else None
        inputs = (x, constant("kernel", weights), None, added, None)
        return self.op(OpKind.CONV_2D, *inputs, options=Conv2DOptions(**options), layer="conv")

    def depthwise(self, x: Value, kernel: int = 3, multiplier: int = 1, **options):
        weights = self.rng.choice([-1.0, 1.0], (kernel, kernel, x.type.shape[-1] * multiplier))
        inputs = (x, constant("kernel", weights), None, None, None)
        return self.op(OpKind.DEPTHWISE_CONV_2D, *inputs, options=Conv2DOptions(**options), layer="depthwise")

    def dense(self, x: Value, units: int, weights=None):
        if weights is None:
            weights = self.rng.choice([-1.0, 1.0], (units, x.type.shape[-1]))
        inputs = (x, constant("kernel", weights), None, None, None)
        return self.op(OpKind.DENSE, *inputs, options=DenseOptions(), layer="dense")

    def norm(self, x: Value, scale, offset):
        channels = x.type.shape[-1]
        values = [np.broadcast_to(np.asarray(v, np.float32), (channels,)) for v in (scale, offset)]
        return self.op(OpKind.BATCH_NORM, x, *(constant("norm", v) for v in values), layer="norm")

    def pool(self, x: Value, window: int = 2):
        options = Pool2DOptions(window_h=window, window_w=window, stride_h=window, stride_w=window)
        return self.op(OpKind.MAX_POOL_2D, x, None, options=options, layer="pool")

    def pad(self, x: Value, value: float, amount: int = 1):
        paddings = (0, 0, amount, amount, amount, amount, 0, 0)
        return self.op(OpKind.PAD, x, options=PadOptions(paddings, value), layer="pad")

    def reshape(self, x: Value, *shape: int):
        return self.op(OpKind.RESHAPE, x, options=ReshapeOptions(shape), layer="reshape")

    def activation(self, x: Value, kind: ActivationKind = ActivationKind.RELU, **values):
        return self.op(OpKind.ACTIVATION, x, options=ActivationOptions(Activation(kind, **values)))

    def prelu(self, x: Value, slope):
        slope = np.broadcast_to(np.asarray(slope, np.float32), (x.type.shape[-1],))
        slope = slope.reshape((1,) * (len(x.type.shape) - 2) + (-1,))
        return self.op(OpKind.PRELU, x, constant("slope", slope))

    def done(self, *outputs: Value) -> Graph:
        self.graph.outputs = list(outputs)
        return self.graph
