"""The order of the ops: one that can run, never one that needs more, and the best where it is easy to see."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.converter.passes.build import Builder
from xlite.converter.emit import emit
from xlite.converter.passes import dead_code
from xlite.converter.schedule import _Flow, _greedy, peak, schedule
from xlite.schema.types import ConcatenateOptions, OpKind


def random_graph(seed, count):
    """Concatenations, activations and norms of what there is already; no dead code, as conversion leaves it."""
    rng = np.random.default_rng(seed)
    b = Builder(seed)
    values = [b.input(2, 2, int(rng.integers(1, 9)))]
    for _ in range(count):
        x = values[rng.integers(len(values))]
        if rng.random() < 0.4:
            y = values[rng.integers(len(values))]
            values.append(b.op(OpKind.CONCATENATE, x, y, options=ConcatenateOptions()))
        elif rng.random() < 0.5:
            values.append(b.activation(x, alpha=float(rng.random())))
        else:
            values.append(b.norm(x, 1, 0))
    graph = b.done(values[-1])
    dead_code.run(graph)
    return graph


def can_run(graph) -> bool:
    known = set(graph.inputs)
    for node in graph.nodes:
        if not all(v is None or v.is_constant or v in known for v in node.inputs):
            return False
        known.update(node.outputs)
    return all(v in known for v in graph.outputs)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 25))
def test_any_graph_keeps_its_meaning(seed, count):
    graph = random_graph(seed, count)
    nodes, before = set(map(id, graph.nodes)), peak(graph, graph.nodes)
    found = schedule(graph)
    assert set(map(id, graph.nodes)) == nodes
    assert can_run(graph)
    assert (found.before, found.after) == (before, peak(graph, graph.nodes))
    assert found.after <= before


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 25))
def test_greedy_is_what_its_rule_says(seed, count):
    """Against the rule in plain words: always the op after which the fewest bytes are alive, the first such."""
    graph = random_graph(seed, count)
    known, left, order = set(graph.inputs), list(graph.nodes), []
    while left:

        def growth(node):
            reads = {v for v in node.inputs if v is not None and not v.is_constant}
            dying = reads - set(graph.inputs) - set(graph.outputs)
            dying -= {v for other in left if other is not node for v in other.inputs}
            return sum(v.type.nbytes for v in node.outputs) - sum(v.type.nbytes for v in dying)

        node = min(
            (n for n in left if all(v.is_constant or v in known for v in n.inputs if v is not None)), key=growth
        )
        left.remove(node)
        known.update(node.outputs)
        order.append(node)
    assert _greedy(graph, _Flow(graph)) == order


def test_a_small_branch_waits_instead_of_a_large_one():
    """Two branches widen and narrow again. Lowered side by side, both wide tensors live at once."""
    b = Builder()
    x = b.input(4, 4, 8)
    wide = [b.conv(x, 256, kernel=1), b.conv(x, 256, kernel=1)]
    narrow = [b.conv(y, 4, kernel=1) for y in wide]
    graph = b.done(b.op(OpKind.ADD, *narrow))
    before = emit(graph).plan.arena_bytes
    found = schedule(graph)
    after = emit(graph).plan.arena_bytes
    assert found.after < found.before
    assert after < 0.6 * before
