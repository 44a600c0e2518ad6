"""Models for tests: a builder that infers types, and a small residual network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlite.schema.bits import pack_signs
from xlite.schema.contracts import infer
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    Conv2DOptions,
    DenseOptions,
    DType,
    Metadata,
    Model,
    Op,
    OpKind,
    Options,
    Pool2DOptions,
    ReshapeOptions,
    Tensor,
    TensorType,
)

F32, I32, I8, U8, BIT = DType.FLOAT32, DType.INT32, DType.INT8, DType.UINT8, DType.BIT
Inputs = Sequence["int | None"]


class Builder:
    """Builds a model op by op; every method returns a tensor's index."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.inputs: list[int] = []

    def input(self, shape: Sequence[int], dtype: DType = F32, name: str = "") -> int:
        """A graph input; ``shape`` without the batch."""
        index = self._tensor(Tensor(name or f"input{len(self.inputs)}", TensorType((1, *shape), dtype)))
        self.inputs.append(index)
        return index

    def const(self, values: np.ndarray) -> int:
        """A float32 or int32 constant."""
        dtype = I32 if np.issubdtype(values.dtype, np.integer) else F32
        data = np.ascontiguousarray(values, dtype.numpy)
        return self._tensor(Tensor(f"c{len(self.tensors)}", TensorType(data.shape, dtype), data))

    def bits(self, shape: Sequence[int], packed_axes: int = 1) -> int:
        """A constant of random signs."""
        signs = self.rng.choice(np.array([-1, 1], np.int8), size=tuple(shape))
        type_ = TensorType(tuple(shape), BIT, packed_axes)
        return self._tensor(Tensor(f"c{len(self.tensors)}", type_, pack_signs(signs, packed_axes)))

    def bytes(self, *shape: int) -> int:
        """A constant of random int8."""
        data = self.rng.integers(-128, 128, size=shape).astype(np.int8)
        return self._tensor(Tensor(f"c{len(self.tensors)}", TensorType(data.shape, I8), data))

    def floats(self, *shape: int) -> int:
        return self.const(self.rng.normal(size=shape).astype(np.float32))

    def op(
        self,
        kind: OpKind,
        inputs: Inputs,
        options: Options | None = None,
        *,
        output_types: Sequence[TensorType] | None = None,
        name: str = "",
    ) -> int:
        """Adds an op; returns its first output. ``output_types`` is for CUSTOM. Raises ContractError."""
        given = [None if t is None else self.tensors[t].type for t in inputs]
        types = infer(kind, given, options)
        types = list(output_types or []) if types is None else types
        name = name or f"op{len(self.ops)}"
        outputs = [self._tensor(Tensor(f"{name}/{i}", type_)) for i, type_ in enumerate(types)]
        slots = tuple(-1 if t is None else t for t in inputs)
        self.ops.append(Op(kind, slots, tuple(outputs), options, name))
        return outputs[0]

    def model(self, outputs: Sequence[int], metadata: Metadata | None = None) -> Model:
        return Model(self.tensors, self.ops, tuple(self.inputs), tuple(outputs), None, metadata or Metadata())

    def type(self, index: int) -> TensorType:
        return self.tensors[index].type

    def _tensor(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    # -- layers with random constants ------------------------------------------------------------------------

    def conv(
        self, x: int, filters: int, kernel: int = 3, out: DType = F32, bit_filter: bool = True, **options
    ) -> int:
        """A 2D convolution with random filters and, by its output's dtype, scale and bias or thresholds."""
        depth = self.type(x).shape[3] // options.get("groups", 1)
        shape = (filters, kernel, kernel, depth)
        weights = self.bits(shape, 3) if bit_filter else self.floats(*shape)
        return self.op(
            OpKind.CONV_2D, self._filtered(x, weights, filters, out), Conv2DOptions(output_dtype=out, **options)
        )

    def depthwise(self, x: int, multiplier: int = 1, out: DType = F32, bit_filter: bool = True, **options) -> int:
        channels = self.type(x).shape[3] * multiplier
        weights = self.bits((3, 3, channels)) if bit_filter else self.floats(3, 3, channels)
        inputs = self._filtered(x, weights, channels, out)
        return self.op(OpKind.DEPTHWISE_CONV_2D, inputs, Conv2DOptions(output_dtype=out, **options))

    def dense(self, x: int, units: int, out: DType = F32, bit_filter: bool = True, **options) -> int:
        shape = (units, self.type(x).shape[-1])
        weights = self.bits(shape) if bit_filter else self.floats(*shape)
        return self.op(
            OpKind.DENSE, self._filtered(x, weights, units, out), DenseOptions(output_dtype=out, **options)
        )

    def _filtered(self, x: int, weights: int, channels: int, out: DType) -> Inputs:
        if out is BIT:
            return x, weights, None, None, self.const(self.rng.integers(-5, 6, size=channels).astype(np.int32))
        if out is I32:
            return x, weights, None, None, None
        scale = self.floats(channels) if self.type(weights).dtype is BIT else None
        return x, weights, scale, self.floats(channels), None

    def batch_norm(self, x: int) -> int:
        channels = self.type(x).shape[-1]
        return self.op(OpKind.BATCH_NORM, (x, self.floats(channels), self.floats(channels)))

    def activation(self, x: int, kind: ActivationKind = ActivationKind.RELU, **options) -> int:
        return self.op(OpKind.ACTIVATION, (x,), ActivationOptions(Activation(kind, **options)))


SAME_3 = {"pad_top": 1, "pad_bottom": 1, "pad_left": 1, "pad_right": 1}


def residual_network(seed: int = 0, blocks: int = 3, channels: int = 40) -> Model:
    """A small binary residual network: 2 outputs (scores, and the last sum), 20 or so ops."""
    b = Builder(seed)
    x = b.conv(b.input((12, 12, 3), name="image"), channels, bit_filter=False, **SAME_3)
    for _ in range(blocks):
        left = b.conv(b.op(OpKind.SIGN, (x,)), channels, **SAME_3)
        left = b.batch_norm(left)
        x = b.activation(b.op(OpKind.ADD, (left, x)), alpha=0.1)
    packed = b.op(OpKind.MAX_POOL_2D, (b.op(OpKind.SIGN, (x,)), None), Pool2DOptions(2, 2, 2, 2))
    packed = b.conv(packed, 64, out=BIT, pad_value=1, **SAME_3)
    flat = b.op(OpKind.RESHAPE, (packed,), ReshapeOptions((6 * 6 * 64,)))
    scores = b.op(OpKind.SOFTMAX, (b.dense(flat, 10),), name="scores")
    return b.model([scores, x])
