"""Two nodes that compute the same from the same values become one: a tensor that several layers quantize is
packed once.

before: %1 = sign(%0); %2 = sign(%0); use %1, %2
after:  %1 = sign(%0); use %1, %1
"""

from __future__ import annotations

from xlite.converter.graph import Graph, Node
from xlite.schema.types import OpKind


def run(graph: Graph) -> bool:
    seen: dict[tuple, int] = {}
    merged: list[Node] = []
    for node in list(graph.nodes):
        if node.kind is OpKind.CUSTOM:
            continue
        key = (node.kind, tuple(node.inputs), node.options)
        first = seen.setdefault(key, len(merged))
        if first == len(merged):
            merged.append(node)
            continue
        kept = merged[first]
        graph.replace(node.output, kept.output)
        graph.remove(node)
        kept.layers = tuple(dict.fromkeys((*kept.layers, *node.layers)))
        # an input list that named the removed output has a new key now; the next round sees it
        return True
    return False
