"""A filter whose weights take two levels, +alpha and -alpha per output channel, is stored as bits and a scale; one
with zeros besides (ternary) as bits, a mask and a scale.

before: %1 = unpack(%0); %2 = conv_2d(%1, f32[8,3,3,32], -, bias)     every |w| of a filter equal to its alpha
after:  %2 = conv_2d(%0, bit[8,3,3,32], alpha, bias)

Found from the numbers alone, so it does not matter which layer, quantizer or callback made them. Where the input
is unpacked bits too, the op reads the bits and becomes an XNOR; else only the weights are packed, if that is
smaller.

Where the input comes from bit planes, x = q / n with q = sum of 2^p b_p, the b_p are 0 or 1 and the planes hold
s_p = 2 b_p - 1. With n = 2^P - 1 the sum of 2^p, a filter of signs w and acc = sum of 2^p (s_p . w):

    x . w = (acc + n * sum(w)) / (2 * n)        so scale = alpha / (2 n), bias = alpha * sum(w) / 2 + bias

Zeros that pad x are b_p = 0 in every plane: they are padded with -1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xlite.converter.graph import Graph, Node, Value, bit_constant, constant
from xlite.schema.contracts import FILTERED
from xlite.schema.types import Conv2DOptions, Conv3DOptions, DenseOptions, DType, OpKind, PlanesKind, PlanesOptions

# How many trailing axes of a bit filter form one row, and the axis of the output channels.
PACKED_AXES = {
    OpKind.CONV_2D: 3,
    OpKind.DEPTHWISE_CONV_2D: 1,
    OpKind.DENSE: 1,
    OpKind.CONV_3D: 4,
    OpKind.CONV_3D_TRANSPOSE: 4,
    OpKind.LOCALLY_CONNECTED_2D: 3,
}
CHANNEL_AXIS = dict.fromkeys(PACKED_AXES, 0) | {OpKind.DEPTHWISE_CONV_2D: 2, OpKind.LOCALLY_CONNECTED_2D: 2}


@dataclass(frozen=True)
class Levels:
    """``alpha``: float32, one an output channel. ``zeros``: where weights are 0, None if nowhere."""

    alpha: np.ndarray
    zeros: np.ndarray | None


def run(graph: Graph) -> bool:
    producers = graph.producers()
    changed = False
    for node in graph.nodes:
        kernel = node.inputs[1] if node.kind in FILTERED else None
        if kernel is not None and kernel.type.dtype is DType.FLOAT32:
            changed |= _pack(node, kernel, producers)
    return changed


def filter_rows(kind: OpKind, weights: np.ndarray) -> np.ndarray:
    """The weights as (weights of a filter, output channels)."""
    return np.moveaxis(weights, CHANNEL_AXIS[kind], -1).reshape(-1, weights.shape[CHANNEL_AXIS[kind]])


def find_levels(kind: OpKind, weights: np.ndarray) -> Levels | None:
    """The levels of every filter, None if one has other levels than +alpha, -alpha and 0."""
    rows = filter_rows(kind, weights)
    few = np.abs(rows[:4])  # most float filters are told apart by their first weights
    if not np.all((few == few.max(axis=0)) | (few == 0)):
        return None
    rows = np.abs(rows)
    alpha = rows.max(axis=0)
    if not np.all(np.isfinite(alpha)):
        return None
    level = rows == alpha
    if np.all(level):
        return Levels(alpha.astype(np.float32), None)
    if not np.all(level | (rows == 0)):
        return None
    return Levels(alpha.astype(np.float32), weights == 0)


def _pack(node: Node, kernel: Value, producers: dict[Value, Node]) -> bool:
    assert kernel.data is not None
    levels = find_levels(node.kind, kernel.data)
    if levels is None:
        return False
    axes = PACKED_AXES[node.kind]
    bits = bit_constant(kernel.name, kernel.data, axes)
    mask = (
        None if levels.zeros is None else bit_constant(f"{kernel.name}/mask", np.where(levels.zeros, -1, 1), axes)
    )
    x = node.inputs[0]
    assert x is not None
    source = producers.get(x)
    unpacked = source is not None and _gives_bits(source, node.kind)
    size = bits.type.nbytes * (1 if mask is None else 2) + levels.alpha.nbytes
    if not unpacked and size >= kernel.type.nbytes:
        return False
    alpha = levels.alpha if node.constant(2) is None else levels.alpha * node.constant(2)
    if unpacked and source is not None:
        node.inputs[0] = source.inputs[0]
        if isinstance(source.options, PlanesOptions):
            alpha = _read_planes(node, source.options, kernel, alpha)
    node.inputs[1] = bits
    node.inputs[2] = None if np.all(alpha == 1) else constant(f"{kernel.name}/alpha", alpha)
    node.inputs[5] = mask
    return True


def _gives_bits(source: Node, kind: OpKind) -> bool:
    """Whether an op of this kind can read the bits behind ``source``. A transposed convolution cannot read planes:
    each of its outputs sees other taps, so the sum of the weights is none of the filter's. Nor can a locally
    connected one, where each has another filter."""
    if source.kind is OpKind.FROM_PLANES:
        return kind not in (OpKind.CONV_3D_TRANSPOSE, OpKind.LOCALLY_CONNECTED_2D)
    return source.kind is OpKind.UNPACK


def _read_planes(node: Node, planes: PlanesOptions, kernel: Value, alpha: np.ndarray) -> np.ndarray:
    """Makes the op read planes, changes its bias accordingly and returns its scale."""
    assert kernel.data is not None
    steps = (1 << planes.planes) - 1
    divisor = steps if planes.kind is PlanesKind.DOREFA else 1
    signs = np.sign(filter_rows(node.kind, kernel.data)).sum(axis=0, dtype=np.float64)
    own = node.constant(3)
    bias = alpha.astype(np.float64) * signs * steps / (2 * divisor) + (0.0 if own is None else own)
    node.inputs[3] = constant(f"{kernel.name}/bias", bias.astype(np.float32))
    options = node.options
    if isinstance(options, (Conv2DOptions, Conv3DOptions)):
        node.options = replace(options, planes=planes.planes, pad_value=-1)
    elif isinstance(options, DenseOptions):
        node.options = replace(options, planes=planes.planes)
    return (alpha.astype(np.float64) / (2 * divisor)).astype(np.float32)
