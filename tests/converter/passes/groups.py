"""Group convolutions as a split, branches and a concatenation, for the tests of the pass that merges them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.converter.passes.build import Builder
from xlite.converter.graph import Graph, Value, constant
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ConcatenateOptions,
    Conv2DOptions,
    Conv3DOptions,
    OpKind,
    SliceOptions,
)

KERNELS = {
    OpKind.CONV_2D: lambda c, out: (out, 3, 2, c),
    OpKind.DEPTHWISE_CONV_2D: lambda c, out: (3, 2, c * out),
    OpKind.CONV_3D: lambda c, out: (out, 2, 1, 2, c),
    OpKind.CONV_3D_TRANSPOSE: lambda c, out: (out, 1, 2, 2, c),
}
OPTIONS = {
    OpKind.CONV_2D: Conv2DOptions(stride_w=2, pad_top=1, pad_bottom=1),
    OpKind.DEPTHWISE_CONV_2D: Conv2DOptions(pad_left=1),
    OpKind.CONV_3D: Conv3DOptions(pad_front=1, dilation_h=2),
    OpKind.CONV_3D_TRANSPOSE: Conv3DOptions(stride_h=2, output_d=3, output_h=8, output_w=5),
}
SHAPES = {4: (6, 5), 5: (3, 4, 4)}  # of images, by rank


class Groups(Builder):
    """Branches over the slices of one tensor; all numbers are small integers or halves, so that sums are exact."""

    def halves(self, *shape: int) -> np.ndarray:
        return self.rng.integers(-3, 4, shape) / 2

    def split(self, x: Value, count: int) -> list[Value]:
        rank, size = len(x.type.shape), x.type.shape[-1] // count
        whole = (*x.type.shape[:-1], size)
        options = [SliceOptions((0,) * (rank - 1) + (i * size,), whole, (1,) * rank) for i in range(count)]
        return [self.op(OpKind.SLICE, x, options=each, layer="split") for each in options]

    def filtered(self, x: Value, number: int, kernel: np.ndarray, kind=OpKind.CONV_2D, *, bias=False, **options):
        made = replace(OPTIONS[kind], **options)
        name, channels = f"conv{number}", kernel.shape[2] if kind is OpKind.DEPTHWISE_CONV_2D else len(kernel)
        added = constant(f"{name}/bias", self.halves(channels)) if bias else None
        inputs = (x, constant(f"{name}/kernel", kernel), None, added, None)
        return self.op(kind, *inputs, options=made, layer=name)

    def join(self, *values: Value) -> Value:
        return self.op(OpKind.CONCATENATE, *values, options=ConcatenateOptions(), layer="join")


def plain(count: int = 2, channels: int = 3, filters: int = 4, **options) -> tuple[Groups, Value, list[Value]]:
    """A builder, the input and the convolutions' outputs."""
    b = Groups()
    x = b.input(6, 5, count * channels)
    parts = b.split(x, count)
    outs = [b.filtered(p, i, b.halves(filters, 3, 2, channels), **options) for i, p in enumerate(parts)]
    return b, x, outs


def kinds(graph: Graph) -> list[OpKind]:
    return [node.kind for node in graph.nodes]


def relu_inside(first: float, second: float) -> Graph:
    """Convolutions that apply an activation already."""
    b = Groups()
    activations = [Activation(ActivationKind.RELU, alpha=alpha) for alpha in (first, second)]
    parts = b.split(b.input(6, 5, 6), 2)
    outs = [b.filtered(parts[i], i, b.halves(4, 3, 2, 3), activation=activations[i]) for i in range(2)]
    return b.done(b.join(*outs))
