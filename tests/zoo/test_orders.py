"""The search over all orders, against planning them one by one."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.converter.test_schedule import can_run, random_graph
from tests.zoo.orders import least_arena
from xlite.converter.emit import emit


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 6))
def test_the_least_of_all_orders_is_found(seed, count):
    graph = random_graph(seed, count)
    found = least_arena(graph)
    bounds = set()
    for order in permutations(graph.nodes):
        graph.nodes = list(order)
        if can_run(graph):
            plan = emit(graph).plan
            assert plan is not None
            bounds.add(plan.lower_bound)
    assert found == min(bounds)
