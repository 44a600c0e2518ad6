"""Post-training quantization of weights to int8, on request: the float filters that remain, one scale a filter.

before: %1 = conv_2d(%0, f32[8,3,3,4], -, bias)
after:  %1 = conv_2d(%0, i8[8,3,3,4], scale, bias)

Symmetric, by the largest magnitude of each filter: w becomes round(127 * w / max|w|), which is off by half a step
at most, 1/254 of the largest weight. Filters that take two or three levels, or are int8 already, are left to the
passes, which lose nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlite.converter.graph import Graph, Node, Value
from xlite.converter.passes.affine import affine, numbers
from xlite.converter.passes.pack_int8 import KINDS, STEPS, find_steps, pack
from xlite.converter.passes.pack_weights import CHANNEL_AXIS, filter_rows, find_levels
from xlite.converter.passes.read_integers import pads
from xlite.schema.types import Conv2DOptions, DenseOptions, DType, OpKind


@dataclass(frozen=True)
class Quantized:
    """One kernel that was rounded. ``largest_error``: of a weight, relative to the largest weight of its
    filter."""

    layer: str
    kernel: str
    largest_error: float


def quantize_weights(graph: Graph, stem_only: bool = False) -> list[Quantized]:
    """Makes the float filters of convolutions, depthwise convolutions and dense layers int8, in place, where that
    is smaller; says which and how far they are off. stem_only: of those that read an integer input alone, which
    then have no float product at all."""
    producers = graph.producers()
    made: dict[tuple[int, OpKind], tuple[np.ndarray, np.ndarray]] = {}
    found: list[Quantized] = []
    for node in graph.nodes:
        kernel = node.inputs[1] if node.kind in KINDS else None
        if kernel is None or kernel.data is None or not _worth_it(node.kind, kernel):
            continue
        if stem_only and not _reads_integers(node, producers):
            continue
        key = id(kernel.data), node.kind
        if key not in made:
            weights, scale = _rounded(node.kind, kernel.data)
            made[key] = weights, scale
            error = _largest_error(node.kind, kernel.data, weights, scale)
            found.append(Quantized(node.layers[0] if node.layers else "", kernel.name, error))
        pack(node, kernel, *made[key])
    return found


def _reads_integers(node: Node, producers: dict[Value, Node]) -> bool:
    """Whether it will, with int8 filters: not where it pads zeros that no integer stands for."""
    found = None if node.inputs[0] is None else affine(node.inputs[0], producers)
    assert isinstance(node.options, (Conv2DOptions, DenseOptions))
    return found is not None and numbers(found, pads(node.options)) is not None


def _worth_it(kind: OpKind, kernel: Value) -> bool:
    if kernel.type.dtype is not DType.FLOAT32:
        return False
    assert kernel.data is not None
    channels = kernel.type.shape[CHANNEL_AXIS[kind]]
    smaller = kernel.type.elements + 4 * channels < kernel.type.nbytes
    exact = find_levels(kind, kernel.data) is not None or find_steps(kind, kernel.data) is not None
    return smaller and not exact and bool(np.all(np.isfinite(kernel.data)))


def _rounded(kind: OpKind, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 weights in their own layout and float32 scales, one an output channel."""
    largest = np.abs(filter_rows(kind, weights)).max(axis=0).astype(np.float64)
    scale = (np.where(largest > 0, largest, 1.0) / STEPS).astype(np.float32)
    steps = np.round(weights / _along(kind, weights.ndim, scale.astype(np.float64)))
    return np.clip(steps, -STEPS, STEPS).astype(np.int8), scale


def _largest_error(kind: OpKind, weights: np.ndarray, rounded: np.ndarray, scale: np.ndarray) -> float:
    largest = np.abs(filter_rows(kind, weights)).max(axis=0)
    off = np.abs(rounded * _along(kind, weights.ndim, scale) - weights)
    relative = filter_rows(kind, off).max(axis=0) / np.where(largest > 0, largest, 1.0)
    return float(relative.max())


def _along(kind: OpKind, rank: int, channels: np.ndarray) -> np.ndarray:
    """A vector of the output channels with the axes of a filter."""
    shape = [1] * rank
    shape[CHANNEL_AXIS[kind]] = -1
    return channels.reshape(shape)
