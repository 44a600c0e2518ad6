"""The sign is taken as early as possible, so that what lies between works on bits.

before: %1 = max_pool_2d(%0); %2 = sign(%1)            also concatenate, slice, pad ...
after:  %1 = sign(%0); %2 = max_pool_2d(%1)

sign(max(x)) = max(sign(x)), because the sign never decreases; a padding value becomes its sign. Only where
nothing else reads the float in between.
"""

from __future__ import annotations

from dataclasses import replace

from xlite.converter.graph import Graph, Node
from xlite.converter.passes.chains import PER_ELEMENT, Readers
from xlite.schema.types import OpKind, PadOptions

MOVERS = frozenset({*PER_ELEMENT, OpKind.MAX_POOL_2D})


def run(graph: Graph) -> bool:
    readers = Readers(graph)
    for node in graph.nodes:
        if node.kind is not OpKind.SIGN:
            continue
        x = node.inputs[0]
        mover = readers.producers.get(x) if x is not None else None
        if x is None or mover is None or mover.kind not in MOVERS or readers.only_reader(x) is None:
            continue
        _hoist(graph, node, mover)
        return True
    return False


def _hoist(graph: Graph, sign: Node, mover: Node) -> None:
    bits = [
        None if v is None else graph.add(OpKind.SIGN, [v], layers=sign.layers, before=mover) for v in mover.inputs
    ]
    options = mover.options
    if isinstance(options, PadOptions):
        options = replace(options, value=-1.0 if options.value < 0 else 1.0)
    moved = graph.add(mover.kind, bits, options, layers=mover.layers, name=sign.output.name, before=mover)
    graph.replace(sign.output, moved)
    graph.remove(sign)
    graph.remove(mover)
