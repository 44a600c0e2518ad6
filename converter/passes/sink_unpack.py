"""Ops that only move or compare values work on the bits; unpacking comes after them, or is then not needed.

before: %1 = unpack(%0); %2 = max_pool_2d(%1)          also concatenate, slice, pad with +1 or -1 ...
after:  %1 = max_pool_2d(%0); %2 = unpack(%1)
"""

from __future__ import annotations

from xlite.converter.graph import Graph, Node, Value
from xlite.converter.passes.chains import PER_ELEMENT
from xlite.schema.types import OpKind, PadOptions

MOVERS = frozenset({*PER_ELEMENT, OpKind.MAX_POOL_2D})


def run(graph: Graph) -> bool:
    producers = graph.producers()
    for node in graph.nodes:
        bits = _bit_inputs(node, producers) if node.kind in MOVERS else None
        if bits is None:
            continue
        name = node.output.name
        moved = graph.add(node.kind, bits, node.options, layers=node.layers, name=f"{name}:sign", before=node)
        floats = graph.add(OpKind.UNPACK, [moved], layers=node.layers, name=name, before=node)
        graph.replace(node.output, floats)
        graph.remove(node)
        return True
    return False


def _bit_inputs(node: Node, producers: dict[Value, Node]) -> list[Value | None] | None:
    """The bits behind every input, None if one of them is no unpacked tensor."""
    if isinstance(node.options, PadOptions) and node.options.value not in (1.0, -1.0):
        return None
    bits: list[Value | None] = []
    for value in node.inputs:
        source = producers.get(value) if value is not None else None
        if value is None:
            bits.append(None)
        elif source is not None and source.kind is OpKind.UNPACK:
            bits.append(source.inputs[0])
        else:
            return None
    return bits
