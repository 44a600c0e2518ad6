"""Per-channel ops run before a reshape that keeps the channels, next to what made their input.

before: %1 = reshape(%0) {shape=(9, 4)}; %2 = batch_norm(%1, scale, offset)
after:  %1 = batch_norm(%0, scale, offset); %2 = reshape(%1) {shape=(9, 4)}

One-dimensional and transposed convolutions end in such a reshape; without it their batch norms fold as others do.
Only where nothing else reads the tensor in between.
"""

from __future__ import annotations

from xlite.converter.graph import Graph, Node, Value, constant
from xlite.converter.passes.chains import Readers, is_link
from xlite.schema.types import OpKind


def run(graph: Graph) -> bool:
    readers = Readers(graph)
    for node in graph.nodes:
        x = node.inputs[0] if is_link(node) else None
        reshape = readers.producers.get(x) if x is not None else None
        if x is None or reshape is None or reshape.kind is not OpKind.RESHAPE or readers.only_reader(x) is None:
            continue
        source = reshape.inputs[0]
        if source is not None and source.type.shape[-1] == x.type.shape[-1]:
            _swap(graph, node, reshape, source)
            return True
    return False


def _swap(graph: Graph, node: Node, reshape: Node, source: Value) -> None:
    label, rest = node.output.name, node.inputs[1:]
    if node.kind is OpKind.PRELU:
        rest = [_of_rank(rest[0], len(source.type.shape))]
    inner = graph.add(
        node.kind, [source, *rest], node.options, layers=node.layers, name=f"{label}:unshaped", before=reshape
    )
    shaped = graph.add(OpKind.RESHAPE, [inner], reshape.options, layers=reshape.layers, name=label, before=reshape)
    graph.replace(node.output, shaped)
    graph.remove(node)
    graph.remove(reshape)


def _of_rank(slope: Value | None, rank: int) -> Value:
    """The slope, one a channel, with as many axes as an input of ``rank`` asks for."""
    assert slope is not None
    assert slope.data is not None
    return constant(slope.name, slope.data.reshape((1,) * (rank - 2) + slope.type.shape[-1:]))
