"""Ops that leave the channels together work on the bit planes; the integers are put together after them.

before: %1 = from_planes(%0); %2 = pad(%1) {value=0}           also reshape, where the last axis stays as it is
after:  %1 = pad(%0) {value=-1}; %2 = from_planes(%1)

In all planes -1 is the integer 0 and +1 the largest one, which stands for 1.0.
"""

from __future__ import annotations

from dataclasses import replace

from xlite.converter.graph import Graph, Node
from xlite.schema.types import OpKind, Options, PadOptions, PlanesOptions, ReshapeOptions

_BITS = {0.0: -1.0, 1.0: 1.0}  # what a padding value is in every plane


def run(graph: Graph) -> bool:
    producers = graph.producers()
    for node in graph.nodes:
        x = node.inputs[0] if node.kind in (OpKind.RESHAPE, OpKind.PAD) else None
        source = producers.get(x) if x is not None else None
        if source is None or source.kind is not OpKind.FROM_PLANES:
            continue
        assert isinstance(source.options, PlanesOptions)
        options = _on_planes(node, source.options.planes)
        if options is None:
            continue
        name = node.output.name
        moved = graph.add(
            node.kind, [source.inputs[0]], options, layers=node.layers, name=f"{name}:planes", before=node
        )
        together = graph.add(
            OpKind.FROM_PLANES, [moved], source.options, layers=node.layers, name=name, before=node
        )
        graph.replace(node.output, together)
        graph.remove(node)
        return True
    return False


def _on_planes(node: Node, planes: int) -> Options | None:
    """The options with which the op does the same to every plane, None where it cannot."""
    options, channels = node.options, node.output.type.shape[-1]
    assert node.inputs[0] is not None
    if node.inputs[0].type.shape[-1] != channels:
        return None
    if isinstance(options, ReshapeOptions):
        return replace(options, shape=(*options.shape[:-1], channels * planes))
    if isinstance(options, PadOptions) and options.value in _BITS:
        return replace(options, value=_BITS[options.value])
    return None
