"""A network of BinaryAlexNet's shape with 24 MB of binary weights, made without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.interpreter.networks import BIT, F32, Builder
from xlite.interpreter.planner import plan
from xlite.schema import write_model
from xlite.schema.types import (
    Conv2DOptions,
    DenseOptions,
    DType,
    Metadata,
    Model,
    OpKind,
    Pool2DOptions,
    Preprocessing,
    ReshapeOptions,
    Tensor,
    TensorType,
)

IMAGE = (224, 224, 3)
CLASSES = 1000


class _Large(Builder):
    """Filters of random words: signs that are packed one by one would take longer than all that is tested."""

    def words(self, shape: tuple[int, ...], packed_axes: int) -> int:
        type_ = TensorType(shape, DType.BIT, packed_axes)
        data = self.rng.integers(0, 2**32, type_.storage_shape, dtype=np.uint32)
        return self._tensor(Tensor(f"c{len(self.tensors)}", type_, data))

    def bit_conv(self, x: int, filters: int, size: int) -> int:
        kernel = self.words((filters, size, size, self.type(x).shape[3]), 3)
        around = {f"pad_{side}": size // 2 for side in ("top", "bottom", "left", "right")}
        options = Conv2DOptions(output_dtype=BIT, **around)
        return self.op(OpKind.CONV_2D, self._filtered(x, kernel, filters, BIT), options)

    def bit_dense(self, x: int, units: int, out: DType = BIT) -> int:
        kernel = self.words((units, self.type(x).shape[-1]), 1)
        name = f"dense{units}"
        return self.op(
            OpKind.DENSE, self._filtered(x, kernel, units, out), DenseOptions(output_dtype=out), name=name
        )

    def pool(self, x: int) -> int:
        return self.op(OpKind.MAX_POOL_2D, (x, None), Pool2DOptions(3, 3, 2, 2))


def large_network(units: int = 12288) -> Model:
    """units: of the first dense layer; 12288 makes 24 MB of weights."""
    b = _Large()
    around = {f"pad_{side}": 4 for side in ("top", "bottom", "left", "right")}
    x = b.conv(b.input(IMAGE, name="image"), 64, 11, bit_filter=False, stride_h=4, stride_w=4, **around)
    x = b.pool(b.op(OpKind.SIGN, (x,)))
    x = b.pool(b.bit_conv(x, 192, 5))
    for filters in (384, 384, 256):
        x = b.bit_conv(x, filters, 3)
    x = b.pool(x)
    x = b.op(OpKind.RESHAPE, (x,), ReshapeOptions((int(np.prod(b.type(x).shape[1:])),)))
    x = b.bit_dense(b.bit_dense(x, units), units // 2)
    scores = b.op(OpKind.SOFTMAX, (b.bit_dense(x, CLASSES, F32),), name="scores")
    labels = [f"class {i}" for i in range(CLASSES)]
    model = b.model([scores], Metadata(labels=labels, preprocessing=Preprocessing(1 / 127.5, -1.0)))
    model.plan = plan(model)
    return model


def write_large_network(path: Path, units: int = 12288) -> Path:
    path.write_bytes(write_model(large_network(units)))
    return path
