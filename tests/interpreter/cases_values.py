"""Ops that compute values without a filter."""

from __future__ import annotations

import numpy as np

from tests.interpreter.making import BIT, CHANNELS, F32, I8, I32, U8, Case, Maker, activation_of
from xlite.schema.types import (
    RANGES,
    ActivationKind,
    ActivationOptions,
    DType,
    OpKind,
    PlanesKind,
    PlanesOptions,
    Pool2DOptions,
    Pool3DOptions,
    QuantizeOptions,
    ReduceKind,
    ReduceOptions,
    ResizeOptions,
)


def max_pool_2d(seed: int) -> Case:
    m = Maker(seed)
    dtype = m.pick.choice([F32, BIT, BIT])
    options = _pool(m, dtype)
    if dtype is BIT and m.pick.random() < 0.6:
        m.add((m.types[0].shape[3],), BIT)
    else:
        m.give(None)
    return m.case(OpKind.MAX_POOL_2D, options)


def max_pool_2d_of_integers(seed: int) -> Case:
    m = Maker(seed)
    options = _pool(m, m.pick.choice([I8, U8]))
    m.give(None)
    return m.case(OpKind.MAX_POOL_2D, options)


def average_pool_2d(seed: int) -> Case:
    m = Maker(seed)
    return m.case(OpKind.AVERAGE_POOL_2D, _pool(m, F32))


def _pool(m: Maker, dtype: DType) -> Pool2DOptions:
    height, width = m.pick.randint(4, 8), m.pick.randint(4, 8)
    m.add((m.pick.choice([1, 2]), height, width, m.pick.choice(CHANNELS)), dtype)
    window_h, window_w = m.pick.choice([(1, 1), (2, 2), (3, 2), (height, width)])
    pads = [m.pick.randint(0, side - 1) for side in (window_h, window_h, window_w, window_w)]
    return Pool2DOptions(window_h, window_w, m.pick.choice([1, 2, 3]), m.pick.choice([1, 2]), *pads)


def _shape(m: Maker) -> tuple[int, ...]:
    return m.pick.choice([1, 3]), *m.pick.choice([(), (5,), (4, 3)]), m.pick.choice(CHANNELS)


