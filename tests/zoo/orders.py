"""The smallest arena that any order of a graph's ops allows, found by looking at all of them.

What is alive depends on which ops have run, not on their order. So the search goes over sets of ops that may have
run first, from none to all, by the fullest moment on the way to each: the first time that all have run, no order
can do better (Dijkstra's algorithm with the maximum in place of the sum). Networks are narrow, the sets are few.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from xlite.converter.graph import Graph, Node, Value
from xlite.schema.contracts import inplace_inputs
from xlite.schema.types import ALIGNMENT

MOST = 1_000_000  # sets to look at


def least_arena(graph: Graph) -> int | None:
    """Bytes alive at the fullest moment of the best order, as the planner counts them: an output may take the
    place of an input that nobody reads any more. None where there are too many orders."""
    ops = _Ops(graph)
    everything = (1 << len(graph.nodes)) - 1
    live = {0: ops.inputs}
    ready = {0: frozenset(i for i, needed in enumerate(ops.needed) if not needed)}
    fullest = {0: ops.inputs}
    heap = [(ops.inputs, 0, 0)]  # fullest moment; less the ops that have run, so that the farthest comes first
    seen: set[int] = set()
    while heap and len(seen) < MOST:
        highest, count, done = heapq.heappop(heap)
        if done == everything:
            return highest
        if done in seen:
            continue
        seen.add(done)
        for i in ready[done]:
            after = done | 1 << i
            moment = max(highest, live[done] + ops.on_top(i, after))
            if moment >= fullest.get(after, moment + 1):
                continue
            fullest[after] = moment
            live[after] = live[done] + ops.written[i] - sum(map(_bytes, ops.freed(i, after)))
            ready[after] = (ready[done] - {i}) | {j for j in ops.followers[i] if not ops.needed[j] & ~after}
            heapq.heappush(heap, (moment, count - 1, after))
    return None


class _Ops:
    """By the op's number: what it needs (a set of ops as a bit mask), who follows, what it reads and writes."""

    def __init__(self, graph: Graph) -> None:
        number = {node: i for i, node in enumerate(graph.nodes)}
        producers = graph.producers()
        kept = {*graph.inputs, *graph.outputs}
        self.inputs = sum(map(_bytes, graph.inputs))
        self.written = [sum(map(_bytes, node.outputs)) for node in graph.nodes]
        self.operands = [[v for v in dict.fromkeys(_activations(node)) if v not in kept] for node in graph.nodes]
        self.readers: dict[Value, int] = {}
        self.needed = [0] * len(graph.nodes)
        self.followers: list[set[int]] = [set() for _ in graph.nodes]
        for i, node in enumerate(graph.nodes):
            for value in _activations(node):
                self.readers[value] = self.readers.get(value, 0) | 1 << i
                if value in producers:
                    self.needed[i] |= 1 << number[producers[value]]
                    self.followers[number[producers[value]]].add(i)
        self.replaceable = [[v for v in _replaceable(node) if v not in kept] for node in graph.nodes]

    def freed(self, i: int, done: int) -> list[Value]:
        """What nobody reads any more once the ops of ``done`` have run, op ``i`` last."""
        return [value for value in self.operands[i] if not self.readers[value] & ~done]

    def on_top(self, i: int, done: int) -> int:
        """Bytes that come to what is alive while op ``i`` runs."""
        return 0 if set(self.replaceable[i]) & set(self.freed(i, done)) else self.written[i]


def _activations(node: Node) -> Iterator[Value]:
    return (value for value in node.inputs if value is not None and not value.is_constant)


def _replaceable(node: Node) -> list[Value]:
    """Inputs in whose place the output may be written."""
    types = [None if value is None else value.type for value in node.inputs]
    slots = inplace_inputs(node.kind, types, [value.type for value in node.outputs])
    return [value for value in (node.inputs[slot] for slot in slots) if value is not None]


def _bytes(value: Value) -> int:
    return -(-value.type.nbytes // ALIGNMENT) * ALIGNMENT
