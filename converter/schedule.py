"""The order of the ops: any order that respects who reads what is right, and some need a smaller arena.

Three orders are tried and the one with the smallest sum of live tensors at its fullest moment is kept; where none
is better than the order in which the layers were lowered, that one stays.

- Greedy: of the ops that can run now, the one that leaves the fewest bytes alive (what it writes, less what nobody
  reads any more after it), ties by the lowered order. Good where cheap tensors wait for dear ones.
- Depth first from the outputs, the operand whose own computation peaks highest first (Sethi and Ullman's rule for
  registers, J. ACM 17(4), 1970, with bytes for registers). Good where branches meet in an add or a concatenation.
"""

from __future__ import annotations

import heapq
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
    flow = _Flow(graph)
    before = flow.peak(lowered)
    best, order = before, lowered
    for candidate in (_greedy(graph, flow), _depth_first(graph, flow)):
        size = flow.peak(candidate)
        if size < best:
            best, order = size, candidate
    graph.nodes = order
    return Scheduled(before, best)


def peak(graph: Graph, order: Sequence[Node]) -> int:
    """The largest sum of bytes of tensors that are alive during one op. Inputs and outputs of the graph live as
    the plan keeps them: inputs throughout, outputs to the end."""
    return _Flow(graph).peak(order)


class _Flow:
    """What each node reads and writes, gathered once. By the node itself: ``operands``, the activations that it
    reads, each once, and ``written``, in bytes. ``readers``: how many nodes read each value that may be released
    (no constants, graph inputs or outputs)."""

    def __init__(self, graph: Graph):
        kept = {*graph.inputs, *graph.outputs}
        self.inputs = sum(v.type.nbytes for v in graph.inputs)
        self.producers = graph.producers()
        self.operands: dict[Node, list[Value]] = {}
        self.written: dict[Node, int] = {}
        self.readers: dict[Value, int] = {}
        for node in graph.nodes:
            operands = list(dict.fromkeys(v for v in node.inputs if v is not None and v.data is None))
            self.operands[node] = operands
            self.written[node] = sum(v.type.nbytes for v in node.outputs)
            for value in operands:
                if value not in kept:
                    self.readers[value] = self.readers.get(value, 0) + 1

    def peak(self, order: Sequence[Node]) -> int:
        left = dict(self.readers)
        live = highest = self.inputs
        for node in order:
            live += self.written[node]
            highest = max(highest, live)
            for value in self.operands[node]:
                if value in left:
                    left[value] -= 1
                    if left[value] == 0:
                        live -= value.type.nbytes
        return highest


def _greedy(graph: Graph, flow: _Flow) -> list[Node]:
    """A heap of the ops that can run, by how many bytes more are alive after them. That shrinks once for each
    operand, where the op becomes the last that reads it; the op is then put into the heap again, and what the heap
    still holds of it is passed over."""
    nodes, left = graph.nodes, dict(flow.readers)
    growth = [flow.written[node] for node in nodes]
    waiting = [sum(v in flow.producers for v in flow.operands[node]) for node in nodes]
    users: dict[Value, list[int]] = {}
    for i, node in enumerate(nodes):
        for value in flow.operands[node]:
            users.setdefault(value, []).append(i)
    done = [False] * len(nodes)

    def last_reader(value: Value) -> int:
        last = next(i for i in users[value] if not done[i])
        growth[last] -= value.type.nbytes
        return last

    for value, count in left.items():
        if count == 1:
            last_reader(value)
    ready = [(growth[i], i) for i, count in enumerate(waiting) if count == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        size, i = heapq.heappop(ready)
        if done[i] or size != growth[i]:
            continue
        done[i] = True
        order.append(nodes[i])
        changed = []
        for value in flow.operands[nodes[i]]:
            if value in left:
                left[value] -= 1
                if left[value] == 1:
                    changed.append(last_reader(value))
        for value in nodes[i].outputs:
            for user in users.get(value, ()):
                waiting[user] -= 1
                changed.append(user)
        for user in changed:
            if waiting[user] == 0:
                heapq.heappush(ready, (growth[user], user))
    return order


def _depth_first(graph: Graph, flow: _Flow) -> list[Node]:
    """Every op as late as possible, its operands by the peak of what computes them, the highest first."""
    producers = flow.producers
    need = _needs(graph, flow)
    order: dict[Node, None] = {}
    for output in graph.outputs:
        stack = [(producers[output], False)] if output in producers else []
        while stack:  # no recursion: networks are hundreds of ops deep
            node, expanded = stack.pop()
            if node in order:
                continue
            if expanded:
                order[node] = None
                continue
            stack.append((node, True))
            sources = dict.fromkeys(producers[v] for v in flow.operands[node] if v in producers)
            stack.extend((source, False) for source in sorted(sources, key=need.__getitem__))
    return list(order)


def _needs(graph: Graph, flow: _Flow) -> dict[Node, int]:
    """Bytes at the fullest moment of computing each node alone, as if nothing were shared."""
    need: dict[Node, int] = {}
    for node in graph.nodes:
        operands = []
        for value in flow.operands[node]:
            source = flow.producers.get(value)
            operands.append((0 if source is None else need[source], value.type.nbytes))
        operands.sort(reverse=True)
        held = highest = 0
        for own, size in operands:
            highest = max(highest, held + own)
            held += size
        need[node] = max(highest, held + flow.written[node])
    return need