def _floats(m: Maker) -> None:
    """x with values that activations and signs treat apart."""
    m.add(_shape(m), F32)
    flat = m.values[0].reshape(-1)
    flat[:: max(1, flat.size // 5)] = m.pick.choice([0.0, -0.0, 100.0, -100.0, 0.5])


def batch_norm(seed: int) -> Case:
    m = Maker(seed)
    _floats(m)
    channels = m.types[0].shape[-1]
    m.add((channels,), F32)
    m.add((channels,), F32)
    return m.case(OpKind.BATCH_NORM)


def sign(seed: int) -> Case:
    m = Maker(seed)
    _floats(m)
    m.values[0].reshape(-1)[:3] = [np.nan, -np.inf, np.inf][: m.values[0].size]
    return m.case(OpKind.SIGN)


def unpack(seed: int) -> Case:
    m = Maker(seed)
    m.add(_shape(m), BIT)
    return m.case(OpKind.UNPACK)


def activation(seed: int) -> Case:
    m = Maker(seed)
    _floats(m)
    chosen = activation_of(m.pick.choice([k for k in ActivationKind if k is not ActivationKind.NONE]), m.pick)
    return m.case(OpKind.ACTIVATION, ActivationOptions(chosen))


def prelu(seed: int) -> Case:
    m = Maker(seed)
    _floats(m)
    shape = m.types[0].shape[1:]
    full, channel = shape, (*(1,) * (len(shape) - 1), shape[-1])
    m.add(m.pick.choice([full, channel, channel, (*shape[:-1], 1)]), F32)
    return m.case(OpKind.PRELU)


def softmax(seed: int) -> Case:
    m = Maker(seed)
    _floats(m)
    return m.case(OpKind.SOFTMAX)


def max_pool_3d(seed: int) -> Case:
    m = Maker(seed)
    return m.case(OpKind.MAX_POOL_3D, _pool_3d(m))


def average_pool_3d(seed: int) -> Case:
    m = Maker(seed)
    return m.case(OpKind.AVERAGE_POOL_3D, _pool_3d(m))


def _pool_3d(m: Maker) -> Pool3DOptions:
    image = [m.pick.randint(3, 6) for _ in range(3)]
    m.add((m.pick.choice([1, 2]), *image, m.pick.choice([1, 3, 17])), F32)
    window = m.pick.choice([(1, 1, 1), (2, 2, 2), (1, 3, 2), tuple(image)])
    pads = [m.pick.randint(0, side - 1) for side in window for _ in range(2)]
    return Pool3DOptions(*window, *[m.pick.choice([1, 2, 3]) for _ in range(3)], *pads)


def _pairwise(kind: OpKind, seed: int) -> Case:
    """Of the same shape, or with some axes of either that are 1."""
    m = Maker(seed)
    _floats(m)
    shape, chance = m.types[0].shape, m.pick.choice([0.0, 0.4, 1.0])
    m.add([1 if m.pick.random() < chance else d for d in shape], F32)
    if m.pick.random() < 0.3:  # the other way round, or both
        keep = [d if m.pick.random() < 0.5 else 1 for d in shape]
        m.give(m.values[0][tuple(slice(0, d) for d in keep)].copy())
        m.types, m.values = m.types[1:], m.values[1:]
    return m.case(kind)


def add(seed: int) -> Case:
    return _pairwise(OpKind.ADD, seed)


def subtract(seed: int) -> Case:
    return _pairwise(OpKind.SUBTRACT, seed)


def multiply(seed: int) -> Case:
    return _pairwise(OpKind.MULTIPLY, seed)


def divide(seed: int) -> Case:
    return _pairwise(OpKind.DIVIDE, seed)


def maximum(seed: int) -> Case:
    return _pairwise(OpKind.MAXIMUM, seed)


def minimum(seed: int) -> Case:
    return _pairwise(OpKind.MINIMUM, seed)


def _planes(m: Maker) -> PlanesOptions:
    kind = m.pick.choice([PlanesKind.DOREFA, PlanesKind.DOREFA, PlanesKind.HEAVISIDE])
    return PlanesOptions(kind, 1 if kind is PlanesKind.HEAVISIDE else m.pick.choice([1, 2, 3, 4, 8]))


def bit_planes(seed: int) -> Case:
    """Between 0 and 1 and somewhat beyond, halves between two steps, and no numbers."""
    m = Maker(seed)
    options = _planes(m)
    x = m.rng.uniform(-0.3, 1.3, size=_shape(m)).astype(np.float32)
    flat, steps = x.reshape(-1), np.float32(2**options.planes - 1)
    halves = (m.rng.integers(0, int(steps), size=flat.size) + np.float32(0.5)) / steps
    flat[::3] = halves.astype(np.float32)[::3]
    flat[1::7] = m.pick.choice([0.0, -0.0, 1.0, np.nan, np.inf, -np.inf])
    m.give(x)
    return m.case(OpKind.BIT_PLANES, options)


def from_planes(seed: int) -> Case:
    m = Maker(seed)
    options, shape = _planes(m), _shape(m)
    m.add((*shape[:-1], shape[-1] * options.planes), BIT)
    return m.case(OpKind.FROM_PLANES, options)


def reduce(seed: int) -> Case:
    m = Maker(seed)
    rank = m.pick.choice([2, 3, 4, 5])
    m.add((m.pick.choice([1, 2]), *[m.pick.randint(1, 7) for _ in range(rank - 1)]), F32)
    axes = tuple(sorted(m.pick.sample(range(1, rank), m.pick.randint(1, rank - 1))))
    keepdims = len(axes) == rank - 1 or m.pick.random() < 0.5
    return m.case(OpKind.REDUCE, ReduceOptions(m.pick.choice(list(ReduceKind)), axes, keepdims))


def resize_bilinear_2d(seed: int) -> Case:
    m = Maker(seed)
    m.add((m.pick.choice([1, 2]), m.pick.randint(1, 7), m.pick.randint(1, 7), m.pick.choice([1, 3, 17])), F32)
    return m.case(OpKind.RESIZE_BILINEAR_2D, ResizeOptions(m.pick.randint(1, 12), m.pick.randint(1, 12)))


def embedding(seed: int) -> Case:
    """Indices in and out of the table, whole and not."""
    m = Maker(seed)
    rows, shape = m.pick.choice([1, 5, 40]), (m.pick.choice([1, 3]), *m.pick.choice([(6,), (4, 3)]))
    if m.pick.random() < 0.5:
        m.give(m.rng.integers(-3, rows + 3, size=shape).astype(np.int32), I32)
    else:
        indices = m.rng.uniform(-2, rows + 2, size=shape).astype(np.float32)
        indices.reshape(-1)[:5] = [np.nan, np.inf, -np.inf, 3e9, -0.5]
        m.give(indices)
    m.add((rows, m.pick.choice([1, 8, 33])), F32)
    return m.case(OpKind.EMBEDDING)


def _scale(m: Maker, integers: DType) -> dict:
    low, high = (0, 0) if integers is I32 else RANGES[integers]
    scale = float(np.float32(m.pick.choice([1.0, 0.5, 1 / 255, 0.037, 1e-30])))
    return {"scale": scale, "zero_point": m.pick.choice([0, low, high, m.pick.randint(low, high)])}


def quantize(seed: int) -> Case:
    """Values within the range and beyond it, halves between two steps, and no numbers."""
    m = Maker(seed)
    integers = m.pick.choice([I8, U8])
    scale = _scale(m, integers)
    x = (m.rng.uniform(-200, 400, size=_shape(m)) * scale["scale"]).astype(np.float32)
    flat = x.reshape(-1)
    halves = (m.rng.integers(-300, 300, size=flat.size) + 0.5) * scale["scale"]
    flat[::3] = halves.astype(np.float32)[::3]
    flat[1::7] = m.pick.choice([0.0, -0.0, 1.0, np.nan, np.inf, -np.inf])
    m.give(x)
    return m.case(OpKind.QUANTIZE, QuantizeOptions(integers, **scale))


def dequantize(seed: int) -> Case:
    m = Maker(seed)
    integers = m.pick.choice([I8, U8, I32])
    m.add(_shape(m), integers)
    if integers is I32:
        m.values[0].reshape(-1)[:3] = [-(2**31), 2**31 - 1, 2**24 + 1][: m.values[0].size]
    return m.case(OpKind.DEQUANTIZE, QuantizeOptions(F32, **_scale(m, integers)))
