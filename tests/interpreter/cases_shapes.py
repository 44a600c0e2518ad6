"""Ops that move elements."""

from __future__ import annotations

from tests.interpreter.making import BIT, CHANNELS, F32, I8, I32, U8, Case, Maker
from xlite.schema.types import (
    ConcatenateOptions,
    OpKind,
    PadOptions,
    ReshapeOptions,
    SliceOptions,
    TileOptions,
    TransposeOptions,
)


def concatenate(seed: int) -> Case:
    m = Maker(seed)
    dtype, rank = m.pick.choice([F32, BIT, BIT, U8]), m.pick.choice([2, 3, 4])
    axis = m.pick.choice([-1, -1, m.pick.randint(1, rank - 1)])
    shape = [m.pick.choice([1, 2]), *[m.pick.randint(2, 4) for _ in range(rank - 2)], m.pick.choice(CHANNELS)]
    aligned = m.pick.random() < 0.3
    for _ in range(m.pick.choice([1, 2, 3])):
        size = m.pick.choice((32, 64) if aligned else CHANNELS) if axis in (-1, rank - 1) else m.pick.randint(1, 3)
        m.add([size if i == axis % rank else d for i, d in enumerate(shape)], dtype)
    return m.case(OpKind.CONCATENATE, ConcatenateOptions(axis))


def reshape(seed: int) -> Case:
    m = Maker(seed)
    channels = m.pick.choice([2, 32, 40, 64, 96])
    m.add((m.pick.choice([1, 2]), 3, 4, channels), m.pick.choice([F32, I32, I8, BIT, BIT]))
    shapes = [(12 * channels,), (4, 3, channels), (3, 4 * channels), (channels, 12), (2, 6, channels // 2, 2)]
    return m.case(OpKind.RESHAPE, ReshapeOptions(m.pick.choice(shapes)))


def pad(seed: int) -> Case:
    m = Maker(seed)
    dtype, rank = m.pick.choice([F32, BIT, BIT, U8, I8]), m.pick.choice([2, 3, 4])
    m.add((2, *[m.pick.randint(1, 4) for _ in range(rank - 2)], m.pick.choice(CHANNELS)), dtype)
    paddings = [0, 0] + [m.pick.choice([0, 1, 2]) for _ in range(2 * (rank - 1))]
    if m.pick.random() < 0.5:
        paddings[-2:] = [0, 0]
    value = m.pick.choice(
        {BIT: [1.0, -1.0], U8: [0.0, 1.0, 255.0], I8: [-128.0, 5.0]}.get(dtype, [0.0, 2.5, -1.0])
    )
    return m.case(OpKind.PAD, PadOptions(tuple(paddings), value))


def _image(m: Maker) -> tuple[int, ...]:
    """x of any rank, floats or bits; returns its shape."""
    rank, dtype = m.pick.choice([2, 3, 4, 5]), m.pick.choice([F32, BIT, BIT, I8])
    channels = m.pick.choice((32, 64) if m.pick.random() < 0.3 else CHANNELS)
    m.add((m.pick.choice([1, 2]), *[m.pick.randint(1, 4) for _ in range(rank - 2)], channels), dtype)
    return m.types[0].shape


def transpose(seed: int) -> Case:
    m = Maker(seed)
    order = list(range(1, len(_image(m))))
    m.pick.shuffle(order)
    return m.case(OpKind.TRANSPOSE, TransposeOptions((0, *order)))


def slice_(seed: int) -> Case:
    m = Maker(seed)
    shape = _image(m)
    begin, size, stride = [0], [1], [1]
    whole_rows = m.pick.random() < 0.3
    for axis, extent in enumerate(shape[1:], 1):
        every = whole_rows and axis == len(shape) - 1
        begin.append(0 if every else m.pick.randint(0, extent - 1))
        stride.append(1 if every else m.pick.choice([1, 1, 2, 3]))
        size.append(extent if every else m.pick.randint(1, (extent - 1 - begin[-1]) // stride[-1] + 1))
    return m.case(OpKind.SLICE, SliceOptions(tuple(begin), tuple(size), tuple(stride)))


def tile(seed: int) -> Case:
    m = Maker(seed)
    multiples = [1, *[m.pick.choice([1, 1, 2, 3]) for _ in _image(m)[1:]]]
    return m.case(OpKind.TILE, TileOptions(tuple(multiples)))
