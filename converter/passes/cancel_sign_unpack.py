"""A sign of what was just unpacked is the bits themselves.

before: %1 = unpack(%0); %2 = sign(%1); use %2
after:  use %0
"""

from __future__ import annotations

from xlite.converter.graph import Graph
from xlite.schema.types import OpKind


def run(graph: Graph) -> bool:
    producers = graph.producers()
    changed = False
    for node in list(graph.nodes):
        if node.kind is not OpKind.SIGN:
            continue
        x = node.inputs[0]
        source = producers.get(x) if x is not None else None
        if source is not None and source.kind is OpKind.UNPACK and source.inputs[0] is not None:
            graph.replace(node.output, source.inputs[0])
            graph.remove(node)
            changed = True
    return changed
