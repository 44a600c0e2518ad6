"""The order of the ops: any order that respects who reads what is right, and some need a smaller arena.

Three orders are tried and the one with the smallest sum of live tensors at its fullest moment is kept; where none
is better than the order in which the layers were lowered, that one stays.

- Greedy: of the ops that can run now, the one that leaves the fewest bytes alive (what it writes, less what nobody
  reads any more after it), ties by the lowered order. Good where cheap tensors wait for dear ones.
- Depth first from the outputs, the operand whose own computation peaks highest first (Sethi and Ullman's rule for
  registers, J. ACM 17(4), 1970, with bytes for registers). Good where branches meet in an add or a concatenation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlite.converter.graph import Graph, Node, Value


@dataclass(frozen=True)
class Scheduled:
    """Bytes alive at the fullest moment, in the lowered order and in the one that was chosen."""

    before: int
    after: int


def schedule(graph: Graph) -> Scheduled:
    """Puts ``graph.nodes`` in the best order found, in place."""
    lowered = list(graph.nodes)
    before = peak(graph, lowered)
    best, order = before, lowered
    for candidate in (_greedy(graph), _depth_first(graph)):
        size = peak(graph, candidate)
        if size < best:
            best, order = size, candidate
    graph.nodes = order
    return Scheduled(before, best)


def peak(graph: Graph, order: Sequence[Node]) -> int:
    """The largest sum of bytes of tensors that are alive during one op. Inputs and outputs of the graph live as
    the plan keeps them: inputs throughout, outputs to the end."""
    readers = _reader_counts(graph)
    live = sum(v.type.nbytes for v in graph.inputs)
    highest = live
    for node in order:
        live += sum(v.type.nbytes for v in node.outputs)
        highest = max(highest, live)
        live -= _released(node, readers)
    return highest


def _reader_counts(graph: Graph) -> dict[Value, int]:
    """How many nodes read each value that may be released: no constants, graph inputs or outputs."""
    kept = {*graph.inputs, *graph.outputs}
    counts: dict[Value, int] = {}
    for node in graph.nodes:
        for value in _operands(node):
            if value not in kept:
                counts[value] = counts.get(value, 0) + 1
    return counts


def _operands(node: Node) -> list[Value]:
    """Activations that a node reads, each once."""
    return list(dict.fromkeys(v for v in node.inputs if v is not None and not v.is_constant))


def _released(node: Node, readers: dict[Value, int]) -> int:
    """Takes the node's reads off ``readers``; returns the bytes that nobody needs any more."""
    freed = 0
    for value in _operands(node):
        if value in readers:
            readers[value] -= 1
            if readers[value] == 0:
                freed += value.type.nbytes
    return freed


def _greedy(graph: Graph) -> list[Node]:
    producers = graph.producers()
    position = {id(node): i for i, node in enumerate(graph.nodes)}
    waiting = {id(node): sum(v in producers for v in _operands(node)) for node in graph.nodes}
    users = graph.uses()
    readers = _reader_counts(graph)

    def growth(node: Node) -> tuple[int, int]:
        written = sum(v.type.nbytes for v in node.outputs)
        freed = sum(v.type.nbytes for v in _operands(node) if readers.get(v) == 1)
        return written - freed, position[id(node)]

    ready = [node for node in graph.nodes if waiting[id(node)] == 0]
    order = []
    while ready:
        node = min(ready, key=growth)
        ready.remove(node)
        order.append(node)
        _released(node, readers)
        for value in node.outputs:
            for user in dict.fromkeys(map(id, users.get(value, []))):
                waiting[user] -= 1
                if waiting[user] == 0:
                    ready.append(graph.nodes[position[user]])
    return order


def _depth_first(graph: Graph) -> list[Node]:
    """Every op as late as possible, its operands by the peak of what computes them, the highest first."""
    producers = graph.producers()
    need = _needs(graph, producers)
    order: dict[int, Node] = {}
    for output in graph.outputs:
        stack = [(producers[output], False)] if output in producers else []
        while stack:  # no recursion: networks are hundreds of ops deep
            node, expanded = stack.pop()
            if id(node) in order:
                continue
            if expanded:
                order[id(node)] = node
                continue
            stack.append((node, True))
            sources = {id(producers[v]): producers[v] for v in _operands(node) if v in producers}
            stack.extend((source, False) for source in sorted(sources.values(), key=lambda n: need[id(n)]))
    return list(order.values())


def _needs(graph: Graph, producers: dict[Value, Node]) -> dict[int, int]:
    """Bytes at the fullest moment of computing each node alone, as if nothing were shared."""
    need: dict[int, int] = {}
    for node in graph.nodes:
        operands = [(need[id(producers[v])] if v in producers else 0, v.type.nbytes) for v in _operands(node)]
        operands.sort(reverse=True)
        held = highest = 0
        for own, size in operands:
            highest = max(highest, held + own)
            held += size
        need[id(node)] = max(highest, held + sum(v.type.nbytes for v in node.outputs))
    return need
