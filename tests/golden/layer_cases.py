"""Golden cases of Keras's other float layers and operations. One case has several layers of a kind, an output
each, so that the store stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers as kl

from tests.golden.case import Case

VECTOR = np.array([0.5, -1.0, 2.0, 0.25], np.float32)


def case(
    family: str, name: str, shape: tuple[int, ...], *make: Callable[[Any], Any], dtype: str = "float32"
) -> Case:
    """One input; every function of it is an output."""

    def build() -> Any:
        inputs = keras.Input(shape, dtype=dtype)
        return keras.Model(inputs, [function(inputs) for function in make])

    return Case(family, name, build)


def pairs(family: str, name: str, shapes: tuple[tuple[int, ...], ...], *make: Callable[[list[Any]], Any]) -> Case:
    """Several inputs; every function of the list of them is an output."""

    def build() -> Any:
        inputs = [keras.Input(shape) for shape in shapes]
        return keras.Model(inputs, [function(inputs) for function in make])

    return Case(family, name, build)


def windows() -> Iterator[Case]:
    """Convolutions and pooling in one and three dimensions, transposed and separable ones."""
    for step in ({}, {"strides": 2}, {"dilation_rate": 2}):
        yield from _convolutions(step)
    for padding in ("valid", "same"):
        yield from _transposes(padding)
        for axes in POOLED:
            yield _pools(axes, padding)
    for axes, shape in POOLED.items():
        layers = [getattr(kl, f"Global{kind}Pooling{axes}D") for kind in ("Max", "Average")]
        yield case("windows", f"pool{axes}d/global", shape, *(lambda x, k=k: k()(x) for k in layers))


POOLED = {1: (9, 4), 3: (5, 6, 4, 3)}


def _convolutions(step: dict[str, int]) -> Iterator[Case]:
    name = next(iter(step), "plain")
    yield case(
        "windows",
        f"1d/{name}",
        (11, 4),
        *(lambda x, p=p: kl.Conv1D(3, 3, padding=p, **step)(x) for p in ("valid", "same", "causal")),
        lambda x: kl.DepthwiseConv1D(3, padding="same", depth_multiplier=2, **step)(x),
        lambda x: kl.SeparableConv1D(5, 3, padding="same", activation="relu", **step)(x),
    )
    yield case(
        "windows",
        f"3d/{name}",
        (5, 6, 4, 4),
        lambda x: kl.Conv3D(3, (2, 3, 1), padding="same", **step)(x),
        lambda x: kl.Conv3D(2, 2, groups=2, use_bias=False, activation="tanh", **step)(x),
    )
    yield case(
        "windows",
        f"separable/{name}",
        (7, 6, 4),
        lambda x: kl.SeparableConv2D(5, 3, depth_multiplier=2, **step)(x),
    )


def _transposes(padding: str) -> Iterator[Case]:
    yield case(
        "windows",
        f"transpose/{padding}",
        (4, 5, 2),
        *(
            lambda x, t=t, s=s: kl.Conv2DTranspose(3, t, strides=s, padding=padding)(x)
            for t, s in ((1, 2), (2, 3), (3, 1), (3, 2), (4, 2), (5, 3))
        ),
        lambda x: kl.Conv2DTranspose(3, 3, strides=3, padding=padding, output_padding=1, activation="relu")(x),
    )
    yield case(
        "windows", f"transpose1d/{padding}", (5, 2), lambda x: kl.Conv1DTranspose(3, 4, 2, padding=padding)(x)
    )
    yield case(
        "windows",
        f"transpose3d/{padding}",
        (2, 3, 2, 2),
        lambda x: kl.Conv3DTranspose(3, (2, 3, 1), 2, padding=padding)(x),
    )


def _pools(axes: int, padding: str) -> Case:
    layers = [getattr(kl, f"{kind}Pooling{axes}D") for kind in ("Max", "Average")]
    make = (lambda x, k=k, s=s: k(3, s, padding=padding)(x) for k in layers for s in (1, 2))
    return case("windows", f"pool{axes}d/{padding}", POOLED[axes], *make)


ACTIVATIONS = """
celu elu selu softplus softsign squareplus soft_shrink sparse_plus silu gelu glu tanh_shrink sparse_sigmoid
exponential hard_sigmoid hard_silu hard_shrink mish log_softmax log_sigmoid
"""


def elementwise() -> Iterator[Case]:
    yield case(
        "elementwise", "activations", (3, 6), *(lambda x, a=a: kl.Activation(a)(x) for a in ACTIVATIONS.split())
    )
    yield case(
        "elementwise",
        "fused activations",
        (5, 5, 3),
        *(lambda x, a=a: kl.Conv2D(4, 2, activation=a)(x) for a in ACTIVATIONS.split()),
    )
    yield case(
        "elementwise",
        "softmax",
        (4, 3, 5),
        *(lambda x, a=a: kl.Softmax(axis=a)(x) for a in (1, 2, 3, (1, 3))),
    )
    merges = (kl.Add, kl.Multiply, kl.Average, kl.Maximum, kl.Minimum, kl.Subtract)
    for shapes in (((4, 3), (4, 3)), ((4, 3), (1, 3)), ((4, 1), (1, 3)), ((5,), (4, 3, 5))):
        yield pairs("elementwise", f"merge/{shapes}", shapes, *(lambda xs, m=m: m()(xs) for m in merges))
    yield case(
        "elementwise",
        "normalizations",
        (3, 4, 6),
        *(lambda x, a=a: kl.LayerNormalization(axis=a)(x) for a in (-1, 1, (1, 2))),
        lambda x: kl.RMSNormalization()(x),
        lambda x: kl.GroupNormalization(groups=2)(x),
        lambda x: kl.UnitNormalization()(x),
        lambda x: kl.Normalization(mean=[1.0, 2, 3, 4, 5, 6], variance=[1.0, 2, 0.5, 4, 3, 2])(x),
        lambda x: kl.Normalization(axis=None, mean=0.5, variance=2.0, invert=True)(x),
        lambda x: kl.Rescaling(1 / 127.5, -1.0)(x),
    )


def shapes() -> Iterator[Case]:
    yield case(
        "shapes",
        "1d",
        (4, 3),
        lambda x: kl.Permute((2, 1))(x),
        lambda x: kl.RepeatVector(3)(kl.Flatten()(x)),
        lambda x: kl.ZeroPadding1D((1, 2))(x),
        lambda x: kl.Cropping1D((0, 2))(x),
        lambda x: kl.UpSampling1D(3)(x),
    )
    yield case(
        "shapes",
        "2d",
        (5, 6, 3),
        lambda x: kl.Permute((3, 1, 2))(x),
        lambda x: kl.Cropping2D(((1, 0), (2, 1)))(x),
        lambda x: kl.UpSampling2D((2, 3))(x),
        lambda x: kl.UpSampling2D((3, 2), interpolation="bilinear")(x),
        lambda x: kl.Resizing(3, 8)(x),
        lambda x: kl.Concatenate(axis=1)([x, kl.ReLU()(x)]),
    )
    yield case(
        "shapes",
        "3d",
        (2, 3, 2, 2),
        lambda x: kl.ZeroPadding3D(((1, 0), (2, 3), (0, 1)))(x),
        lambda x: kl.Cropping3D(((1, 0), (0, 1), (0, 0)))(x),
        lambda x: kl.UpSampling3D((2, 1, 3))(x),
    )
    yield case("shapes", "embedding", (5,), lambda x: kl.Embedding(7, 4)(x), dtype="int32")


def recurrent() -> Iterator[Case]:
    cells = {
        "simple": lambda **o: kl.SimpleRNN(4, **o),
        "lstm": lambda **o: kl.LSTM(4, **o),
        "gru": lambda **o: kl.GRU(4, **o),
        "gru_before": lambda **o: kl.GRU(4, reset_after=False, **o),
    }
    for name, cell in cells.items():
        yield case(
            "recurrent",
            name,
            (6, 3),
            lambda x, c=cell: c()(x),
            lambda x, c=cell: c(return_sequences=True, go_backwards=True, use_bias=False)(x),
            lambda x, c=cell: kl.Bidirectional(c(return_sequences=True))(x),
            lambda x, c=cell: kl.Bidirectional(c(), merge_mode="ave")(x),
        )
    yield case(
        "recurrent",
        "time_distributed",
        (3, 4, 4, 2),
        lambda x: kl.TimeDistributed(kl.Conv2D(3, 2))(x),
        lambda x: kl.TimeDistributed(kl.Dense(3, activation="relu"))(x),
    )


def operations() -> Iterator[Case]:
    ops = keras.ops
    yield pairs(
        "operations",
        "arithmetic",
        ((2, 3, 4), (1, 3, 4)),
        lambda xs: xs[0] + xs[1],
        lambda xs: xs[0] - xs[1],
        lambda xs: xs[0] * xs[1],
        lambda xs: xs[0] / (ops.abs(xs[1]) + 0.5),
        lambda xs: ops.maximum(*xs),
        lambda xs: ops.minimum(*xs),
        lambda xs: 3.0 - xs[0] * VECTOR,
        lambda xs: ops.divide(VECTOR, ops.square(xs[0]) + 1),
        lambda xs: ops.matmul(xs[0], np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)),
    )
    yield case(
        "operations",
        "functions",
        (2, 3, 4),
        lambda x: ops.sqrt(ops.abs(x)),
        lambda x: ops.rsqrt(ops.exp(x)),
        lambda x: ops.log(ops.abs(x) + 0.5),
        lambda x: ops.round(x * 3.0),
        lambda x: ops.ceil(x) + ops.floor(x),
        lambda x: ops.sign(x),
        lambda x: ops.clip(x, -0.5, 1.5),
        lambda x: x**3,
        lambda x: ops.gelu(x),
        lambda x: ops.threshold(x, 0.5, -2.0),
        lambda x: ops.normalize(x, axis=-1),
    )
    yield case(
        "operations",
        "reductions",
        (2, 3, 4),
        *(
            lambda x, f=f: getattr(ops, f)(x, axis=(1, -1))
            for f in ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp")
        ),
        lambda x: ops.mean(x, axis=(1, 2, 3), keepdims=True),
    )
    yield case(
        "operations",
        "shapes",
        (2, 3, 4),
        lambda x: x[:, ::-1, 1:, :-1],
        lambda x: x[..., 0],
        lambda x: ops.transpose(x, (0, 3, 1, 2)),
        lambda x: ops.stack(ops.split(x, 2, axis=-1), axis=1),
        lambda x: ops.tile(x, (1, 2, 1, 3)),
        lambda x: ops.repeat(x, 2, axis=2),
        lambda x: ops.roll(x, 1, axis=3),
        lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 0), (0, 1)), constant_values=0.5),
        lambda x: ops.max_pool(x, 2, 1, padding="same"),
        lambda x: ops.reshape(
            ops.transpose(ops.reshape(x, (-1, 2, 3, 2, 2, 1)), (0, 1, 3, 2, 4, 5)), (-1, 4, 6, 1)
        ),
    )


FAMILIES = (windows, elementwise, shapes, recurrent, operations)
