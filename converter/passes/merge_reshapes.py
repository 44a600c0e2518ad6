"""Reshapes of reshapes become one; a reshape to the shape that is there already goes.

before: %1 = reshape(%0) {shape=(4, 9)}; %2 = reshape(%1) {shape=(36,)}
after:  %2 = reshape(%0) {shape=(36,)}
"""

from __future__ import annotations

from xlite.converter.graph import Graph
from xlite.schema.types import OpKind


def run(graph: Graph) -> bool:
    producers = graph.producers()
    changed = False
    for node in list(graph.nodes):
        x = node.inputs[0] if node.inputs else None
        if node.kind is not OpKind.RESHAPE or x is None:
            continue
        source = producers.get(x)
        if source is not None and source.kind is OpKind.RESHAPE:
            node.inputs[0] = source.inputs[0]
            changed = True
        x = node.inputs[0]
        # an output that is an input of the graph keeps its copy: nothing may overwrite an input
        if x is not None and x.type == node.output.type and x not in graph.inputs:
            graph.replace(node.output, x)
            graph.remove(node)
            changed = True
    return changed
