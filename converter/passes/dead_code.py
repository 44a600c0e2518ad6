"""Nodes whose outputs nothing reads are dropped.

before: %1 = sign(%0); %2 = unpack(%1); return %1
after:  %1 = sign(%0); return %1
"""

from __future__ import annotations

from xlite.converter.graph import Graph


def run(graph: Graph) -> bool:
    needed = set(graph.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if any(value in needed for value in node.outputs):
            needed.update(value for value in node.inputs if value is not None)
            kept.append(node)
    kept.reverse()
    changed = len(kept) != len(graph.nodes)
    graph.nodes = kept
    return changed
