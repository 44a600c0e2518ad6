"""A filter whose weights take two levels, +alpha and -alpha per output channel, is stored as bits and a scale.

before: %1 = unpack(%0); %2 = conv_2d(%1, f32[8,3,3,32], -, bias)     every |w| of a filter equal to its alpha
after:  %2 = conv_2d(%0, bit[8,3,3,32], alpha, bias)

Found from the numbers alone, so it does not matter which layer, quantizer or callback made them. Where the input
is unpacked bits too, the op reads the bits and becomes an XNOR; else only the weights are packed, if that is
smaller.
"""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Graph, Node, Value, bit_constant, constant
from xlite.converter.passes.chains import FILTERED
from xlite.schema.types import DType, OpKind

PACKED_AXES = {OpKind.CONV_2D: 3, OpKind.DEPTHWISE_CONV_2D: 1, OpKind.DENSE: 1}


def run(graph: Graph) -> bool:
    producers = graph.producers()
    changed = False
    for node in graph.nodes:
        kernel = node.inputs[1] if node.kind in FILTERED else None
        if kernel is not None and kernel.type.dtype is DType.FLOAT32:
            changed |= _pack(node, kernel, producers)
    return changed


def two_levels(node_kind: OpKind, weights: np.ndarray) -> np.ndarray | None:
    """The alpha of every filter (float32, one an output channel), None if a filter has more than two levels.

    weights: float32 (O, H, W, I), (O, I), or for depthwise (H, W, O).
    """
    if node_kind is OpKind.DEPTHWISE_CONV_2D:
        rows = np.abs(weights.reshape(-1, weights.shape[-1]))
    else:
        rows = np.abs(weights.reshape(weights.shape[0], -1)).T
    alpha = rows[0]
    if not np.array_equal(rows[-1], alpha):  # most float filters are told apart here
        return None
    if not np.all(np.isfinite(alpha)) or not np.array_equal(rows, np.broadcast_to(alpha, rows.shape)):
        return None
    return alpha.astype(np.float32)


def _pack(node: Node, kernel: Value, producers: dict[Value, Node]) -> bool:
    assert kernel.data is not None
    alpha = two_levels(node.kind, kernel.data)
    if alpha is None:
        return False
    x = node.inputs[0]
    assert x is not None
    source = producers.get(x)
    unpacked = source is not None and source.kind is OpKind.UNPACK
    bits = bit_constant(kernel.name, kernel.data, PACKED_AXES[node.kind])
    plain = bool(np.all(alpha == 1))
    if not unpacked and bits.type.nbytes + (0 if plain else alpha.nbytes) >= kernel.type.nbytes:
        return False
    if unpacked and source is not None:
        node.inputs[0] = source.inputs[0]
    node.inputs[1] = bits
    node.inputs[2] = None if plain else constant(f"{kernel.name}/alpha", alpha)
    return True
