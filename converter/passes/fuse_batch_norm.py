"""The batch norm right after a convolution or dense op without a scale and bias becomes its scale and bias.

before: %1 = conv_2d(bits, bit[8,3,3,32]); %2 = batch_norm(%1, scale, offset)
after:  %2 = conv_2d(bits, bit[8,3,3,32], scale, offset)

``dot * scale + offset`` is rounded exactly as the batch norm would round it. With an alpha or a bias of its own
the convolution rounds before the batch norm does, as Keras rounds; that order is kept.
"""

from __future__ import annotations

from xlite.converter.graph import Graph
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
        if not plain or conv.inputs[2] is not None or conv.inputs[3] is not None:
            continue
        conv.inputs[2], conv.inputs[3] = node.inputs[1], node.inputs[2]
        conv.layers = tuple(dict.fromkeys((*conv.layers, *node.layers)))
        conv.output.name = node.output.name
        graph.replace(node.output, conv.output)
        graph.remove(node)
        return True
    return False
