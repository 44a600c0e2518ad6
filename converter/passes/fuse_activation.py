"""An activation right after a convolution or dense op is applied as its outputs are stored.

before: %1 = conv_2d(%0, f32[8,3,3,3], -, bias); %2 = activation(%1) {relu}
after:  %2 = conv_2d(%0, f32[8,3,3,3], -, bias) {relu}
"""

from __future__ import annotations

from dataclasses import replace

from xlite.converter.graph import Graph
from xlite.converter.passes.chains import Readers
from xlite.schema.contracts import FILTERED
from xlite.schema.types import (
    ActivationKind,
    ActivationOptions,
    Conv2DOptions,
    Conv3DOptions,
    DenseOptions,
    DType,
    OpKind,
)


def run(graph: Graph) -> bool:
    readers = Readers(graph)
    for node in graph.nodes:
        x = node.inputs[0] if node.kind is OpKind.ACTIVATION else None
        source = readers.producers.get(x) if x is not None else None
        if x is None or source is None or source.kind not in FILTERED or readers.only_reader(x) is None:
            continue
        options = source.options
        assert isinstance(options, (Conv2DOptions, Conv3DOptions, DenseOptions))
        assert isinstance(node.options, ActivationOptions)
        if options.activation.kind is not ActivationKind.NONE or x.type.dtype is not DType.FLOAT32:
            continue
        source.options = replace(options, activation=node.options.activation)
        source.layers = tuple(dict.fromkeys((*source.layers, *node.layers)))
        source.output.name = node.output.name
        graph.replace(node.output, source.output)
        graph.remove(node)
        return True
    return False
