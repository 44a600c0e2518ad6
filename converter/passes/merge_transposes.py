"""Transposes of transposes become one; one that moves nothing goes, and one that only moves axes of extent 1 is a
reshape.

before: %1 = transpose(%0) {permutation=(0, 2, 1)}; %2 = transpose(%1) {permutation=(0, 2, 1)}; use %2
after:  use %0
"""

from __future__ import annotations

from xlite.converter.graph import Graph
from xlite.schema.types import OpKind, ReshapeOptions, TransposeOptions


def run(graph: Graph) -> bool:
    producers = graph.producers()
    for node in graph.nodes:
        x, options = node.inputs[0], node.options
        if not isinstance(options, TransposeOptions) or x is None:
            continue
        source = producers.get(x)
        if source is not None and isinstance(source.options, TransposeOptions):
            first, second = source.options.permutation, options.permutation
            node.inputs[0] = source.inputs[0]
            node.options = TransposeOptions(tuple(first[i] for i in second))
            return True
        shape = x.type.shape
        moved = [i for i in options.permutation if shape[i] != 1]
        if moved == sorted(moved):
            name = node.output.name
            kept = ReshapeOptions(node.output.type.shape[1:])
            graph.replace(
                node.output, graph.add(OpKind.RESHAPE, [x], kept, layers=node.layers, name=name, before=node)
            )
            graph.remove(node)
            return True
    return False
