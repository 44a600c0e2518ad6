"""The batch norm right after a convolution or dense op without a scale and bias becomes its scale and bias.

before: %1 = conv_2d(bits, bit[8,3,3,32]); %2 = batch_norm(%1, scale, offset)
after:  %2 = conv_2d(bits, bit[8,3,3,32], scale, offset)

``dot * scale + offset`` is rounded exactly as the batch norm would round it. With an alpha or a bias of its own
the convolution rounds before the batch norm does, as Keras rounds; that order is kept. But where an op sums
integers, which Keras sums as floats, there is no such order to keep: scales and offsets of both are multiplied
out.
"""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Graph, Node, Value, constant
from xlite.converter.passes.chains import Readers
from xlite.schema.contracts import FILTERED
from xlite.schema.types import ActivationKind, DType, OpKind


def run(graph: Graph) -> bool:
    readers = Readers(graph)
    for node in graph.nodes:
        x = node.inputs[0] if node.kind is OpKind.BATCH_NORM else None
        conv = readers.producers.get(x) if x is not None else None
        if x is None or conv is None or conv.kind not in FILTERED or readers.only_reader(x) is None:
            continue
        if x.type.dtype is not DType.FLOAT32:
            continue
        plain = conv.options.activation.kind is ActivationKind.NONE  # type: ignore[union-attr]
        alone = conv.inputs[2] is None and conv.inputs[3] is None
        if not plain or not (alone or _sums_integers(conv)):
            continue
        if alone:
            conv.inputs[2], conv.inputs[3] = node.inputs[1], node.inputs[2]
        else:
            conv.inputs[2], conv.inputs[3] = _multiplied_out(conv, node)
        conv.layers = tuple(dict.fromkeys((*conv.layers, *node.layers)))
        conv.output.name = node.output.name
        graph.replace(node.output, conv.output)
        graph.remove(node)
        return True
    return False


def _sums_integers(conv: Node) -> bool:
    """Of bytes, or with a filter of int8; bits with bits are summed as Keras does, which is exact as well."""
    x, kernel = conv.inputs[:2]
    assert x is not None
    assert kernel is not None
    exact = DType.FLOAT32 not in (x.type.dtype, kernel.type.dtype)
    return exact and not x.type.dtype is kernel.type.dtype is DType.BIT


def _multiplied_out(conv: Node, norm: Node) -> tuple[Value, Value]:
    """(dot * a + b) * scale + offset = dot * (a * scale) + (b * scale + offset), rounded once each."""
    scale, offset = norm.constant(1), norm.constant(2)
    assert scale is not None
    assert offset is not None
    a, b = conv.constant(2), conv.constant(3)
    factor = scale.astype(np.float64) * (1.0 if a is None else a)
    shift = offset + scale.astype(np.float64) * (0.0 if b is None else b)
    name = norm.output.name
    return constant(f"{name}/scale", factor.astype(np.float32)), constant(f"{name}/bias", shift.astype(np.float32))
