"""Filters whose weights are integers times a scale, one a filter or one for all, become int8.

before: %1 = conv_2d(%0, f32[8,3,3,4], -, bias)        every weight of a filter is k * s, |k| at most 127
after:  %1 = conv_2d(%0, i8[8,3,3,4], s, bias)

Found from the numbers alone, as bits are: so it does not matter which quantizer made them. The largest weight of a
filter, or of all, is 127 steps, as quantizers by the largest magnitude make it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xlite.converter.graph import Graph, Node, Value, constant, int8_constant
from xlite.converter.passes.pack_weights import CHANNEL_AXIS, filter_rows, find_levels
from xlite.schema.types import DType, OpKind

KINDS = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.DENSE)
STEPS = 127
_MULTIPLIERS = 8  # the largest depth multiplier that is tried
CLOSE = 2.0**-20  # relative: a weight was rounded to float32 once or twice


def run(graph: Graph) -> bool:
    changed = False
    for node in graph.nodes:
        kernel = node.inputs[1] if node.kind in KINDS else None
        if kernel is None or kernel.data is None or kernel.type.dtype is not DType.FLOAT32:
            continue
        found = find_steps(node.kind, kernel.data)
        if found is not None and find_levels(node.kind, kernel.data) is None:
            pack(node, kernel, *found)
            changed = True
    return changed


def find_steps(kind: OpKind, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """int8 weights and a float32 scale an output channel whose products they are, None if there are none."""
    rows = filter_rows(kind, weights).astype(np.float64)
    largest = np.abs(rows).max(axis=0)
    if not np.all(np.isfinite(largest)):
        return None
    for extent in _extents(kind, largest):
        steps = np.where(extent > 0, extent, 1.0) / STEPS
        few = rows[:4] / steps  # most float filters are told apart by their first weights
        if not _whole(few):
            continue
        ratio = rows / steps
        if _whole(ratio):
            whole = np.round(ratio)
            return _as_weights(kind, weights, whole), _fitted(rows, whole, steps)
    return None


def _extents(kind: OpKind, largest: np.ndarray) -> Iterator[np.ndarray]:
    """What 127 steps may be, from the largest weight of every filter: of each its own, the largest of all, or of a
    depthwise kernel, whose filters are ``channel * multiplier + i``, the largest of all with the same ``i``."""
    yield largest
    yield np.broadcast_to(largest.max(), largest.shape)
    for multiplier in range(2, _MULTIPLIERS + 1) if kind is OpKind.DEPTHWISE_CONV_2D else ():
        if len(largest) % multiplier == 0:
            channels = largest.reshape(-1, multiplier)
            yield np.broadcast_to(channels.max(axis=0), channels.shape).reshape(-1)


def pack(node: Node, kernel: Value, weights: np.ndarray, scale: np.ndarray) -> None:
    """Makes ``kernel`` of a node these int8 weights times ``scale``, one an output channel."""
    own = node.constant(2)
    scale = scale.astype(np.float64) * (1.0 if own is None else own)
    node.inputs[1] = int8_constant(kernel.name, weights)
    node.inputs[2] = constant(f"{kernel.name}/scale", scale.astype(np.float32))


def _whole(ratio: np.ndarray) -> bool:
    return bool(np.all(np.abs(ratio - np.round(ratio)) <= CLOSE * np.abs(ratio)))


def _fitted(rows: np.ndarray, whole: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The scale that is nearest to all weights at once, in the sense of least squares."""
    size = (whole * whole).sum(axis=0)
    return np.where(size > 0, (rows * whole).sum(axis=0) / np.maximum(size, 1.0), steps).astype(np.float32)


def _as_weights(kind: OpKind, weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows as :func:`filter_rows` gives them, in the filter's own layout."""
    axis = CHANNEL_AXIS[kind]
    shape = np.moveaxis(weights, axis, -1).shape
    return np.moveaxis(rows.reshape(shape), -1, axis).astype(np.int8)
