"""Graph -> :class:`xlite.schema.types.Model`: values get indices and unique names, and the arena its plan."""

from __future__ import annotations

from collections import Counter

from xlite.converter.graph import Graph, Node, Value
from xlite.interpreter.planner import plan
from xlite.schema.errors import ConversionError
from xlite.schema.limits import MAX_OPS
from xlite.schema.types import Metadata, Model, Op, Tensor
from xlite.schema.verifier import verify


def emit(graph: Graph, metadata: Metadata | None = None) -> Model:
    """The model that the file will hold: tensors in the order of ``graph.values()``, ops in running order.

    The result is held against the verifier, so that what the converter writes every reader takes.
    """
    _check_length(graph)
    values = list(graph.values())
    index = {value: i for i, value in enumerate(values)}
    ops = [
        Op(
            kind=node.kind,
            inputs=_indices(node, index),
            outputs=tuple(index[v] for v in node.outputs),
            options=node.options,
            name="+".join(node.layers),
        )
        for node in graph.nodes
    ]
    model = Model(
        tensors=_tensors(values),
        ops=ops,
        inputs=tuple(index[v] for v in graph.inputs),
        outputs=tuple(index[v] for v in graph.outputs),
        metadata=metadata or Metadata(),
    )
    model.plan = plan(model)
    verify(model)
    return model


def _check_length(graph: Graph) -> None:
    """A file holds so many ops: unrolled recurrences alone come near it."""
    if len(graph.nodes) > MAX_OPS:
        longest, count = Counter(node.layers[:1] for node in graph.nodes).most_common(1)[0]
        raise ConversionError(
            f"the model takes {len(graph.nodes)} ops, {count} of them for layer '{''.join(longest)}', and a file "
            f"holds {MAX_OPS}; use shorter sequences"
        )


def _indices(node: Node, index: dict[Value, int]) -> tuple[int, ...]:
    """-1 for absent inputs. Files do not name those at the end, so that readers of format 1.0 take what they can
    compute; an op over bit planes, of which they know nothing, names them all and is refused there."""
    found = [-1 if value is None else index[value] for value in node.inputs]
    if getattr(node.options, "planes", 1) == 1:
        while found and found[-1] == -1:
            found.pop()
    return tuple(found)


def _tensors(values: list[Value]) -> list[Tensor]:
    taken: dict[str, int] = {}
    tensors = []
    for value in values:
        count = taken.get(value.name, 0)
        taken[value.name] = count + 1
        name = value.name if count == 0 else f"{value.name}:{count}"
        tensors.append(Tensor(name, value.type, value.data, value.scale, value.zero_point))
    return tensors
