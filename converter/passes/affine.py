"""Where a float tensor is integers, moved about and scaled: value = scale * q + offset, one scale and one offset
for all of it.

Shared by what reads integers instead of such floats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xlite.converter.graph import Graph, Node, Value
from xlite.schema.contracts.rules import MAX_MULTIPLIER, MAX_NUMBER
from xlite.schema.types import RANGES, DType, OpKind, Options, PadOptions, QuantizeOptions

MOVERS = frozenset({OpKind.RESHAPE, OpKind.TRANSPOSE, OpKind.SLICE, OpKind.TILE, OpKind.PAD, OpKind.MAX_POOL_2D})
ROUNDING = 2.0**-22  # relative: what float32 arithmetic of a scale and an offset may be off by


@dataclass(frozen=True)
class Affine:
    """The integers, the ops that move them (the first to run is first) and what one element stands for."""

    integers: Value
    movers: tuple[Node, ...]
    scale: float
    offset: float

    @property
    def dtype(self) -> DType:
        return self.integers.type.dtype


@dataclass(frozen=True)
class Numbers:
    """``scale * (multiplier * q - zero_point) + rest``; ``rest`` is 0 where that is exact."""

    multiplier: int
    zero_point: int
    scale: float
    rest: float


def affine(value: Value, producers: dict[Value, Node]) -> Affine | None:
    """What stands behind a float tensor, None where it is no such integers."""
    steps: list[Node] = []
    while True:
        node = producers.get(value)
        if node is None or node.inputs[0] is None:
            return None
        if node.kind is OpKind.DEQUANTIZE and node.inputs[0].type.dtype in (DType.INT8, DType.UINT8):
            return _followed(node, steps[::-1])
        if node.kind not in MOVERS and node.kind is not OpKind.BATCH_NORM:
            return None
        steps.append(node)
        value = node.inputs[0]


def moved(graph: Graph, found: Affine, before: Node) -> Value:
    """The integers behind the ops that moved the floats, which are added to the graph."""
    value = found.integers
    for node in found.movers:
        options = node.options
        name = f"{node.output.name}:{value.type.dtype.short}"
        value = graph.add(node.kind, [value], options, layers=node.layers, name=name, before=before)
    return value


def numbers(found: Affine, padded: bool) -> Numbers | None:
    """What the elements count as in an integer op. padded: it pads with the real number 0, which must then be an
    element; None where it cannot be."""
    zero = -found.offset / found.scale  # the q, no integer in general, that stands for 0
    for multiplier in range(1, MAX_MULTIPLIER + 1):
        zero_point = round(multiplier * zero) if abs(zero) <= MAX_NUMBER else 0
        rest = found.offset + found.scale * zero_point / multiplier
        if abs(rest) <= ROUNDING * abs(found.offset) and _fits(found.dtype, multiplier, zero_point):
            return Numbers(multiplier, zero_point, found.scale / multiplier, 0.0)
    if padded:
        return None
    low, high = RANGES[found.dtype]
    zero_point = round(min(max(zero, low), high))
    return Numbers(1, zero_point, found.scale, found.offset + found.scale * zero_point)


def _fits(dtype: DType, multiplier: int, zero_point: int) -> bool:
    return all(abs(multiplier * q - zero_point) <= MAX_NUMBER for q in RANGES[dtype])


def _followed(source: Node, steps: Sequence[Node]) -> Affine | None:
    """The steps from the integers on, as long as each says the same of every element."""
    assert isinstance(source.options, QuantizeOptions)
    integers = source.inputs[0]
    assert integers is not None
    scale = float(source.options.scale)
    offset = -scale * source.options.zero_point
    movers: list[Node] = []
    for node in steps:
        if node.kind is OpKind.BATCH_NORM:
            factor, shift = _uniform(node, 1), _uniform(node, 2)
            if not factor or shift is None:
                return None
            scale, offset = scale * factor, offset * factor + shift
            continue
        options = _on_integers(node, integers.type.dtype, scale, offset)
        if options is None or (node.kind is OpKind.MAX_POOL_2D and scale < 0):
            return None
        movers.append(replace(node, options=options, inputs=list(node.inputs), outputs=list(node.outputs)))
    return Affine(integers, tuple(movers), scale, offset)


def _on_integers(node: Node, dtype: DType, scale: float, offset: float) -> Options | None:
    """The options with which an op that moves does the same to the integers."""
    options = node.options
    if not isinstance(options, PadOptions):
        return options
    value = (options.value - offset) / scale
    low, high = RANGES[dtype]
    nearest = min(max(round(value), low), high) if math.isfinite(value) else low
    off = abs(scale * nearest + offset - options.value)
    return (
        replace(options, value=float(nearest)) if off <= ROUNDING * max(abs(offset), abs(options.value)) else None
    )


def _uniform(node: Node, slot: int) -> float | None:
    """The constant of a slot where it is the same for all channels."""
    data = node.constant(slot)
    assert data is not None
    return float(data[0]) if np.all(data == data[0]) else None
