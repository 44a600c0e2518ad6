"""Whose an op is: the Keras layer that a report counts its constants and products for, or several where filters of
several layers became the groups of one convolution."""

from __future__ import annotations

from xlite.converter.graph import Graph, Node
from xlite.schema.contracts import FILTERED


def owners(graph: Graph) -> dict[Node, tuple[str, ...]]:
    """The layers that each node is counted for, in equal parts: the first one that it came from, or those whose
    filters are its groups. Empty for a node that came from none."""
    return {node: _group_layers(graph, node) or node.layers[:1] for node in graph.nodes}


def nodes_by_owner(graph: Graph) -> dict[str, list[Node]]:
    """The nodes that are each layer's, in running order."""
    found: dict[str, list[Node]] = {}
    for node, names in owners(graph).items():
        for name in names:
            found.setdefault(name, []).append(node)
    return found


def _group_layers(graph: Graph, node: Node) -> tuple[str, ...]:
    kernel = node.inputs[1] if node.kind in FILTERED else None
    return () if kernel is None else graph.group_layers.get(kernel.name, ())
